"""Batches in the table: one row for the batch, one row for each chunk of lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from tarmac.clock import Clock
from tarmac.inbox.batch import Batch, Chunk, Counts, Line
from tarmac.ports import ConditionFailed, Put, Row, Table
from tarmac.rows import DUE, RowFields, Stored, compare_and_set

P = ParamSpec("P")
T = TypeVar("T")

_WRITE_TRIES = 20
_PAGE = 500


class BatchExists(Exception):
    """A batch with this id exists: the same lines were uploaded before."""


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of a change of a chunk. batch: its row after the change; None if that row did not change or is gone.

    needs_publishing: the batch has reached a stage whose report and notices may not be published yet.
    """

    batch: Batch | None
    needs_publishing: bool = False


@dataclass(frozen=True, slots=True)
class BatchStore:
    """Every change is a compare-and-set. A chunk's row and the counts of its batch are written in one transaction.

    chance: returns a random number from 0 to 1, which spreads the retries of writers in conflict.
    """

    table: Table
    clock: Clock
    chance: Callable[[], float]

    def open(self, batch: Batch) -> None:
        """Store a new batch. Raises BatchExists."""
        try:
            self.table.write(Put(_batch_row(batch)))
        except ConditionFailed as error:
            raise BatchExists(batch.id) from error

    def get(self, batch_id: str) -> Batch | None:
        row = self.table.get(batch_key(batch_id), "batch")
        return None if row is None else _BATCH.from_row(row)

    def chunk(self, batch_id: str, number: int) -> Chunk:
        """Return a chunk; an empty one if it is not in the table yet."""
        row = self.table.get(batch_key(batch_id), _chunk_key(number))
        return Chunk(batch_id, number) if row is None else _chunk_from_row(row)

    def chunks(self, batch_id: str) -> Iterator[Chunk]:
        """Yield the chunks that are in the table, in order."""
        start: Row | None = None
        while True:
            page = self.table.query("primary", batch_key(batch_id), limit=_PAGE, start=start)
            yield from (_chunk_from_row(row) for row in page.rows if row["sk"] != "batch")
            start = page.next_key
            if start is None:
                return

    def move_chunk(
        self,
        batch_id: str,
        number: int,
        move: Callable[Concatenate[Chunk, P], Chunk],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Change:
        """Read a chunk, change it by `move` (`Chunk.with_lines`, …), and write both it and the counts that change.

        `move` may return its argument unchanged. If the batch's row is gone, only the chunk changes.
        """

        def attempt() -> Change:
            before = self.chunk(batch_id, number)
            after = move(before, *args, **kwargs)
            if after is before:
                batch = self.get(batch_id)
                return Change(batch, needs_publishing=batch is not None and batch.announced < batch.stage)
            puts = [Put(_chunk_row(after), over=before.version or None)]
            difference = after.counts.plus(before.counts, -1)
            batch = None if difference == Counts() else self.get(batch_id)
            counted = batch and batch.counted(self.clock.now(), self.clock.scale, difference)
            if batch is not None and counted is not None:
                puts.append(Put(_batch_row(counted), over=batch.version))
            self.table.write(*puts)
            needs_publishing = batch is not None and counted is not None and batch.stage < counted.stage
            return Change(counted, needs_publishing)

        return self._compare_and_set(attempt, batch_id)

    def move(
        self,
        batch_id: str,
        move: Callable[Concatenate[Batch, float, float, P], Batch],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Batch | None:
        """Change a batch by a move (`Batch.repaired`, …) and return it; None if its row is gone."""

        def attempt() -> Batch | None:
            before = self.get(batch_id)
            if before is None:
                return None
            after = move(before, self.clock.now(), self.clock.scale, *args, **kwargs)
            if after is not before:
                self.table.write(Put(_batch_row(after), over=before.version))
            return after

        return self._compare_and_set(attempt, batch_id)

    def _compare_and_set(self, attempt: Callable[[], T], batch_id: str) -> T:
        """Retry more often than for other rows, with pauses: all tasks of a batch may end at the same time."""
        return compare_and_set(
            attempt, batch_id, _WRITE_TRIES, lambda number: self.clock.sleep(0.05 * number * self.chance())
        )


def batch_key(batch_id: str) -> str:
    return f"batch#{batch_id}"


def _chunk_key(number: int) -> str:
    return f"chunk#{number:07d}"


# The attribute is not called `client`, because that is the partition key of the index of tasks.
_BATCH = RowFields(
    Batch,
    names={"id": "batchId", "client": "clientId", "upload_id": "cause"},
    stored={"counts": Stored(asdict, lambda counts: Counts(**counts), is_required=True)},
)


def _batch_row(batch: Batch) -> Row:
    row = {"pk": batch_key(batch.id), "sk": "batch"} | _BATCH.to_row(batch)
    if batch.needs_attention:
        row["due"] = DUE.shard_of(batch.id)
    else:
        row.pop("nextCheckAt", None)
    return row


def _chunk_row(chunk: Chunk) -> Row:
    return {
        "pk": batch_key(chunk.batch_id),
        "sk": _chunk_key(chunk.number),
        "version": chunk.version,
        "batchId": chunk.batch_id,
        "chunk": chunk.number,
        "lines": [line.as_json() for _, line in sorted(chunk.lines.items())],
        "tries": {str(line): tries for line, tries in chunk.tries.items()},
        "isAccepted": chunk.is_accepted,
    }


def _chunk_from_row(row: Mapping[str, Any]) -> Chunk:
    lines = [Line.from_json(line) for line in row["lines"]]
    return Chunk(
        row["batchId"],
        row["chunk"],
        row["version"],
        {line.number: line for line in lines},
        {int(line): tries for line, tries in row["tries"].items()},
        row["isAccepted"],
    )
