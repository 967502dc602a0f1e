"""S3 object versions that a batch or a pair has consumed, so that repeated events are ignored.

Their tasks have other ids, and the object may be gone when its event is delivered again: without this record, a
repeated event would be rejected as "deleted".
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from tarmac.ports import ConditionFailed, Put, Row, Table

RECORD_SECONDS = 30 * 24 * 3600.0
"""Longer than an event is retried or waits in a dead-letter queue."""


@dataclass(frozen=True, slots=True)
class ConsumedUploadStore:
    """Records of consumed object versions. They expire after RECORD_SECONDS."""

    table: Table

    def record(self, upload_id: str, consumer: str, now: float) -> None:
        """Record what consumed an object version: the id of a batch, or `pair`. An existing record stays as it is.

        upload_id: the id that is derived from the object version (`task_id_of_object`).
        """
        row: Row = {"pk": _pk(upload_id), "sk": "cause", "version": 1, "takenInto": consumer}
        with suppress(ConditionFailed):
            self.table.write(Put(row | {"ttl": int(now + RECORD_SECONDS)}))

    def consumer_of(self, upload_id: str) -> str | None:
        """Return what consumed the object version, or None if nothing is recorded."""
        row = self.table.get(_pk(upload_id), "cause")
        return None if row is None else str(row["takenInto"])


def _pk(upload_id: str) -> str:
    return f"cause#{upload_id}"
