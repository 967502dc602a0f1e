"""Executions of the generation machine and the session machine that every interpreter must run in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.workflow.scripts import QUERY_ERROR, Case, Crash, Step

Answer = Mapping[str, Any] | Crash

TASK = {"taskId": "4b0e"}
SESSION = {"sessionId": "51f7"}
CRASH = Crash()
# Six retries: 2 s, doubled each time, at most a minute.
RETRIES = (2, 4, 8, 16, 32, 60)
# A request is data to the machine, also where it resembles an expression or a placeholder.
BY_HAND = {
    "operation": "text_to_video",
    "request": {
        "model": "gen4.5",
        "promptText": 'a "fox" isn\'t {% $states.context %} ${FinishTaskArn} \\ \u00e9 \u732b \U0001f98a\n',
        "seed": 4294967295,
        "ratio": None,
        "nested": [[], {}, [1.5, -2e-7]],
    },
    "metadata": {"order": "17"},
}


def submit(answer: Answer) -> Step:
    return Step("SubmitTask", TASK, answer)


def poll(answer: Answer) -> Step:
    return Step("PollTask", TASK, answer)


def finish(answer: Answer) -> Step:
    return Step("FinishTask", TASK, answer)


def outcome(word: str, wait_seconds: int = 0) -> dict[str, Any]:
    return {**TASK, "outcome": word, "waitSeconds": wait_seconds}


def ending(word: str, **more: Any) -> dict[str, Any]:
    outputs = [{"bucket": "archive", "key": "a/00.mp4"}]
    return {**TASK, "ending": word, "status": word.upper(), "outputs": outputs, "credits": 25, **more}


def watch(answer: Answer) -> Step:
    return Step("WatchSession", SESSION, answer)


def finish_session(answer: Answer) -> Step:
    return Step("FinishSession", SESSION, answer)


def session_outcome(word: str, wait_seconds: int = 0) -> dict[str, Any]:
    return {**SESSION, "outcome": word, "waitSeconds": wait_seconds}


def session_ending(word: str, **more: Any) -> dict[str, Any]:
    return {**SESSION, "ending": word, "seconds": 61.5, **more}


SUCCEEDED = ending("succeeded")
FAILED = ending("failed", error="SAFETY.INPUT", cause='The prompt "fox" was rejected.')
CANCELLED = ending("cancelled", outputs=[], credits=None)
RUN = "Enter Submit Route WaitForProgress Poll Route Finish Ending"
RUNNING_ONCE = (submit(outcome("running", 7)), poll(outcome("ended")))

GENERATIONS = (
    Case(
        "succeeded",
        "generation",
        TASK,
        (submit(outcome("running", 7)), poll(outcome("running", 3)), poll(outcome("ended")), finish(SUCCEEDED)),
        "Enter Submit Route WaitForProgress Poll Route WaitForProgress Poll Route Finish Ending Succeeded",
        pauses=(7, 3),
        output=SUCCEEDED,
    ),
    Case(
        "waited for capacity, then succeeded",
        "generation",
        TASK,
        (submit(outcome("waiting", 30)), *RUNNING_ONCE, finish(SUCCEEDED)),
        "Enter Submit Route WaitForCapacity Submit Route WaitForProgress Poll Route Finish Ending Succeeded",
        pauses=(30, 7),
        output=SUCCEEDED,
    ),
    Case(
        "failed at Runway, submitted again, succeeded",
        "generation",
        TASK,
        (submit(outcome("running", 7)), poll(outcome("waiting", 5)), *RUNNING_ONCE, finish(SUCCEEDED)),
        "Enter Submit Route WaitForProgress Poll Route WaitForCapacity Submit Route WaitForProgress Poll Route "
        "Finish Ending Succeeded",
        pauses=(7, 5, 7),
        output=SUCCEEDED,
    ),
    Case(
        "started by hand",
        "generation",
        BY_HAND,
        (Step("CreateTask", {**BY_HAND, "execution": "by-hand"}, TASK), *RUNNING_ONCE, finish(SUCCEEDED)),
        "Enter Accept Submit Route WaitForProgress Poll Route Finish Ending Succeeded",
        pauses=(7,),
        output=SUCCEEDED,
        name="by-hand",
    ),
    Case(
        "started by hand, invalid",
        "generation",
        {"operation": "text_to_video"},
        (
            Step(
                "CreateTask",
                {"operation": "text_to_video", "execution": "run-1"},
                Crash("InvalidRequest"),
            ),
        ),
        "Enter Accept",
        error="InvalidRequest",
        cause=Crash("InvalidRequest").cause,
    ),
    Case(
        "started by hand while Lambda throttles",
        "generation",
        {},
        (
            *[Step("CreateTask", {"execution": "run-1"}, Crash("Lambda.TooManyRequestsException"))] * 2,
            Step("CreateTask", {"execution": "run-1"}, TASK),
            submit(outcome("ended")),
            finish(SUCCEEDED),
        ),
        "Enter Accept Submit Route Finish Ending Succeeded",
        pauses=RETRIES[:2],
        output=SUCCEEDED,
    ),
    Case(
        "Submit crashes and is retried",
        "generation",
        TASK,
        (submit(CRASH), submit(CRASH), *RUNNING_ONCE, finish(SUCCEEDED)),
        f"{RUN} Succeeded",
        pauses=(*RETRIES[:2], 7),
        output=SUCCEEDED,
    ),
    Case(
        "Submit crashes for good",
        "generation",
        TASK,
        (*[submit(CRASH)] * 7, finish(FAILED)),
        "Enter Submit Finish Ending Failed",
        pauses=RETRIES,
        error=FAILED["error"],
        cause=FAILED["cause"],
    ),
    Case(
        "Poll crashes for good",
        "generation",
        TASK,
        (submit(outcome("running", 7)), *[poll(CRASH)] * 7, finish(SUCCEEDED)),
        "Enter Submit Route WaitForProgress Poll Finish Ending Succeeded",
        pauses=(7, *RETRIES),
        output=SUCCEEDED,
    ),
    Case(
        "retries are counted for each poll",
        "generation",
        TASK,
        (
            submit(outcome("running", 7)),
            *[poll(CRASH)] * 4,
            poll(outcome("running", 3)),
            *[poll(CRASH)] * 4,
            poll(outcome("ended")),
            finish(SUCCEEDED),
        ),
        "Enter Submit Route WaitForProgress Poll Route WaitForProgress Poll Route Finish Ending Succeeded",
        pauses=(7, *RETRIES[:4], 3, *RETRIES[:4]),
        output=SUCCEEDED,
    ),
    Case(
        "Finish crashes and is retried",
        "generation",
        TASK,
        (submit(outcome("ended")), finish(CRASH), finish(SUCCEEDED)),
        "Enter Submit Route Finish Ending Succeeded",
        pauses=RETRIES[:1],
        output=SUCCEEDED,
    ),
    Case(
        "Finish crashes for good",
        "generation",
        TASK,
        (submit(outcome("ended")), *[finish(CRASH)] * 7),
        "Enter Submit Route Finish",
        pauses=RETRIES,
        error=CRASH.error,
        cause=CRASH.cause,
    ),
    Case(
        "failed",
        "generation",
        TASK,
        (*RUNNING_ONCE, finish(FAILED)),
        f"{RUN} Failed",
        pauses=(7,),
        error=FAILED["error"],
        cause=FAILED["cause"],
    ),
    Case(
        "cancelled",
        "generation",
        TASK,
        (*RUNNING_ONCE, finish(CANCELLED)),
        f"{RUN} Cancelled",
        pauses=(7,),
        output=CANCELLED,
    ),
    Case(
        "unknown outcome",
        "generation",
        TASK,
        (submit(outcome("paused", 9)), finish(SUCCEEDED)),
        "Enter Submit Route Finish Ending Succeeded",
        output=SUCCEEDED,
    ),
    Case(
        "missing outcome",
        "generation",
        TASK,
        (submit(TASK), finish(SUCCEEDED)),
        "Enter Submit Route Finish Ending Succeeded",
        output=SUCCEEDED,
    ),
    Case(
        "unknown ending",
        "generation",
        TASK,
        (submit(outcome("ended")), finish(ending("postponed"))),
        "Enter Submit Route Finish Ending Failed",
        error=QUERY_ERROR,
    ),
    Case(
        "missing id",
        "generation",
        {"operation": "text_to_video"},
        (Step("CreateTask", {"operation": "text_to_video", "execution": "run-1"}, {}),),
        "Enter Accept Submit",
        # The expression of a payload fails like its function, so it is retried.
        pauses=RETRIES,
        error=QUERY_ERROR,
    ),
)

COMPLETED = session_ending("completed")
LOST = session_ending("failed", error="TARMAC.LOST", cause="Runway no longer knows the session.")

SESSIONS = (
    Case(
        "completed",
        "session",
        SESSION,
        (
            watch(session_outcome("running", 11)),
            watch(session_outcome("running", 4)),
            watch(session_outcome("ended")),
            finish_session(COMPLETED),
        ),
        "WaitForTheStart Watch Route WaitForTheCall Watch Route WaitForTheCall Watch Route Finish Ending Completed",
        pauses=(5, 11, 4),
        output=COMPLETED,
    ),
    Case(
        "waits for its recording",
        "session",
        SESSION,
        (
            watch(session_outcome("ended")),
            finish_session(session_ending("waiting", waitSeconds=10)),
            finish_session(session_ending("waiting", waitSeconds=20)),
            finish_session(COMPLETED),
        ),
        "WaitForTheStart Watch Route Finish Ending WaitForTheRecording Finish Ending WaitForTheRecording Finish "
        "Ending Completed",
        pauses=(5, 10, 20),
        output=COMPLETED,
    ),
    Case(
        "cancelled",
        "session",
        SESSION,
        (watch(session_outcome("ended")), finish_session(session_ending("cancelled"))),
        "WaitForTheStart Watch Route Finish Ending Cancelled",
        pauses=(5,),
        output=session_ending("cancelled"),
    ),
    Case(
        "failed",
        "session",
        SESSION,
        (watch(session_outcome("ended")), finish_session(LOST)),
        "WaitForTheStart Watch Route Finish Ending Failed",
        pauses=(5,),
        error=LOST["error"],
        cause=LOST["cause"],
    ),
    Case(
        "Watch crashes and is retried",
        "session",
        SESSION,
        (watch(CRASH), watch(session_outcome("ended")), finish_session(COMPLETED)),
        "WaitForTheStart Watch Route Finish Ending Completed",
        pauses=(5, *RETRIES[:1]),
        output=COMPLETED,
    ),
    Case(
        "Watch crashes for good",
        "session",
        SESSION,
        (*[watch(CRASH)] * 7, finish_session(COMPLETED)),
        "WaitForTheStart Watch Finish Ending Completed",
        pauses=(5, *RETRIES),
        output=COMPLETED,
    ),
    Case(
        "Finish crashes for good",
        "session",
        SESSION,
        (watch(session_outcome("ended")), *[finish_session(CRASH)] * 7),
        "WaitForTheStart Watch Route Finish",
        pauses=(5, *RETRIES),
        error=CRASH.error,
        cause=CRASH.cause,
    ),
    Case(
        "unknown outcome",
        "session",
        SESSION,
        (watch(session_outcome("paused", 9)), finish_session(COMPLETED)),
        "WaitForTheStart Watch Route Finish Ending Completed",
        pauses=(5,),
        output=COMPLETED,
    ),
    Case(
        "unknown ending",
        "session",
        SESSION,
        (watch(session_outcome("ended")), finish_session(session_ending("postponed"))),
        "WaitForTheStart Watch Route Finish Ending Failed",
        pauses=(5,),
        error=QUERY_ERROR,
    ),
)
