"""The states that executions really visit, on the shared local stack: one test for each path of the machine."""

from __future__ import annotations

import itertools
import json
import re
import uuid
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import QUICK, mark_of, text_to_video
from tests.e2e.simulator import Simulator

LETTERS = {
    "Enter": "e",
    "Accept": "a",
    "Submit": "S",
    "Route": "r",
    "WaitForProgress": "w",
    "WaitForCapacity": "c",
    "Poll": "P",
    "Finish": "F",
    "Ending": "n",
    "Succeeded": "+",
    "Failed": "-",
    "Cancelled": "x",
}


def path(deployment: Deployment, name: str) -> str:
    """The states visited, a letter each."""
    return "".join(LETTERS[state] for state in deployment.visited(name))


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        pytest.param(QUICK, r"eSr(wPr)+Fn\+", id="succeeded"),
        pytest.param("throttled=100, seconds=100", r"eSr(wPr){2,}Fn\+", id="throttled, then running"),
        pytest.param(f"{QUICK}, fail=ASSET.INVALID", r"eSr(wPr)+Fn-", id="failed for good"),
        pytest.param(f"{QUICK}, fail=INTERNAL", r"eSr(wPr)+cSr(wPr)+Fn-", id="failed, bought again, failed"),
        pytest.param(f"{QUICK}, cancelled=1", r"eSr(wPr)+Fnx", id="cancelled at Runway"),
        pytest.param(f"{QUICK}, create=503, times=2", r"eSrcSrcSr(wPr)+Fn\+", id="rejected twice"),
        pytest.param("create=400", r"eSrFn-", id="rejected"),
        pytest.param("create=lost", r"eSrFn-", id="response lost"),
        pytest.param(f"{QUICK}, poll=503, polls=3", r"eSr(wPr){2,}Fn\+", id="unread once"),
    ],
)
def test_an_execution_takes_the_path_of_its_task(
    api: Api, deployment: Deployment, scenario: str, expected: str
) -> None:
    task_id = api.create("text_to_video", text_to_video(scenario))
    ending = deployment.execution(task_id)["status"]
    visited = path(deployment, task_id)
    assert re.fullmatch(expected, visited), visited
    assert ending == ("FAILED" if visited.endswith("-") else "SUCCEEDED")
    # On every path: when the execution has ended, the task has ended and its notice is published.
    row = deployment.row(task_id)
    assert (row.state.is_terminal, row.notice_state, row.next_check_at) == (True, "SENT", None)


def test_a_request_by_hand_enters_through_accept(deployment: Deployment) -> None:
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    deployment.start(name, {"operation": "text_to_video", "request": text_to_video()})
    visited = path(deployment, name)
    assert re.fullmatch(r"eaSr(wPr)+Fn\+", visited), visited


def test_a_cancel_ends_the_execution_at_its_next_wake(api: Api, deployment: Deployment) -> None:
    task_id = api.create("text_to_video", text_to_video("seconds=2000"))
    api.seen(task_id, "RUNNING")
    api.delete(task_id)
    visited = path(deployment, task_id)
    assert re.fullmatch(r"eSr(wPr){2,}Fnx", visited), visited


def test_an_execution_of_an_unknown_task_fails_at_finish(deployment: Deployment) -> None:
    """A step that crashes is retried, then caught; Finish is retried and not caught."""
    name = str(uuid.uuid4())
    deployment.start(name, {"taskId": name})
    assert deployment.execution(name)["status"] == "FAILED"
    assert deployment.visited(name) == ["Enter", "Submit", "Finish"]
    failures = [event for event in deployment.history(name) if event["type"] in ("TaskFailed", "LambdaFunctionFailed")]
    retries = 6
    assert len(failures) == 2 * (1 + retries)


def test_a_second_execution_of_a_task_buys_nothing(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    """As after an unnecessary redrive: the execution reads from the row what is done, and ends the same way."""
    body = text_to_video("seconds=100")
    task_id = api.create("text_to_video", body)
    api.seen(task_id, "RUNNING")
    twin = f"{task_id}-2"
    deployment.start(twin, {"taskId": task_id})

    assert deployment.execution(task_id)["status"] == deployment.execution(twin)["status"] == "SUCCEEDED"

    late = f"{task_id}-3"
    deployment.start(late, {"taskId": task_id})
    assert deployment.execution(late)["status"] == "SUCCEEDED"
    assert path(deployment, late) == "eSrFn+"
    assert len(simulator.creates(mark_of(body))) == 1
    assert len(deployment.archived(task_id)) == 1


def test_a_poll_cycle_writes_at_most_nine_events(api: Api, deployment: Deployment) -> None:
    """Counted from one wait to the next in a history with many; all other events together stay a constant."""
    task_id = api.create("text_to_video", text_to_video("throttled=200, seconds=300, progress=none"))
    history = deployment.history(task_id)

    starts = [n for n, event in enumerate(history) if entered(event) == "WaitForProgress"]
    assert len(starts) >= 4
    assert max(after - before for before, after in itertools.pairwise(starts)) <= 9
    assert len(history) - 9 * len(starts) <= 30


def test_waits_are_whole_seconds(api: Api, deployment: Deployment) -> None:
    """Step Functions fails an execution on a fraction."""
    task_id = api.create("text_to_video", text_to_video("seconds=150"))
    outcomes = [
        json.loads(event["stateExitedEventDetails"]["output"])
        for event in deployment.history(task_id)
        if event.get("stateExitedEventDetails", {}).get("name") in ("Submit", "Poll")
    ]
    waits = [outcome["waitSeconds"] for outcome in outcomes]
    assert len(waits) >= 3
    assert all(isinstance(wait, int) and wait >= 0 for wait in waits)
    assert [set(outcome) for outcome in outcomes] == [{"taskId", "outcome", "waitSeconds"}] * len(outcomes)


def entered(event: dict[str, Any]) -> str | None:
    name: str | None = event.get("stateEnteredEventDetails", {}).get("name")
    return name
