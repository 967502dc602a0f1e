"""A task in Runway's words: every state, every flag."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.rows import Output
from tarmac.tasks.responses import STATUSES, shown_status, task_view
from tarmac.tasks.task import State
from tests.fakes.samples import NOW, a_task

OUTPUTS = tuple(Output("archive", f"acme/2023/11/14/t/{n:02d}.mp4", 10, "ab", "video/mp4") for n in (1, 2))
CANCELLING = {"cancel_requested_at": NOW}


def link(key: str) -> str:
    return f"https://archive.example/{key}"


SHOWN: list[tuple[State, dict[str, Any], str]] = [
    (State.ACCEPTED, {}, "PENDING"),
    (State.SUBMITTING, {}, "PENDING"),
    (State.WAITING, {}, "THROTTLED"),
    (State.SUBMITTED, {"upstream_status": "PENDING"}, "PENDING"),
    (State.SUBMITTED, {"upstream_status": "THROTTLED"}, "THROTTLED"),
    (State.SUBMITTED, {"upstream_status": "RUNNING"}, "RUNNING"),
    # Not before its files are in the archive, and its ending is announced.
    (State.SUBMITTED, {"upstream_status": "SUCCEEDED"}, "RUNNING"),
    (State.SUBMITTED, {"upstream_status": "FAILED"}, "RUNNING"),
    (State.SUBMITTED, {"upstream_status": "A_STATUS_OF_TOMORROW"}, "RUNNING"),
    (State.SUCCEEDED, {}, "SUCCEEDED"),
    (State.FAILED, {}, "FAILED"),
    (State.AMBIGUOUS_FAILED, {}, "FAILED"),
    (State.CANCELLED, {}, "CANCELLED"),
    (State.ACCEPTED, CANCELLING, "CANCELLED"),
    (State.SUBMITTING, CANCELLING, "CANCELLED"),
    (State.WAITING, CANCELLING, "CANCELLED"),
    (State.SUBMITTED, CANCELLING | {"upstream_status": "RUNNING"}, "CANCELLED"),
    (State.SUBMITTED, CANCELLING | {"upstream_status": "THROTTLED"}, "CANCELLED"),
    (State.SUCCEEDED, CANCELLING, "SUCCEEDED"),
    (State.FAILED, CANCELLING, "FAILED"),
    (State.CANCELLED, CANCELLING, "CANCELLED"),
]


@pytest.mark.parametrize(("state", "fields", "status"), SHOWN)
def test_every_state_has_a_word_of_runways(state: State, fields: dict[str, Any], status: str) -> None:
    task = a_task(state, **fields)
    assert shown_status(task) == status
    assert task_view(task, link)["status"] == status


def test_every_state_is_shown_in_one_of_six_words() -> None:
    assert {status for _, _, status in SHOWN} == set(STATUSES)
    assert {state for state, _, _ in SHOWN} == set(State)


def test_an_open_task_shows_its_estimated_cost() -> None:
    assert task_view(a_task(), link) == {
        "id": a_task().id,
        "createdAt": "2023-11-14T22:13:20.000Z",
        "status": "PENDING",
        "estimatedCost": {"credits": 25},
    }


def test_runways_quote_replaces_the_estimate() -> None:
    view = task_view(a_task(State.SUBMITTED, quoted_credits=12.5), link)
    assert view["estimatedCost"] == {"credits": 12.5}


def test_an_unknown_price_is_null() -> None:
    """SDKs read the field on every task that is not done."""
    assert task_view(a_task(estimated_credits=None), link)["estimatedCost"] == {"credits": None}


@pytest.mark.parametrize(("progress", "shown"), [(None, 0.0), (0.0, 0.0), (0.42, 0.42), (0.99, 0.99), (1.0, 0.99)])
def test_progress_is_whole_only_when_the_files_are_there(progress: float | None, shown: float) -> None:
    task = a_task(State.SUBMITTED, upstream_status="RUNNING", progress=progress)
    assert task_view(task, link)["progress"] == shown


@pytest.mark.parametrize("status", ["PENDING", "THROTTLED"])
def test_a_task_in_a_queue_has_no_progress(status: str) -> None:
    assert "progress" not in task_view(a_task(State.SUBMITTED, upstream_status=status, progress=0.3), link)


def test_a_success_links_to_the_archive_in_order() -> None:
    view = task_view(a_task(State.SUCCEEDED, outputs=OUTPUTS, cost_credits=25.0), link)
    assert view["output"] == [link(output.key) for output in OUTPUTS]
    assert view["cost"] == {"credits": 25}
    assert not {"progress", "failure", "estimatedCost"} & view.keys()


@pytest.mark.parametrize("state", [State.FAILED, State.AMBIGUOUS_FAILED])
def test_a_failure_has_code_and_message_and_no_files(state: State) -> None:
    task = a_task(state, failure="It broke.", failure_code="INTERNAL", outputs=OUTPUTS[:1], cost_credits=None)
    view = task_view(task, link)
    assert (view["failure"], view["failureCode"], view["cost"]) == ("It broke.", "INTERNAL", {"credits": 0})
    assert "output" not in view


@pytest.mark.parametrize(
    "task", [a_task(State.CANCELLED, cost_credits=3.0), a_task(State.SUBMITTED, cancel_requested_at=NOW)]
)
def test_a_cancelled_task_has_only_its_cost(task: Any) -> None:
    view = task_view(task, link)
    assert view.keys() == {"id", "createdAt", "status", "cost"}


def test_metadata_is_echoed_and_omitted_if_empty() -> None:
    assert task_view(a_task(metadata={"order": "7"}), link)["metadata"] == {"order": "7"}
    assert "metadata" not in task_view(a_task(), link)


def test_nothing_of_tarmacs_own_bookkeeping_is_shown() -> None:
    task = a_task(State.SUBMITTED, claim="token", upstream_id="up-1", source={"kind": "s3", "key": "inbox/a.png"})
    assert "up-1" not in str(task_view(task, link))
    assert "inbox" not in str(task_view(task, link))
