"""Notices about the end of a task: the documented fields, and the same bytes each time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tarmac.inbox.notices import upload_rejected
from tarmac.rows import Output
from tarmac.tasks.notices import notice_of
from tarmac.tasks.task import State
from tests.fakes.samples import NOW, TASK_ID, a_task, event

OUTPUT = Output("archive", f"acme/2023/11/14/{TASK_ID}/01.mp4", 40, "ab" * 32, "video/mp4")
FIELDS = {
    "version", "eventId", "type", "taskId", "client", "operation", "model", "status", "outputs", "failure",
    "failureCode", "credits", "metadata", "source", "createdAt", "endedAt",
}  # fmt: skip


def read(message: str) -> dict[str, Any]:
    notice: dict[str, Any] = json.loads(message)
    return notice


def test_a_success_names_every_file() -> None:
    task = a_task(
        State.SUCCEEDED,
        outputs=(OUTPUT,),
        cost_credits=25.0,
        metadata={"order": "7"},
        ended_at=NOW + 90.5,
    )
    message, attributes = notice_of(task)
    assert read(message) == {
        "version": 1,
        "eventId": f"{TASK_ID}-ended",
        "type": "task.succeeded",
        "taskId": TASK_ID,
        "client": "acme",
        "operation": "image_to_video",
        "model": "gen4_turbo",
        "status": "SUCCEEDED",
        "outputs": [
            {
                "bucket": "archive",
                "key": OUTPUT.key,
                "bytes": 40,
                "sha256": "ab" * 32,
                "contentType": "video/mp4",
            }
        ],
        "failure": None,
        "failureCode": None,
        "credits": 25.0,
        "metadata": {"order": "7"},
        "source": {"kind": "api"},
        "createdAt": "2023-11-14T22:13:20.000Z",
        "endedAt": "2023-11-14T22:14:50.500Z",
    }
    assert attributes == {
        "type": "task.succeeded",
        "client": "acme",
        "operation": "image_to_video",
        "model": "gen4_turbo",
    }


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (State.SUCCEEDED, "task.succeeded"),
        (State.FAILED, "task.failed"),
        (State.AMBIGUOUS_FAILED, "task.failed"),
        (State.CANCELLED, "task.cancelled"),
    ],
)
def test_every_ending_has_a_type_to_filter_by_and_all_fields(state: State, kind: str) -> None:
    message, attributes = notice_of(a_task(state))
    assert read(message)["type"] == attributes["type"] == kind
    assert read(message).keys() == FIELDS


@pytest.mark.parametrize("state", [State.FAILED, State.AMBIGUOUS_FAILED])
def test_a_failure_has_words_and_a_code(state: State) -> None:
    message, _ = notice_of(a_task(state, failure="It broke.", failure_code="INTERNAL", outputs=(OUTPUT,)))
    notice = read(message)
    assert (notice["failure"], notice["failureCode"]) == ("It broke.", "INTERNAL")
    assert notice["outputs"] == []


def test_a_retried_notice_is_the_same_byte_for_byte() -> None:
    assert notice_of(a_task(State.FAILED)) == notice_of(a_task(State.FAILED))


def test_the_sample_message_is_a_notice_as_tarmac_makes_it() -> None:
    sample = event("sns-notice")
    record = sample["Records"][0]["Sns"]
    notice = read(record["Message"])
    assert notice.keys() == FIELDS
    task = a_task(
        State.SUCCEEDED,
        id=notice["taskId"],
        client=notice["client"],
        model=notice["model"],
        created_at=NOW,
        ended_at=NOW + 41.25,
        cost_credits=notice["credits"],
        metadata=notice["metadata"],
        outputs=tuple(
            Output(o["bucket"], o["key"], o["bytes"], o["sha256"], o["contentType"]) for o in notice["outputs"]
        ),
    )
    message, attributes = notice_of(task)
    assert read(message) == notice
    assert {name: value["Value"] for name, value in record["MessageAttributes"].items()} == attributes


def test_a_rejected_upload_names_the_object_and_the_reason() -> None:
    source = {"kind": "s3", "bucket": "uploads", "key": "inbox/ä.txt"}
    message, attributes = upload_rejected("t-rejected", "s3", "image_to_video", "gen4_turbo", source, "no picture", NOW)
    notice = read(message)
    assert notice.keys() == FIELDS
    assert (notice["type"], notice["status"], notice["source"]) == ("upload.rejected", "REJECTED", source)
    assert (notice["failure"], notice["failureCode"]) == ("no picture", "TARMAC.UPLOAD_REJECTED")
    assert attributes["type"] == "upload.rejected"
