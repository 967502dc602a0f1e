"""Totals over a client's tasks: by status, and by day and model in credits (1 credit = $0.01)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

DEFAULT_DAYS = 30
MOST_DAYS = 90


class Used(NamedTuple):
    """The usage of one task. day: UTC date of its acceptance. Unknown credits are 0."""

    day: str
    model: str
    status: str
    estimated: float
    spent: float


@dataclass(slots=True)
class _Sum:
    tasks: int = 0
    estimated: float = 0.0
    spent: float = 0.0

    def add(self, used: Used) -> None:
        self.tasks += 1
        self.estimated += used.estimated
        self.spent += used.spent

    def as_json(self) -> dict[str, Any]:
        return {"tasks": self.tasks, "estimatedCredits": _whole(self.estimated), "spentCredits": _whole(self.spent)}


@dataclass(slots=True)
class Usage:
    """Totals over the tasks added so far."""

    _total: _Sum = field(default_factory=_Sum)
    _statuses: Counter[str] = field(default_factory=Counter)
    _days: dict[str, dict[str, _Sum]] = field(default_factory=dict)

    def add(self, tasks: Iterable[Used]) -> None:
        for used in tasks:
            self._total.add(used)
            self._statuses[used.status] += 1
            self._days.setdefault(used.day, {}).setdefault(used.model, _Sum()).add(used)

    def as_json(self) -> dict[str, Any]:
        """Return the totals, oldest day first and models by name. Days without tasks are omitted."""
        results = [
            {"date": day, "models": [{"model": model} | models[model].as_json() for model in sorted(models)]}
            for day, models in sorted(self._days.items())
        ]
        return {"total": self._total.as_json(), "byStatus": dict(sorted(self._statuses.items())), "results": results}


def days_of(start: str | None, before: str | None, today: date) -> tuple[date, date]:
    """Return the first day of the span and the first day after it. Raises ValueError with a message for the caller.

    start, before: ISO-8601; a time of day is ignored. As in Runway's usage API, a span has 30 days by default and at
    most 90.
    """
    first = date.fromisoformat(start[:10]) if start else None
    end = date.fromisoformat(before[:10]) if before else None
    if first is None:
        first = (end or today + timedelta(days=1)) - timedelta(days=DEFAULT_DAYS)
    if end is None:
        end = first + timedelta(days=DEFAULT_DAYS)
    if not timedelta(0) < end - first <= timedelta(days=MOST_DAYS):
        raise ValueError(f"startDate to beforeDate must span 1 to {MOST_DAYS} days, not {(end - first).days}")
    return first, end


def _whole(credits: float) -> int | float:
    return int(credits) if credits == int(credits) else round(credits, 2)
