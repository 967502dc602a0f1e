"""Task rows on both tables: created once, changed by compare-and-set, listed by client, found when overdue."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tarmac.aws.dynamodb import DynamoTable
from tarmac.ports import ConditionFailed, Put, Row, Table
from tarmac.rows import DUE, Contended, TransitionRefused
from tarmac.tasks.moves import Moves
from tarmac.tasks.store import NoSuchTask, TaskExists, TaskStore
from tarmac.tasks.task import State, Task, bump
from tests.fakes import ManualClock, MemoryTable
from tests.fakes.samples import NOW, a_task


@pytest.fixture
def store(table: Table) -> TaskStore:
    return TaskStore(table, ManualClock(NOW + 1))


def put(store: TaskStore, count: int = 1, **changes: Any) -> list[Task]:
    made = []
    for n in range(count):
        values: dict[str, Any] = {"id": f"task-{n:03d}", "version": 1, "created_at": NOW + n}
        task = a_task(**(values | changes))
        store.create(task, {"body": {}, "inputs": []})
        made.append(task)
    return made


def test_a_new_task_is_stored_with_its_request(store: TaskStore) -> None:
    task = a_task(version=1)
    store.create(task, {"body": {"promptText": "é 🎬 \0"}, "inputs": []})
    assert store.get(task.id) == task
    assert store.request(task.id) == {"body": {"promptText": "é 🎬 \0"}, "inputs": []}


def test_an_id_is_used_once(store: TaskStore) -> None:
    store.create(a_task(version=1), {"body": {"first": 1}})
    with pytest.raises(TaskExists):
        store.create(a_task(version=1, client="other"), {"body": {"second": 2}})
    assert store.get(a_task().id).client == "acme"
    assert store.request(a_task().id) == {"body": {"first": 1}}


def test_other_rows_are_written_in_the_same_transaction(store: TaskStore, table: Table) -> None:
    table.write(Put({"pk": "idempotency#1", "sk": "idempotency", "version": 1}))
    with pytest.raises(TaskExists):
        store.create(a_task(version=1), {}, Put({"pk": "idempotency#1", "sk": "idempotency", "version": 1}))
    with pytest.raises(NoSuchTask):
        store.get(a_task().id)
    with pytest.raises(NoSuchTask):
        store.request(a_task().id)


@pytest.mark.parametrize("character", ["a", "é", "字", "🎬", '"', "\\", "\x7f"])
def test_a_request_of_one_mebibyte_is_split_into_rows_and_read_back(character: str, dynamo_table: DynamoTable) -> None:
    count = 1024 * 1024 // len(json.dumps(character, ensure_ascii=False)[1:-1].encode())
    request = {"body": {"promptText": character * count}, "inputs": []}
    store = TaskStore(dynamo_table, ManualClock())
    store.create(a_task(version=1), request)
    assert store.request(a_task().id) == request
    rows = dynamo_table.query("primary", f"task#{a_task().id}").rows
    sizes = [len(row["body"].encode()) for row in rows if "body" in row]
    # A row of DynamoDB holds 400 KB, a transaction 4 MB.
    assert max(sizes) < 390_000
    assert sum(sizes) < 3_900_000


def test_an_unknown_task_is_not_found(store: TaskStore) -> None:
    with pytest.raises(NoSuchTask):
        store.get("unknown")
    with pytest.raises(NoSuchTask):
        store.request("unknown")
    with pytest.raises(NoSuchTask):
        store.move("unknown", Moves.watch)


@pytest.mark.parametrize("task_id", ["x" * 3000, "é" * 1500], ids=["long", "long in bytes"])
def test_an_invalid_id_is_not_found(task_id: str, dynamo_table: DynamoTable) -> None:
    with pytest.raises(NoSuchTask):
        TaskStore(dynamo_table, ManualClock()).get(task_id)


class TestMove:
    def test_writes_the_next_version(self, store: TaskStore) -> None:
        [task] = put(store)
        after = store.move(task.id, Moves.claim, "token")
        assert after.state is State.SUBMITTING
        assert store.get(task.id) == after
        assert after.version == 2

    def test_writes_nothing_if_the_move_changes_nothing(self, store: TaskStore) -> None:
        [task] = put(store)
        assert store.move(task.id, lambda _, row: row) == task
        assert store.get(task.id).version == 1

    def test_leaves_the_row_unchanged_if_the_move_is_rejected(self, store: TaskStore) -> None:
        [task] = put(store, state=State.CANCELLED)
        with pytest.raises(TransitionRefused):
            store.move(task.id, Moves.claim, "token")
        assert store.get(task.id) == task

    def test_writes_nothing_that_the_rules_do_not_allow(self, store: TaskStore) -> None:
        [task] = put(store, state=State.CANCELLED)
        with pytest.raises(TransitionRefused):
            store.move(task.id, lambda _, row: bump(row, NOW, state=State.ACCEPTED))
        with pytest.raises(TransitionRefused):
            store.move(task.id, lambda _, row: replace(row, progress=1.0))
        assert store.get(task.id).state is State.CANCELLED

    def test_starts_again_from_the_newer_row(self, store: TaskStore) -> None:
        [task] = put(store)
        seen: list[int] = []

        def slow(moves: Moves, row: Task) -> Task:
            seen.append(row.version)
            if len(seen) == 1:
                store.move(task.id, Moves.rerun)
            return moves.watch(row)

        after = store.move(task.id, slow)
        assert seen == [1, 2]
        assert (after.version, after.run) == (3, 2)

    def test_of_two_concurrent_claims_one_succeeds(self, store: TaskStore) -> None:
        [task] = put(store)

        def beaten(moves: Moves, row: Task) -> Task:
            if row.state is State.ACCEPTED:
                store.move(task.id, Moves.claim, "theirs")
            return moves.claim(row, "mine")

        with pytest.raises(TransitionRefused):
            store.move(task.id, beaten)
        assert store.get(task.id).claim == "theirs"
        assert store.get(task.id).attempt == 1


def test_a_row_that_always_conflicts_raises_contended() -> None:
    class Restless(MemoryTable):
        def write(self, *puts: Put) -> None:
            if puts[0].over is not None:
                raise ConditionFailed
            super().write(*puts)

    store = TaskStore(Restless(), ManualClock())  # type: ignore[arg-type]
    [task] = put(store)
    with pytest.raises(Contended):
        store.move(task.id, Moves.watch)


class TestOfClient:
    def test_lists_newest_first_in_pages(self, store: TaskStore) -> None:
        tasks = put(store, 5)
        put(store, 1, id="others", client="other")
        found: list[Task] = []
        start: Row | None = None
        while True:
            page = store.of_client("acme", 2, start)
            found += page.tasks
            start = page.next_key
            if start is None:
                break
        assert found == tasks[::-1]

    def test_lists_ended_tasks_too(self, store: TaskStore) -> None:
        [task] = put(store, state=State.SUCCEEDED)
        store.move(task.id, Moves.announced)
        assert [listed.id for listed in store.of_client("acme", 10, None).tasks] == [task.id]


class TestDue:
    def test_finds_overdue_rows(self, store: TaskStore, table: Table) -> None:
        put(store, 20, next_check_at=NOW)
        put(store, 1, id="later", next_check_at=NOW + 60)
        assert sorted(DUE.keys(table, NOW)) == [f"task#task-{n:03d}" for n in range(20)]
        assert "task#later" in DUE.keys(table, NOW + 60)
        assert DUE.keys(table, NOW - 1) == []

    def test_does_not_find_tasks_with_a_published_notice(self, store: TaskStore, table: Table) -> None:
        [task] = put(store, state=State.FAILED)
        assert DUE.keys(table, NOW) == [f"task#{task.id}"]
        store.move(task.id, Moves.announced)
        assert DUE.keys(table, NOW + 10**6) == []
