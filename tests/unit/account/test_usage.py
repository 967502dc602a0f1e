"""GET /v1/usage: totals over the client's own tasks."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.clock import from_iso
from tarmac.ports import Put
from tarmac.tasks import usage
from tarmac.tasks.task import State, to_row
from tests.fakes import World
from tests.fakes.loading import Ask
from tests.fakes.samples import NOW, a_task

ROUTE = "GET /v1/usage"
DAY = 86400.0


def store_task(
    world: World, number: int, days_ago: float = 0.0, state: State = State.SUCCEEDED, **changes: Any
) -> None:
    when = NOW - days_ago * DAY
    changes = {"id": f"task-{number:06d}", "created_at": when, "cost_credits": None, **changes}
    world.table.write(Put(to_row(a_task(state, **changes))))


def used(ask: Ask, **query: str) -> dict[str, Any]:
    status, answer, _ = ask(ROUTE, **query)
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


def test_tasks_are_added_up_by_status_day_and_model(world: World, ask: Ask) -> None:
    store_task(world, 1, cost_credits=20.0, quoted_credits=24.5)
    store_task(world, 2, state=State.FAILED, model="veo3", cost_credits=0.0, estimated_credits=320.0)
    store_task(world, 3, state=State.SUBMITTED, cancel_requested_at=NOW)
    store_task(world, 4, 1.0, cost_credits=25.0, hidden_at=NOW)
    store_task(world, 5, 1.0, state=State.WAITING, estimated_credits=None)
    store_task(world, 6, client="other", cost_credits=99.0)
    assert used(ask) == {
        "startDate": "2023-10-16",
        "beforeDate": "2023-11-15",
        "total": {"tasks": 5, "estimatedCredits": 394.5, "spentCredits": 45},
        "byStatus": {"CANCELLED": 1, "FAILED": 1, "SUCCEEDED": 2, "THROTTLED": 1},
        "results": [
            {
                "date": "2023-11-13",
                "models": [{"model": "gen4_turbo", "tasks": 2, "estimatedCredits": 25, "spentCredits": 25}],
            },
            {
                "date": "2023-11-14",
                "models": [
                    {"model": "gen4_turbo", "tasks": 2, "estimatedCredits": 49.5, "spentCredits": 20},
                    {"model": "veo3", "tasks": 1, "estimatedCredits": 320, "spentCredits": 0},
                ],
            },
        ],
        "isComplete": True,
    }


def test_a_client_without_tasks_has_no_usage(ask: Ask) -> None:
    answer = used(ask)
    assert (answer["total"]["tasks"], answer["results"], answer["isComplete"]) == (0, [], True)


def test_a_span_includes_its_first_day_and_excludes_its_last(world: World, ask: Ask) -> None:
    midnight = (from_iso("2023-11-10T00:00:00.000Z") - NOW) / -DAY
    for number, moment in enumerate((midnight + 0.00001, midnight, midnight - 0.99999, midnight - 1.0)):
        store_task(world, number, moment)
    answer = used(ask, startDate="2023-11-10", beforeDate="2023-11-11")
    assert answer["total"]["tasks"] == 2
    assert [day["date"] for day in answer["results"]] == ["2023-11-10"]


@pytest.mark.parametrize(
    "query",
    [
        {"startDate": "2023-11-10", "beforeDate": "2023-11-10"},
        {"startDate": "2023-11-10", "beforeDate": "2023-11-09"},
        {"startDate": "2023-01-01", "beforeDate": "2023-04-02"},
        {"startDate": "never"},
        {"beforeDate": "2023-02-29"},
        {"beforeDate": "0001-01-01"},
        {"startDate": "9999-12-31"},
    ],
)
def test_an_invalid_span_is_rejected(query: dict[str, str], ask: Ask) -> None:
    status, answer, _ = ask(ROUTE, **query)
    assert status == 400
    assert answer["issues"]


def test_reads_are_limited_and_the_response_reports_it(world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MOST_TASKS", 7)
    monkeypatch.setattr(usage, "_PAGE", 3)
    for number in range(7):
        store_task(world, number, days_ago=number)
    assert used(ask) | {"isComplete": True} == used(ask)
    assert used(ask)["total"]["tasks"] == 7

    store_task(world, 7, days_ago=7)
    answer = used(ask)
    assert (answer["total"]["tasks"], answer["isComplete"]) == (7, False)
    assert answer["countedFrom"] == "2023-11-08T22:13:20.000Z"

    assert used(ask, startDate="2023-11-10")["isComplete"] is True
