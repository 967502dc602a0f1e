"""Batches and pairs in the table: concurrent changes lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tarmac.inbox.batch import Batch, Chunk, Counts, Line, LineState
from tarmac.inbox.batch_store import BatchExists, BatchStore
from tarmac.inbox.keys import PairPart
from tarmac.inbox.pairs import Half, PairStore
from tarmac.ports import Put, Table
from tarmac.rows import DUE
from tests.fakes import ManualClock
from tests.fakes.samples import NOW

BATCH = Batch(
    "b",
    "s3",
    "upload-1",
    {"kind": "batch", "bucket": "u", "key": "k"},
    "csv",
    30,
    2,
    NOW,
    updated_at=NOW,
    next_check_at=NOW,
)


@pytest.fixture
def store(table: Table) -> BatchStore:
    return BatchStore(table, ManualClock(), lambda: 0.5)


def judged(*numbers: int) -> list[Line]:
    return [Line(n, LineState.ACCEPTED, f"task-{n}") for n in numbers]


def test_a_batch_is_read_as_it_was_opened_and_can_be_opened_once(store: BatchStore) -> None:
    store.open(BATCH)
    assert store.get("b") == BATCH
    with pytest.raises(BatchExists):
        store.open(replace(BATCH, upload_id="another"))
    assert store.get("unknown") is None


def test_a_chunk_and_the_counts_of_its_batch_change_together(store: BatchStore) -> None:
    store.open(BATCH)
    changed = store.move_chunk("b", 1, Chunk.with_lines, judged(1, 2), is_accepted=True)
    assert changed.batch is not None
    assert changed.batch.counts == Counts(accepted=2, accepted_chunks=1)
    assert store.get("b") == changed.batch
    assert [chunk.lines.keys() for chunk in store.chunks("b")] == [{1, 2}]
    assert not changed.needs_publishing


def test_a_new_stage_needs_publishing_until_it_is_published(store: BatchStore) -> None:
    store.open(BATCH)
    for number in (1, 2):
        changed = store.move_chunk("b", number, Chunk.with_lines, [], is_accepted=True)
    assert changed.needs_publishing
    assert store.move_chunk("b", 2, Chunk.with_lines, [], is_accepted=True).needs_publishing
    store.move("b", Batch.with_published_stage, 100)
    assert not store.move_chunk("b", 2, Chunk.with_lines, [], is_accepted=True).needs_publishing


def test_concurrent_changes_of_a_chunk_are_all_stored(store: BatchStore, table: Table) -> None:
    """Another process writes between read and write, so the move is retried on the new row."""
    store.open(BATCH)
    others: Iterator[int] = iter((2, 3))

    def move(row: object) -> object:
        number = next(others, None)
        if number is not None:
            store.move_chunk("b", 1, Chunk.with_lines, judged(number))
        return row.with_lines(judged(1))  # type: ignore[attr-defined]

    store.move_chunk("b", 1, move)  # type: ignore[arg-type]
    assert set(store.chunk("b", 1).lines) == {1, 2, 3}


def test_lines_of_a_batch_without_a_row_are_stored(store: BatchStore) -> None:
    assert store.move_chunk("gone", 1, Chunk.with_lines, judged(1), is_accepted=True).batch is None
    assert set(store.chunk("gone", 1).lines) == {1}


def test_a_batch_is_due_until_its_stage_is_published(store: BatchStore, table: Table) -> None:
    store.open(BATCH)
    assert DUE.keys(table, NOW) == ["batch#b"]
    for number in (1, 2):
        store.move_chunk("b", number, Chunk.with_lines, [], is_accepted=True)
    assert DUE.keys(table, NOW + 10**6) == ["batch#b"]
    store.move("b", Batch.with_published_stage, 100)
    assert DUE.keys(table, NOW + 10**6) == []


def test_many_chunks_are_read_in_order(store: BatchStore) -> None:
    for number in range(1, 121):
        store.move_chunk("b", number, Chunk.with_lines, judged(number * 25))
    assert [chunk.number for chunk in store.chunks("b")] == list(range(1, 121))


CHARACTER, REFERENCE = PairPart("inbox/take1", "character"), PairPart("inbox/take1", "reference")


def half(key: str, sequencer: str, created_at: float = NOW) -> Half:
    return Half(key, sequencer, None, sequencer, "etag", created_at)


class TestPairs:
    def test_the_second_half_gets_both_in_either_order(self, table: Table) -> None:
        pairs = PairStore(table)
        image, film = half("c.png", "01"), half("r.mp4", "02")
        assert pairs.arrive("u", REFERENCE, film) == {"reference": film}
        assert pairs.arrive("u", CHARACTER, image) == {"character": image, "reference": film}
        assert pairs.arrive("u", REFERENCE, film) == {"character": image, "reference": film}
        assert pairs.arrive("another-bucket", CHARACTER, image) == {"character": image}

    def test_a_newer_version_replaces_an_older_one_but_not_the_reverse(self, table: Table) -> None:
        pairs = PairStore(table)
        old, new = half("c.png", "0A"), half("c.png", "10")
        pairs.arrive("u", CHARACTER, new)
        assert pairs.arrive("u", CHARACTER, old) == {"character": new}
        other = half("c.jpg", "01", NOW + 5)
        assert pairs.arrive("u", CHARACTER, other) == {"character": other}

    def test_of_two_concurrent_halves_one_gets_both(self, table: Table) -> None:
        pairs = PairStore(table)
        image, film = half("c.png", "01"), half("r.mp4", "02")

        class Interrupted:
            """Writes the other half between read and write."""

            def __init__(self) -> None:
                self.first = True

            def get(self, pk: str, sk: str) -> object:
                row = table.get(pk, sk)
                if self.first:
                    self.first = False
                    assert pairs.arrive("u", REFERENCE, film) == {"reference": film}
                return row

            def write(self, *puts: Put) -> None:
                table.write(*puts)

        assert PairStore(Interrupted()).arrive("u", CHARACTER, image) == {  # type: ignore[arg-type]
            "character": image,
            "reference": film,
        }

    def test_forget_removes_a_half_unless_a_newer_one_is_recorded(self, table: Table) -> None:
        pairs = PairStore(table)
        old, new, film = half("c.png", "01"), half("c.png", "02"), half("r.mp4", "03")
        pairs.arrive("u", CHARACTER, old)
        pairs.forget("u", CHARACTER, old)
        assert pairs.arrive("u", REFERENCE, film) == {"reference": film}
        pairs.arrive("u", CHARACTER, new)
        pairs.forget("u", CHARACTER, old)
        assert pairs.arrive("u", REFERENCE, film) == {"character": new, "reference": film}
