"""What the storyboard's functions leave in the bucket and tell SNS."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.storyboard.conftest import ARCHIVE_BUCKET, FILM_BUCKET, Load
from tests.unit.storyboard.footage import Footage


@pytest.fixture
def shots(s3: Any, tmp_path: Path) -> list[dict[str, Any]]:
    """Two archived generations, as the machine tells of them."""
    told = []
    for number in (1, 2):
        key = f"console/2026/11/20/dunes-{number:02}/01.mp4"
        content = Footage(shade=40 * number).write(tmp_path / f"{number}.mp4").read_bytes()
        s3.put_object(Bucket=ARCHIVE_BUCKET, Key=key, Body=content)
        told.append(
            {
                "film": "dunes",
                "shot": number,
                "taskId": f"dunes-{number:02}",
                "video": {"bucket": ARCHIVE_BUCKET, "key": key},
                "credits": 24,
            }
        )
    return told


def stored(s3: Any, key: str) -> bytes:
    content: bytes = s3.get_object(Bucket=FILM_BUCKET, Key=key)["Body"].read()
    return content


def test_a_frame_is_kept_where_the_next_shot_looks_for_it(load: Load, s3: Any, shots: list[dict[str, Any]]) -> None:
    """And what is known of the shot beside it. A second time changes nothing."""
    handler = load("extract_frame").handler
    kept = handler(shots[0], None)
    assert kept == shots[0] | {"frame": {"bucket": FILM_BUCKET, "key": "films/dunes/frames/01.png"}}
    assert stored(s3, "films/dunes/frames/01.png").startswith(b"\x89PNG")
    assert json.loads(stored(s3, "films/dunes/shots/01.json")) == kept
    assert handler(shots[0], None) == kept


def test_a_film_is_one_file_and_told_by_its_bytes(load: Load, s3: Any, shots: list[dict[str, Any]]) -> None:
    handler = load("join_film").handler
    answer = handler({"film": "dunes", "shots": shots}, None)
    content = stored(s3, "films/dunes/film.mp4")
    assert answer["shots"] == shots
    assert answer["joined"] == {
        "bucket": FILM_BUCKET,
        "key": "films/dunes/film.mp4",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "frames": 24,
        "seconds": 1.0,
        "copied": True,
    }
    assert handler({"film": "dunes", "shots": shots}, None) == answer


def test_a_film_that_is_there_is_announced(
    load: Load, s3: Any, topic: tuple[str, Any], shots: list[dict[str, Any]]
) -> None:
    handler = load("announce_film").handler
    joined = {"bucket": FILM_BUCKET, "key": "films/dunes/film.mp4", "frames": 24}
    summary = handler({"film": "dunes", "shots": shots, "joined": joined}, None)
    manifest = json.loads(stored(s3, "films/dunes/manifest.json"))
    assert manifest == {
        "version": 1,
        "film": "dunes",
        "status": "SUCCEEDED",
        "failure": None,
        "failureCode": None,
        "shots": shots,
        "joined": joined,
        "credits": 48,
    }
    at = {"bucket": FILM_BUCKET, "key": "films/dunes/manifest.json"}
    assert summary == manifest | {"manifest": at, "shots": 2}
    (message,) = topic[1]()
    assert message["MessageAttributes"]["type"]["Value"] == "film.succeeded"
    told = {
        "type": "film.succeeded",
        "eventId": "dunes-film-ended",
        "taskId": None,
        "source": {"kind": "storyboard"},
    }
    assert json.loads(message["Message"]) == told | summary

    handler({"film": "dunes", "shots": shots, "joined": joined}, None)
    (again,) = topic[1]()
    assert again["Message"] == message["Message"]


def test_of_a_film_that_failed_the_shots_that_came_are_listed(
    load: Load, s3: Any, topic: tuple[str, Any], shots: list[dict[str, Any]]
) -> None:
    """In their order, and none of another film whose name begins alike."""
    extract = load("extract_frame").handler
    kept = [extract(shot, None) for shot in reversed(shots)]
    extract(shots[0] | {"film": "dunes-2"}, None)
    failure = {"error": "SAFETY.INPUT.TEXT", "cause": "Runway refused the prompt."}

    summary = load("announce_film").handler({"film": "dunes", "failure": failure}, None)

    assert (summary["failureCode"], summary["failure"]) == ("SAFETY.INPUT.TEXT", "Runway refused the prompt.")
    manifest = json.loads(stored(s3, "films/dunes/manifest.json"))
    assert (manifest["status"], manifest["shots"], manifest["joined"]) == ("FAILED", kept[::-1], None)
    (message,) = topic[1]()
    assert json.loads(message["Message"])["type"] == "film.failed"


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        pytest.param(
            {
                "error": "States.TaskFailed",
                "cause": json.dumps(
                    {"Status": "FAILED", "Error": "TARMAC.DEADLINE", "Cause": "Too late.", "Name": "x"}
                ),
            },
            "TARMAC.DEADLINE",
            "Too late.",
            id="an execution, as startExecution.sync describes it",
        ),
        pytest.param(
            {"error": "ValueError", "cause": json.dumps({"errorType": "ValueError", "errorMessage": "no frames"})},
            "ValueError",
            "no frames",
            id="a function",
        ),
        pytest.param({"error": "States.Timeout", "cause": ""}, "States.Timeout", "", id="no cause"),
        pytest.param({"error": "E", "cause": "[1]"}, "E", "[1]", id="another kind of JSON"),
    ],
)
def test_a_failure_is_told_in_its_own_words(load: Load, failure: dict[str, str], code: str, words: str) -> None:
    assert load("announce_film").why(failure) == (code, words)
