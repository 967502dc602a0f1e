"""Tasks that a fault left open: the sweeper finds them in the `due` index and brings them to their end.

Its schedule runs here as well, once a minute: a test knows that a sweep has happened, not who started it.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from tarmac.rows import NoticeState
from tarmac.tasks.task import State, Task
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.notices import Notices
from tests.e2e.requests import mark_of, text_to_video
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually


def stranded(api: Api, deployment: Deployment, body: dict[str, Any], **changes: Any) -> str:
    """Write a row without an execution, as if its function had crashed right after the write; it is due by now."""
    now = round(time.time(), 3)
    values: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "client": api.client,
        "operation": "text_to_video",
        "model": body["model"],
        "created_at": now,
        "updated_at": now,
        "deadline_at": now + 600,
        "source": {"kind": "api"},
        "reserved_credits": 60.0,
        "estimated_credits": 60.0,
        "p10_seconds": 26.0,
        "next_check_at": now - 5,
    }
    task = Task(**(values | changes))
    deployment.tasks.create(task, {"body": body, "inputs": []})
    return task.id


def test_a_task_that_was_accepted_and_never_started_is_brought_to_its_end(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """The client got its response, but no execution started: the next run's execution has a new name."""
    body = text_to_video()
    task_id = stranded(api, deployment, body)
    assert api.read(task_id)["status"] == "PENDING"

    deployment.sweep()

    assert api.ended(task_id)["status"] == "SUCCEEDED"
    row = deployment.announced(task_id)
    assert (row.run, row.attempt) == (2, 1)
    assert deployment.execution(f"{task_id}-2")["status"] == "SUCCEEDED"
    assert not deployment.has_execution(task_id)
    assert len(simulator.creates(mark_of(body))) == 1
    assert len(notices.of(task_id)) == 1


def test_a_claim_of_a_crashed_process_counts_as_a_lost_response(
    api: Api, deployment: Deployment, simulator: Simulator
) -> None:
    """Between claim and bind the outcome of the attempt is unknown: it is ambiguous, so no attempt follows."""
    body = text_to_video()
    claim = {"state": State.SUBMITTING, "claim": "of a dead one", "claimed_at": time.time() - 300, "attempt": 1}
    task_id = stranded(api, deployment, body, **claim)

    deployment.sweep()

    task = api.ended(task_id)
    assert (task["status"], task["failureCode"]) == ("FAILED", "TARMAC.AMBIGUOUS")
    assert simulator.creates(mark_of(body)) == []


def test_a_pending_notice_is_published_again_under_the_same_event_id(
    api: Api, deployment: Deployment, notices: Notices
) -> None:
    """SNS accepted the notice, but the row does not record that: subscribers get the same message twice."""
    task_id = api.create("text_to_video", text_to_video(metadata={"order": "C-3"}))
    deployment.announced(task_id)
    deployment.execution(task_id)
    (first,) = notices.of(task_id)

    deployment.rewrite(task_id, notice_state=NoticeState.PENDING, next_check_at=time.time() - 5)
    deployment.sweep()

    first_again, second = notices.of(task_id, at_least=2)
    assert first_again == first == second
    assert second.body["eventId"] == f"{task_id}-ended"
    assert deployment.announced(task_id).run == 1


def test_an_ending_that_was_never_announced_is_announced(api: Api, deployment: Deployment, notices: Notices) -> None:
    """The function and its execution crashed between writing the row and publishing to SNS."""
    ending = {
        "state": State.FAILED,
        "failure": "Runway gave no reason.",
        "failure_code": "INTERNAL",
        "ended_at": time.time(),
        "cost_credits": 0.0,
        "reserved_credits": 0.0,
        "notice_state": NoticeState.PENDING,
    }
    task_id = stranded(api, deployment, text_to_video(), **ending)

    deployment.sweep()

    assert notices.of(task_id)[0].body["failureCode"] == "INTERNAL"
    assert deployment.announced(task_id).next_check_at is None


def test_a_task_that_is_only_late_is_left_to_its_execution(api: Api, deployment: Deployment) -> None:
    """While its execution runs, no second one is started."""
    task_id = api.create("text_to_video", text_to_video("seconds=2000"))
    api.seen(task_id, "RUNNING")
    long_ago = time.time() - 30
    deployment.rewrite(task_id, next_check_at=long_ago)

    deployment.sweep()

    row = eventually(
        lambda: deployment.row(task_id), lambda row: row.next_check_at != long_ago, f"a sweep to check {task_id}"
    )
    assert row.run == 1
    assert not deployment.has_execution(f"{task_id}-2")
    assert api.delete(task_id) == 204
    deployment.announced(task_id)
