"""Batches: one row for the whole, one for each chunk of lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tarmac.clock import Clock, from_iso, to_iso
from tarmac.inbox.batch import Batch, Chunk, Counts, Line
from tarmac.ports import ConditionFailed, Put, Row, Table
from tarmac.rows import Contended, due_shard

_WRITE_TRIES = 20
_PAGE = 500


class BatchExists(Exception):
    """The same lines were handed in before."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of a chunk came to. batch: as it stands after it; None where the whole was left as it is.

    is_news: this change has brought the batch to another stage, or was made before and may not have been told of.
    """

    batch: Batch | None
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class BatchStore:
    """Every change is a compare-and-set; a chunk's row and the counts that follow from it are one write.

    chance: a number from 0 to 1, so that writers who meet do not meet again.
    """

    table: Table
    clock: Clock
    chance: Callable[[], float]

    def open(self, batch: Batch) -> None:
        """Raises BatchExists."""
        try:
            self.table.write(Put(_batch_row(batch)))
        except ConditionFailed as error:
            raise BatchExists(batch.id) from error

    def get(self, batch_id: str) -> Batch | None:
        row = self.table.get(batch_key(batch_id), "batch")
        return None if row is None else _batch_of(row)

    def chunk(self, batch_id: str, number: int) -> Chunk:
        row = self.table.get(batch_key(batch_id), _chunk_key(number))
        return Chunk(batch_id, number) if row is None else _chunk_of(row)

    def chunks(self, batch_id: str) -> Iterator[Chunk]:
        """All that are in the table, in order."""
        start: Row | None = None
        while True:
            page = self.table.query("primary", batch_key(batch_id), limit=_PAGE, start=start)
            yield from (_chunk_of(row) for row in page.rows if row["sk"] != "batch")
            start = page.next_key
            if start is None:
                return

    def change(self, batch_id: str, number: int, move: Callable[[Chunk], Chunk]) -> Change:
        """Read a chunk, move it, write it over the version read, with the batch's counts where they change.

        `move` may give its argument back unchanged. Of a batch whose own row is gone, chunks change alone.
        """
        for _ in self._tries(batch_id):
            before = self.chunk(batch_id, number)
            after = move(before)
            if after is before:
                batch = self.get(batch_id)
                return Change(batch, is_news=batch is not None and batch.announced < batch.stage)
            puts = [Put(_chunk_row(after), over=before.version or None)]
            difference = after.counts.plus(before.counts, -1)
            batch = None if difference == Counts() else self.get(batch_id)
            counted = batch and batch.counted(difference, self.clock.now(), self.clock.scale)
            if batch is not None and counted is not None:
                puts.append(Put(_batch_row(counted), over=batch.version))
            try:
                self.table.write(*puts)
            except ConditionFailed:
                continue
            is_news = batch is not None and counted is not None and batch.stage < counted.stage
            return Change(counted, is_news)
        raise Contended(batch_id)

    def change_batch(self, batch_id: str, move: Callable[[Batch], Batch]) -> Batch | None:
        """As `change`, of the batch's own row."""
        for _ in self._tries(batch_id):
            before = self.get(batch_id)
            after = None if before is None else move(before)
            if before is None or after is None or after is before:
                return before
            try:
                self.table.write(Put(_batch_row(after), over=before.version))
            except ConditionFailed:
                continue
            return after
        raise Contended(batch_id)

    def _tries(self, batch_id: str) -> Iterator[int]:
        for number in range(_WRITE_TRIES):
            if number:
                self.clock.sleep(0.05 * number * self.chance())
            yield number


def batch_key(batch_id: str) -> str:
    return f"batch#{batch_id}"


def _chunk_key(number: int) -> str:
    return f"chunk#{number:07d}"


def _batch_row(batch: Batch) -> Row:
    row: Row = {
        "pk": batch_key(batch.id),
        "sk": "batch",
        "version": batch.version,
        "batchId": batch.id,
        # Not `client`: that would be a key of the index of tasks.
        "clientId": batch.client,
        "cause": batch.cause,
        "source": dict(batch.source),
        "form": batch.form,
        "lines": batch.lines,
        "chunks": batch.chunks,
        "counts": asdict(batch.counts),
        "announced": batch.announced,
        "createdAt": to_iso(batch.created_at),
        "updatedAt": to_iso(batch.updated_at),
    }
    if batch.needs_attention:
        row |= {"due": due_shard(batch.id), "nextCheckAt": batch.next_check_at}
    return row


def _batch_of(row: Mapping[str, Any]) -> Batch:
    return Batch(
        id=row["batchId"],
        client=row["clientId"],
        cause=row["cause"],
        source=row["source"],
        form=row["form"],
        lines=row["lines"],
        chunks=row["chunks"],
        created_at=from_iso(row["createdAt"]),
        version=row["version"],
        counts=Counts(**row["counts"]),
        announced=row["announced"],
        updated_at=from_iso(row["updatedAt"]),
        next_check_at=row.get("nextCheckAt"),
    )


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


def _chunk_of(row: Mapping[str, Any]) -> Chunk:
    lines = [Line.from_json(line) for line in row["lines"]]
    return Chunk(
        row["batchId"],
        row["chunk"],
        row["version"],
        {line.number: line for line in lines},
        {int(line): tries for line, tries in row["tries"].items()},
        row["isAccepted"],
    )
