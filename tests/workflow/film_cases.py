"""Executions of the film machine, which starts executions of the generation machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.workflow.cases import CRASH, FAILED, GENERATIONS, SESSIONS, Answer, outcome
from tests.workflow.machines import FILM_BUCKET, definitions, execution_arn
from tests.workflow.scripts import Case, Crash, Step

SHARED = {"model": "gen4.5", "duration": 5}
TEXTS = ({"promptText": 'a "fox" {% $states %}'}, {"promptText": "\u732b, r\u00e9veill\u00e9"})
CUT = {"promptText": "a harbour", "promptImage": "https://example.com/harbour.png", "duration": 10}
RETRIES = (2, 4, 8, 16)
FILM = "film"
LONGEST_NAME = "f" * 70
FRAME = f"s3://{FILM_BUCKET}/films/{FILM}/frames/01.png"


def generated(shot: int, operation: str, request: Mapping[str, Any], film: str = FILM) -> tuple[Step, ...]:
    """One shot's steps in the generation machine, which ends successfully without a poll."""
    name = f"{film}-{shot:02}"
    create = {
        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": execution_arn("film", film),
        "operation": operation,
        "request": request,
        "metadata": {"film": film, "shot": str(shot)},
        "execution": name,
    }
    task = {"taskId": name}
    done = {**task, "ending": "succeeded", "outputs": [video(name)], "credits": 25}
    return (
        Step("CreateTask", create, task),
        Step("SubmitTask", task, outcome("ended") | task),
        Step("FinishTask", task, done),
    )


def video(name: str) -> dict[str, str]:
    return {"bucket": "archive", "key": f"{name}/00.mp4"}


def extract_frame(shot: int, answer: Answer | None = None, film: str = FILM) -> Step:
    """The step that stores the last frame of a shot."""
    name = f"{film}-{shot:02}"
    done = {"film": film, "shot": shot, "taskId": name, "video": video(name), "credits": 25}
    return Step("ExtractFrame", done, stored_shot(shot) if answer is None else answer)


def stored_shot(shot: int) -> dict[str, Any]:
    return {"shot": shot, "frames": 120}


def ready(shots: Sequence[Mapping[str, Any]], film: str = FILM) -> tuple[Step, ...]:
    """The steps after the shots."""
    joined = {"film": film, "shots": shots, "joined": {"frames": 360}}
    return (
        Step("JoinFilm", {"film": film, "shots": shots}, joined),
        Step("AnnounceFilm", joined, {"film": film, "status": "SUCCEEDED"}),
    )


READY = {"film": FILM, "status": "SUCCEEDED"}
WAY = "ReadStoryboard FilmShots JoinFilm AnnounceFilm FilmReady"
# What AnnounceFilm returns for a film that lacks shots.
INCOMPLETE = {"film": FILM, "status": "FAILED", "failureCode": "RuntimeError", "failure": "scripted"}
CANCELLED = {"film": FILM, "status": "CANCELLED"}
ONE_SHOT = (*generated(1, "text_to_video", TEXTS[0]), extract_frame(1))


# Two shots are ordered, and the first one fails at Runway. Its test checks the payload of AnnounceFilm.
FIRST_SHOT_FAILED = Case(
    "the first of two shots fails",
    "film",
    {"shots": [*TEXTS]},
    (
        *ONE_SHOT[:2],
        Step("FinishTask", {"taskId": "film-01"}, {**FAILED, "taskId": "film-01"}),
        Step("AnnounceFilm", {}, INCOMPLETE),
    ),
    "ReadStoryboard FilmShots KeepWhatWasMade FilmEnding FilmFailed",
    error=INCOMPLETE["failureCode"],
    cause=INCOMPLETE["failure"],
    name=FILM,
)


def rejected(case_id: str, given: Mapping[str, Any], name: str = FILM) -> Case:
    """A storyboard that ends before anything is bought."""
    state = definitions()["film"]["States"]["Refused"]
    error, cause = state["Error"], state["Cause"]
    return Case(case_id, "film", given, (), "ReadStoryboard Refused", error=error, cause=cause, name=name)


FILMS = (
    Case(
        "three shots, the last one with an image of its own",
        "film",
        {"request": SHARED, "shots": [*TEXTS, CUT]},
        (
            *generated(1, "text_to_video", {**SHARED, **TEXTS[0]}),
            extract_frame(1),
            *generated(2, "image_to_video", {**SHARED, **TEXTS[1], "promptImage": FRAME}),
            extract_frame(2),
            *generated(3, "image_to_video", {**SHARED, **CUT}),
            extract_frame(3),
            *ready([stored_shot(1), stored_shot(2), stored_shot(3)]),
        ),
        WAY,
        output=READY,
        name=FILM,
    ),
    Case(
        "one shot, nothing shared, the longest name",
        "film",
        {"shots": [TEXTS[0]]},
        (
            *generated(1, "text_to_video", TEXTS[0], LONGEST_NAME),
            extract_frame(1, film=LONGEST_NAME),
            *ready([stored_shot(1)], LONGEST_NAME),
        ),
        WAY,
        output={**READY, "film": LONGEST_NAME},
        name=LONGEST_NAME,
    ),
    Case(
        "a frame is stored at the second attempt",
        "film",
        {"shots": [TEXTS[0]]},
        (*ONE_SHOT[:-1], extract_frame(1, CRASH), extract_frame(1), *ready([stored_shot(1)])),
        WAY,
        pauses=RETRIES[:1],
        output=READY,
        name=FILM,
    ),
    Case(
        "a frame is never stored",
        "film",
        {"shots": [TEXTS[0]]},
        (
            *ONE_SHOT[:-1],
            *[extract_frame(1, CRASH)] * 5,
            Step("AnnounceFilm", {"film": FILM, "failure": {"error": CRASH.error, "cause": CRASH.cause}}, INCOMPLETE),
        ),
        "ReadStoryboard FilmShots KeepWhatWasMade FilmEnding FilmFailed",
        pauses=RETRIES,
        error=INCOMPLETE["failureCode"],
        cause=INCOMPLETE["failure"],
        name=FILM,
    ),
    Case(
        "joining fails for good",
        "film",
        {"shots": [TEXTS[0]]},
        (*ONE_SHOT, *[Step("JoinFilm", {"film": FILM, "shots": [stored_shot(1)]}, Crash("MemoryError"))] * 5),
        "ReadStoryboard FilmShots JoinFilm",
        pauses=RETRIES,
        error="MemoryError",
        cause=Crash("MemoryError").cause,
        name=FILM,
    ),
    Case(
        "a shot is cancelled",
        "film",
        {"shots": [TEXTS[0]]},
        (
            *ONE_SHOT[:2],
            Step(
                "FinishTask",
                {"taskId": "film-01"},
                {"taskId": "film-01", "ending": "cancelled", "outputs": [], "credits": 0},
            ),
            Step(
                "AnnounceFilm",
                {"film": FILM, "failure": {"error": "TARMAC.CANCELLED", "cause": "Shot 1 was cancelled"}},
                CANCELLED,
            ),
        ),
        "ReadStoryboard FilmShots KeepWhatWasMade FilmEnding FilmCancelled",
        output=CANCELLED,
        name=FILM,
    ),
    rejected("no shots", {"request": SHARED}),
    rejected("shots are text", {"shots": "three"}),
    rejected("shots are one shot", {"shots": TEXTS[0]}),
    rejected("shots are null", {"shots": None}),
    rejected("shots are empty", {"shots": []}),
    rejected("too many shots", {"shots": [TEXTS[0]] * 41}),
    rejected("a shot is text", {"shots": [TEXTS[0], "a fox"]}),
    rejected("a shot is null", {"shots": [None]}),
    rejected("a shot is a list", {"shots": [[TEXTS[0]]]}),
    rejected("the name is too long", {"shots": [TEXTS[0]]}, name=LONGEST_NAME + "f"),
)

CASES = (*GENERATIONS, *SESSIONS, *FILMS)
"""All cases of all machines."""
