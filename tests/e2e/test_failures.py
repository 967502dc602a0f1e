"""Tasks that Runway fails, throttles or cancels: the API, row, notice and execution agree."""

from __future__ import annotations

import json

import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.notices import Notices
from tests.e2e.requests import mark_of, text_to_video
from tests.e2e.simulator import Simulator


def test_a_failure_of_runway_reaches_client_subscriber_and_operator(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """Moderation is final: one create, no second attempt, a red execution in its Fail state."""
    body = text_to_video("seconds=3, fail=SAFETY.INPUT.TEXT", metadata={"order": "B-1"})
    task_id = api.create("text_to_video", body)

    task = api.ended(task_id)
    assert set(task) == {"id", "createdAt", "status", "failure", "failureCode", "cost", "metadata"}
    assert (task["status"], task["failureCode"]) == ("FAILED", "SAFETY.INPUT.TEXT")
    assert task["failure"] == "The request was declined by content moderation."
    # Runway bills what it moderates.
    assert task["cost"] == {"credits": 60}

    row = deployment.announced(task_id)
    assert (row.state, row.failure_code, row.attempt) == ("FAILED", "SAFETY.INPUT.TEXT", 1)
    assert (row.outputs, row.reserved_credits, row.cost_credits) == ((), 0, 60)

    (notice,) = notices.of(task_id)
    assert notice.attributes["type"] == "task.failed"
    assert (notice.body["failure"], notice.body["failureCode"]) == (task["failure"], "SAFETY.INPUT.TEXT")
    assert (notice.body["outputs"], notice.body["metadata"]) == ([], {"order": "B-1"})

    execution = deployment.execution(task_id)
    assert execution["status"] == "FAILED"
    assert (execution["error"], execution["cause"]) == ("SAFETY.INPUT.TEXT", task["failure"])
    assert deployment.visited(task_id)[-3:] == ["Finish", "Ending", "Failed"]
    assert len(simulator.creates(mark_of(body))) == 1


def test_an_internal_failure_of_runway_gets_one_more_attempt(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """FAILED with INTERNAL, then a second create that succeeds: two in the ledger, one task, one notice."""
    body = text_to_video()
    simulator.rule(mark_of(body), "fail=INTERNAL.BAD_OUTPUT.CODE01", times=1)
    task_id = api.create("text_to_video", body)

    assert api.ended(task_id)["status"] == "SUCCEEDED"

    row = deployment.announced(task_id)
    assert (row.attempt, row.failure_retries, row.run) == (2, 1, 1)
    assert [entry["status"] for entry in simulator.creates(mark_of(body))] == ["FAILED", "SUCCEEDED"]
    assert [notice.body["type"] for notice in notices.of(task_id)] == ["task.succeeded"]
    visited = deployment.visited(task_id)
    assert visited.count("Submit") == 2
    assert visited[-1] == "Succeeded"


@pytest.mark.parametrize("code", ["INTERNAL", "THIRD_PARTY.UNAVAILABLE"])
def test_the_second_attempt_is_the_last(api: Api, deployment: Deployment, simulator: Simulator, code: str) -> None:
    """A task whose two attempts fail gets no third attempt."""
    body = text_to_video(f"seconds=3, fail={code}")
    task_id = api.create("text_to_video", body)

    task = api.ended(task_id)

    assert (task["status"], task["failureCode"], task["cost"]) == ("FAILED", code, {"credits": 0})
    assert len(simulator.creates(mark_of(body))) == 2
    assert deployment.announced(task_id).attempt == 2
    assert deployment.execution(task_id)["error"] == code


@pytest.mark.parametrize("code", ["ASSET.INVALID", "INPUT_PREPROCESSING.SAFETY.TEXT", "A.CODE.OF.TOMORROW"])
def test_failures_by_the_caller_and_unknown_failures_are_final(api: Api, simulator: Simulator, code: str) -> None:
    body = text_to_video(f"seconds=3, fail={code}")
    task = api.ended(api.create("text_to_video", body))
    assert (task["status"], task["failureCode"]) == ("FAILED", code)
    assert len(simulator.creates(mark_of(body))) == 1


def test_a_failure_without_a_code_is_reported_without_one(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """The failure counts as internal to Runway; the execution still needs an error."""
    body = text_to_video("seconds=3, fail=none")
    task_id = api.create("text_to_video", body)

    task = api.ended(task_id)

    assert (task["status"], task.get("failureCode")) == ("FAILED", None)
    assert task["failure"] == "An unexpected error occurred."
    assert len(simulator.creates(mark_of(body))) == 2
    assert deployment.execution(task_id)["error"] == "TARMAC.FAILED"
    assert notices.of(task_id)[0].body["failureCode"] is None


def test_throttled_is_shown_and_then_succeeds(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    """Runway accepted the task and queues it: the client reads THROTTLED, nothing is bought again."""
    body = text_to_video("throttled=150, seconds=5")
    task_id = api.create("text_to_video", body)

    throttled = api.seen(task_id, "THROTTLED")
    assert set(throttled) == {"id", "createdAt", "status", "estimatedCost"}
    assert deployment.row(task_id).upstream_status == "THROTTLED"

    assert api.ended(task_id)["status"] == "SUCCEEDED"
    assert len(simulator.creates(mark_of(body))) == 1


def test_a_task_that_shows_no_progress_succeeds(api: Api) -> None:
    """Some models report none: RUNNING counts from 0 then."""
    task_id = api.create("text_to_video", text_to_video("progress=none, seconds=150"))
    assert api.seen(task_id, "RUNNING")["progress"] == 0
    assert api.ended(task_id)["status"] == "SUCCEEDED"


def test_cancelled_at_runway_is_cancelled_here(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """A user cancelled it in Runway's own console."""
    body = text_to_video("seconds=3, cancelled=1")
    task_id = api.create("text_to_video", body)

    task = api.ended(task_id)

    assert set(task) == {"id", "createdAt", "status", "cost"}
    assert task["status"] == "CANCELLED"
    assert [notice.body["type"] for notice in notices.of(task_id)] == ["task.cancelled"]
    execution = deployment.execution(task_id)
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["ending"] == "cancelled"
    assert deployment.visited(task_id)[-1] == "Cancelled"
    assert len(simulator.creates(mark_of(body))) == 1


def test_subscribers_can_filter_by_type(api: Api, deployment: Deployment) -> None:
    """A subscription to failures receives the notice of the failed task, not that of the earlier success."""
    with Notices.subscribed(deployment, {"type": ["task.failed"], "client": [api.client]}) as failures:
        good = api.create("text_to_video", text_to_video())
        deployment.announced(good)
        bad = api.create("text_to_video", text_to_video("seconds=3, fail=SAFETY.OUTPUT.VIDEO"))
        failures.of(bad)
        assert {notice.body["taskId"] for notice in failures.received()} == {bad}
