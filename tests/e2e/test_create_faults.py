"""Creates against a Runway that rejects them, fails or loses responses: each is paid at most once."""

from __future__ import annotations

import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.notices import Notices
from tests.e2e.requests import QUICK, mark_of, text_to_video
from tests.e2e.simulator import Simulator


def test_a_create_beyond_the_quota_waits_its_turn(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    """429 buys nothing: the client reads THROTTLED, then Runway bills one create; a 429 is not an attempt."""
    body = text_to_video(f"{QUICK}, create=429, times=1")
    task_id = api.create("text_to_video", body)

    api.seen(task_id, "THROTTLED")
    assert api.ended(task_id)["status"] == "SUCCEEDED"

    (bought,) = simulator.creates(mark_of(body))
    row = deployment.announced(task_id)
    assert (row.attempt, row.upstream_id, row.failure_retries) == (1, bought["id"], 0)
    assert deployment.visited(task_id).count("WaitForCapacity") == 1


def test_an_upstream_outage_is_waited_out(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    """503 twice, with Retry-After: each wait is longer than the last, and nothing is bought meanwhile."""
    body = text_to_video(f"{QUICK}, create=503, times=2, retry_after=1")
    task_id = api.create("text_to_video", body)

    assert api.ended(task_id)["status"] == "SUCCEEDED"

    assert len(simulator.creates(mark_of(body))) == 1
    assert deployment.announced(task_id).attempt == 1
    assert deployment.visited(task_id).count("WaitForCapacity") == 2


def test_a_rejected_key_is_read_from_the_secret_once_more(
    api: Api, deployment: Deployment, simulator: Simulator
) -> None:
    """401 to the first POST: the key may have been rotated, so the second POST follows at once with a fresh one."""
    body = text_to_video(f"{QUICK}, create=401, times=1")
    task_id = api.create("text_to_video", body)

    assert api.ended(task_id)["status"] == "SUCCEEDED"

    assert len(simulator.creates(mark_of(body))) == 1
    assert "WaitForCapacity" not in deployment.visited(task_id)


@pytest.mark.parametrize("fault", ["lost", "garbage", "408", "500", "502", "504"])
def test_a_create_with_a_lost_response_is_never_retried(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices, fault: str
) -> None:
    """Tarmac cannot know whether it was bought (it was): FAILED with TARMAC.AMBIGUOUS, credits stay reserved."""
    body = text_to_video(f"{QUICK}, create={fault}")
    task_id = api.create("text_to_video", body)

    task = api.ended(task_id)

    assert (task["status"], task["failureCode"]) == ("FAILED", "TARMAC.AMBIGUOUS")
    row = deployment.announced(task_id)
    assert (row.state, row.attempt, row.ambiguous) == ("AMBIGUOUS_FAILED", 1, 1)
    assert row.reserved_credits == 60
    (notice,) = notices.of(task_id)
    assert (notice.attributes["type"], notice.body["failureCode"]) == ("task.failed", "TARMAC.AMBIGUOUS")
    execution = deployment.execution(task_id)
    assert (execution["status"], execution["error"]) == ("FAILED", "TARMAC.AMBIGUOUS")
    assert deployment.visited(task_id) == ["Enter", "Submit", "Route", "Finish", "Ending", "Failed"]
    assert len(simulator.creates(mark_of(body))) == 1


@pytest.mark.parametrize("status", ["400", "404", "422"])
def test_a_request_that_runway_rejects_fails_in_its_words(
    api: Api, deployment: Deployment, simulator: Simulator, status: str
) -> None:
    """Nothing was bought and nothing ever will be."""
    body = text_to_video(f"{QUICK}, create={status}")
    task_id = api.create("text_to_video", body)

    task = api.ended(task_id)

    assert (task["status"], task["failureCode"]) == ("FAILED", f"TARMAC.REJECTED.{status}")
    words = {"400": "Validation of body failed", "404": "Not found", "422": "Unprocessable entity"}
    assert task["failure"].startswith(words[status])
    assert task["cost"] == {"credits": 0}
    assert simulator.creates(mark_of(body)) == []
    assert deployment.announced(task_id).reserved_credits == 0


@pytest.mark.parametrize("fault", ["poll=500, polls=7", "poll=429, polls=4, retry_after=1", "poll=404, polls=2"])
def test_inconclusive_polls_do_not_fail_a_task(api: Api, deployment: Deployment, fault: str) -> None:
    """The task continues after malformed responses and an unconfirmed 404."""
    task_id = api.create("text_to_video", text_to_video(f"{QUICK}, {fault}"))
    assert api.ended(task_id)["status"] == "SUCCEEDED"
    assert deployment.announced(task_id).attempt == 1


def test_a_task_not_found_at_runway_fails_after_three_polls(
    api: Api, deployment: Deployment, simulator: Simulator
) -> None:
    """Runway answers 404 permanently without a cancel by Tarmac: the task fails and is not bought again."""
    body = text_to_video(f"{QUICK}, poll=404")
    task_id = api.create("text_to_video", body)

    task = api.ended(task_id)

    assert (task["status"], task["failureCode"]) == ("FAILED", "TARMAC.GONE")
    assert deployment.visited(task_id).count("Poll") == 3
    assert len(simulator.creates(mark_of(body))) == 1


def test_a_task_past_its_deadline_is_cancelled_at_runway_and_fails(
    api: Api, deployment: Deployment, simulator: Simulator
) -> None:
    """The test moves the template's deadline close by hand."""
    body = text_to_video("seconds=2000")
    task_id = api.create("text_to_video", body)
    api.seen(task_id, "RUNNING")

    deployment.rewrite(task_id, deadline_at=deployment.row(task_id).created_at)

    task = api.ended(task_id)
    assert (task["status"], task["failureCode"]) == ("FAILED", "TARMAC.DEADLINE")
    (bought,) = simulator.creates(mark_of(body))
    assert bought["status"] == "CANCELLED"
    assert deployment.execution(task_id)["error"] == "TARMAC.DEADLINE"
