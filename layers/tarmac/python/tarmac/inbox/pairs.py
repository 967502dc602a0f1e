"""Halves of pairs: which version of each object came last, until, and after, its other half is there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from tarmac.inbox.keys import PairPart, is_older
from tarmac.ports import ConditionFailed, Put, Row, Table
from tarmac.rows import compare_and_set


@dataclass(frozen=True, slots=True)
class Half:
    """One object version. version: what tells it from others, the version id or the sequencer."""

    key: str
    version: str
    version_id: str | None
    sequencer: str
    etag: str | None
    created_at: float

    def is_older_than(self, other: Half) -> bool:
        """By S3's own order where it has one: for one key. Events come in any order."""
        if self.key == other.key:
            return is_older(self.sequencer, other.sequencer)
        return self.created_at < other.created_at


class PairStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def arrive(self, bucket: str, part: PairPart, half: Half) -> dict[str, Half]:
        """Note a half; both, or the one that there is. Of two that arrive at once, one sees the other.

        An older version than the one noted changes nothing.
        """
        pk = _pk(bucket, part.pair)

        def attempt() -> dict[str, Half]:
            row = self._table.get(pk, "pair")
            halves = _halves(row)
            held = halves.get(part.part)
            if held is not None and (held.version == half.version or half.is_older_than(held)):
                return halves
            halves[part.part] = half
            self._write(pk, row, halves)
            return halves

        return compare_and_set(attempt, part.pair)

    def forget(self, bucket: str, part: PairPart, half: Half) -> None:
        """A half that is no longer there. One that has come in its place stays."""
        pk = _pk(bucket, part.pair)
        row = self._table.get(pk, "pair")
        halves = _halves(row)
        if row is not None and halves.get(part.part) == half:
            with suppress(ConditionFailed):
                self._write(pk, row, {name: kept for name, kept in halves.items() if name != part.part})

    def _write(self, pk: str, over: Row | None, halves: Mapping[str, Half]) -> None:
        """Raises ConditionFailed."""
        version = over["version"] if over else 0
        row: Row = {"pk": pk, "sk": "pair", "version": version + 1}
        row |= {name: _to_row(half) for name, half in halves.items()}
        self._table.write(Put(row, over=version or None))


def _halves(row: Row | None) -> dict[str, Half]:
    return {name: _from_row(row[name]) for name in ("character", "reference") if row and name in row}


def _to_row(half: Half) -> dict[str, Any]:
    return {name: value for name, value in asdict(half).items() if value is not None}


def _from_row(row: Mapping[str, Any]) -> Half:
    return Half(row["key"], row["version"], row.get("version_id"), row["sequencer"], row.get("etag"), row["created_at"])


def _pk(bucket: str, pair: str) -> str:
    return f"pair#{hashlib.sha256(f'{bucket}/{pair}'.encode()).hexdigest()}"
