"""Halves of pairs: one row for each pair, with the newest object version of each half."""

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
    """The object version of one half. version: the version id, else the sequencer."""

    key: str
    version: str
    version_id: str | None
    sequencer: str
    etag: str | None
    created_at: float

    def is_older_than(self, other: Half) -> bool:
        """Compare by sequencer if the key is the same, else by time: sequencers of different keys have no order."""
        if self.key == other.key:
            return is_older(self.sequencer, other.sequencer)
        return self.created_at < other.created_at


class PairStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def arrive(self, bucket: str, part: PairPart, half: Half) -> dict[str, Half]:
        """Record a half, and return the halves that are recorded then. An older version changes nothing.

        If two halves arrive at once, at least one caller sees both.
        """
        pk = _pk(bucket, part.pair)

        def attempt() -> dict[str, Half]:
            row = self._table.get(pk, "pair")
            halves = _halves(row)
            known = halves.get(part.part)
            if known is not None and (known.version == half.version or half.is_older_than(known)):
                return halves
            halves[part.part] = half
            self._write(pk, row, halves)
            return halves

        return compare_and_set(attempt, part.pair)

    def forget(self, bucket: str, part: PairPart, half: Half) -> None:
        """Remove a half whose object was deleted or overwritten, unless another version is recorded by now."""
        pk = _pk(bucket, part.pair)
        row = self._table.get(pk, "pair")
        halves = _halves(row)
        if row is not None and halves.get(part.part) == half:
            with suppress(ConditionFailed):
                self._write(pk, row, {name: other for name, other in halves.items() if name != part.part})

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
