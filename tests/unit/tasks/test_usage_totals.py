"""Totals of usage, and the spans that a client may request."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.tasks.usage_totals import DEFAULT_DAYS, MOST_DAYS, Usage, Used, days_of

TODAY = date(2023, 11, 14)

USED = [
    Used("2023-11-14", "gen4.5", "SUCCEEDED", 60.0, 60.0),
    Used("2023-11-13", "veo3", "FAILED", 0.126, 0.0),
    Used("2023-11-14", "gen4.5", "FAILED", 12.5, 0.5),
    Used("2023-11-14", "act_two", "SUCCEEDED", 5.0, 5.0),
]


def test_totals_do_not_depend_on_the_order() -> None:
    for order in permutations(USED):
        usage = Usage()
        usage.add(order[:1])
        usage.add(order[1:])
        found = usage.as_json()
        assert found == {
            "total": {"tasks": 4, "estimatedCredits": 77.63, "spentCredits": 65.5},
            "byStatus": {"FAILED": 2, "SUCCEEDED": 2},
            "results": [
                {
                    "date": "2023-11-13",
                    "models": [{"model": "veo3", "tasks": 1, "estimatedCredits": 0.13, "spentCredits": 0}],
                },
                {
                    "date": "2023-11-14",
                    "models": [
                        {"model": "act_two", "tasks": 1, "estimatedCredits": 5, "spentCredits": 5},
                        {"model": "gen4.5", "tasks": 2, "estimatedCredits": 72.5, "spentCredits": 60.5},
                    ],
                },
            ],
        }
        assert list(found["byStatus"]) == ["FAILED", "SUCCEEDED"]
        assert type(found["results"][0]["models"][0]["spentCredits"]) is int


def test_no_tasks_give_empty_totals() -> None:
    assert Usage().as_json() == {
        "total": {"tasks": 0, "estimatedCredits": 0, "spentCredits": 0},
        "byStatus": {},
        "results": [],
    }


@pytest.mark.parametrize(
    ("start", "before", "expected"),
    [
        (None, None, (date(2023, 10, 16), date(2023, 11, 15))),
        ("2023-11-01", None, (date(2023, 11, 1), date(2023, 12, 1))),
        (None, "2023-11-01", (date(2023, 10, 2), date(2023, 11, 1))),
        ("2023-11-01", "2023-11-02", (date(2023, 11, 1), date(2023, 11, 2))),
        ("2023-11-01", "2024-01-30", (date(2023, 11, 1), date(2024, 1, 30))),
        ("2023-11-01T22:13:20.000Z", "2023-11-02T01:00:00Z", (date(2023, 11, 1), date(2023, 11, 2))),
        ("", "", (date(2023, 10, 16), date(2023, 11, 15))),
    ],
)
def test_a_span_has_thirty_days_by_default(start: str | None, before: str | None, expected: tuple[date, date]) -> None:
    assert days_of(start, before, TODAY) == expected


@pytest.mark.parametrize(
    ("start", "before", "days"),
    [("2023-11-01", "2023-11-01", 0), ("2023-11-02", "2023-11-01", -1), ("2023-11-01", "2024-01-31", 91)],
)
def test_an_empty_or_too_long_span_is_rejected_with_its_length(start: str, before: str, days: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 90 days, not {days}$"):
        days_of(start, before, TODAY)


days = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@given(start=st.none() | days, before=st.none() | days)
def test_a_span_has_1_to_90_days_within_the_requested_dates(start: date | None, before: date | None) -> None:
    try:
        first, end = days_of(start.isoformat() if start else None, before.isoformat() if before else None, TODAY)
    except ValueError:
        assert start is not None
        assert before is not None
        assert not 1 <= (before - start).days <= MOST_DAYS
        return
    assert 1 <= (end - first).days <= MOST_DAYS
    assert start in (None, first)
    assert before in (None, end)
    if start is None or before is None:
        assert end - first == timedelta(days=DEFAULT_DAYS)
