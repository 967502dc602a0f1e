"""Object versions that were taken into something of another name, a batch or a pair: their event may come again when
the object is gone, and must not be answered with that."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from tarmac.ports import ConditionFailed, Put, Row, Table

KEPT_SECONDS = 30 * 24 * 3600.0
"""Longer than any event is repeated, or waits for an operator."""


@dataclass(frozen=True, slots=True)
class CauseStore:
    table: Table

    def note(self, cause: str, taken_into: str, now: float) -> None:
        """cause: the id of an object version. Again does no harm."""
        row: Row = {"pk": _pk(cause), "sk": "cause", "version": 1, "takenInto": taken_into}
        with suppress(ConditionFailed):
            self.table.write(Put(row | {"ttl": int(now + KEPT_SECONDS)}))

    def taken_into(self, cause: str) -> str | None:
        row = self.table.get(_pk(cause), "cause")
        return None if row is None else str(row["takenInto"])


def _pk(cause: str) -> str:
    return f"cause#{cause}"
