"""What the functions store in the bucket and publish to SNS."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from examples.storyboard.tests.conftest import ARCHIVE_BUCKET, FILM_BUCKET, Load
from examples.storyboard.tests.footage import Footage


@pytest.fixture
def shots(s3: Any, tmp_path: Path) -> list[dict[str, Any]]:
    """Two archived shots, as the state machine passes them on."""
    found = []
    for number in (1, 2):
        key = f"console/2026/11/20/dunes-{number:02}/01.mp4"
        content = Footage(shade=40 * number).write(tmp_path / f"{number}.mp4").read_bytes()
        s3.put_object(Bucket=ARCHIVE_BUCKET, Key=key, Body=content)
        found.append(
            {
                "film": "dunes",
                "shot": number,
                "taskId": f"dunes-{number:02}",
                "video": {"bucket": ARCHIVE_BUCKET, "key": key},
                "credits": 24,
            }
        )
    return found


def stored(s3: Any, key: str) -> bytes:
    content: bytes = s3.get_object(Bucket=FILM_BUCKET, Key=key)["Body"].read()
    return content


def test_the_last_frame_is_stored_where_the_next_shot_reads_it(
    load: Load, s3: Any, shots: list[dict[str, Any]]
) -> None:
    """The record of the shot is stored too. A second call changes nothing."""
    handler = load("extract_frame").handler
    stored_shot = handler(shots[0], None)
    assert stored_shot == shots[0] | {"frame": {"bucket": FILM_BUCKET, "key": "films/dunes/frames/01.png"}}
    assert stored(s3, "films/dunes/frames/01.png").startswith(b"\x89PNG")
    assert json.loads(stored(s3, "films/dunes/shots/01.json")) == stored_shot
    assert handler(shots[0], None) == stored_shot


def test_a_film_is_stored_as_one_file_and_described(load: Load, s3: Any, shots: list[dict[str, Any]]) -> None:
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


def test_a_finished_film_is_announced(load: Load, s3: Any, topic: tuple[str, Any], shots: list[dict[str, Any]]) -> None:
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
    expected = {
        "type": "film.succeeded",
        "eventId": "dunes-film-ended",
        "taskId": None,
        "source": {"kind": "storyboard"},
    }
    assert json.loads(message["Message"]) == expected | summary

    handler({"film": "dunes", "shots": shots, "joined": joined}, None)
    (again,) = topic[1]()
    assert again["Message"] == message["Message"]


def test_the_manifest_of_a_failed_film_lists_its_finished_shots(
    load: Load, s3: Any, topic: tuple[str, Any], shots: list[dict[str, Any]]
) -> None:
    """In order, and without the shots of another film with the same prefix."""
    extract = load("extract_frame").handler
    stored_shot = [extract(shot, None) for shot in reversed(shots)]
    extract(shots[0] | {"film": "dunes-2"}, None)
    failure = {"error": "SAFETY.INPUT.TEXT", "cause": "Runway refused the prompt."}

    summary = load("announce_film").handler({"film": "dunes", "failure": failure}, None)

    assert (summary["failureCode"], summary["failure"]) == ("SAFETY.INPUT.TEXT", "Runway refused the prompt.")
    manifest = json.loads(stored(s3, "films/dunes/manifest.json"))
    assert (manifest["status"], manifest["shots"], manifest["joined"]) == ("FAILED", stored_shot[::-1], None)
    (message,) = topic[1]()
    assert json.loads(message["Message"])["type"] == "film.failed"


def test_a_film_with_a_cancelled_shot_is_cancelled(load: Load, s3: Any, topic: tuple[str, Any]) -> None:
    failure = {"error": "TARMAC.CANCELLED", "cause": "Shot 1 was cancelled"}
    summary = load("announce_film").handler({"film": "dunes", "failure": failure}, None)
    assert summary["status"] == "CANCELLED"
    (message,) = topic[1]()
    assert json.loads(message["Message"])["type"] == "film.cancelled"


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
def test_the_reason_is_the_code_and_cause_of_the_failed_shot(
    load: Load, failure: dict[str, str], code: str, words: str
) -> None:
    assert load("announce_film").reason(failure) == (code, words)
