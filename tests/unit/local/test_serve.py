"""The changes to ministack: limited workers, and no start with unknown code."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from local.aws import serve


class Worker:
    def __init__(self, func_name: str) -> None:
        self.func_name = func_name


class Pool:
    """A minimal pool of workers with the interface of ministack's."""

    def __init__(self) -> None:
        self.free: list[Worker] = []
        self.made = 0

    def acquire(
        self, func_name: str, config: dict[str, Any], code_zip: bytes, qualifier: str, limit: int
    ) -> tuple[Worker | None, str]:
        if self.free:
            return self.free.pop(), "reused"
        if self.made >= limit:
            return None, "func_cap"
        self.made += 1
        return Worker(func_name), "spawn"

    def release(self, worker: Worker | None) -> None:
        if worker is not None:
            self.free.append(worker)


def bounded(pool: Pool, limit: int, patience_seconds: float) -> serve.BoundedWorkers:
    return serve.BoundedWorkers(pool.acquire, pool.release, limit, patience_seconds)


def test_the_installed_ministack_has_the_expected_code() -> None:
    serve.check_sources()


def test_changed_code_is_reported() -> None:
    name = "ministack.core.lambda_runtime:acquire_worker"
    with pytest.raises(serve.CodeChanged, match=name):
        serve.check_sources({name: "0" * 16})


def test_missing_code_is_reported() -> None:
    with pytest.raises(serve.CodeChanged, match="nothing_of_this_name"):
        serve.check_sources({"ministack.core.lambda_runtime:nothing_of_this_name": "0" * 16})


def test_a_waiting_function_may_have_more_workers() -> None:
    assert serve.limit_of("tarmac-CreateSession-ABCDEF012345", 4) == 100
    assert serve.limit_of("tarmac-CreateTask-ABCDEF012345", 4) == 4
    pool = Pool()
    workers = bounded(pool, limit=1, patience_seconds=0)
    taken = []
    for _ in range(101):
        taken.append(workers.acquire("tarmac-CreateSession-ABCDEF012345", {}, b""))
        workers.started()
    assert [how for _, how in taken] == ["spawn"] * 100 + ["func_cap"]


def test_few_workers_start_at_a_time() -> None:
    """A free worker is used instead of starting another."""
    pool = Pool()
    workers = bounded(pool, limit=100, patience_seconds=0)
    first = [workers.acquire("f", {}, b"") for _ in range(serve.MOST_STARTS)]
    assert workers.acquire("f", {}, b"") == (None, "func_cap")
    workers.release(first[0][0])
    assert workers.acquire("f", {}, b"")[1] == "reused"
    workers.started()
    assert workers.acquire("f", {}, b"")[1] == "spawn"


def test_a_call_beyond_the_limit_waits_for_a_worker() -> None:
    pool = Pool()
    workers = bounded(pool, limit=1, patience_seconds=10)
    first, _ = workers.acquire("poll", {}, b"")
    answers: list[tuple[Any, str]] = []
    waiting = threading.Thread(target=lambda: answers.append(workers.acquire("poll", {}, b"")))
    waiting.start()
    waiting.join(0.05)
    assert answers == []
    workers.release(first)
    waiting.join(5)
    assert answers == [(first, "reused")]
    assert pool.made == 1


def test_a_call_is_throttled_after_the_longest_wait() -> None:
    workers = bounded(Pool(), limit=1, patience_seconds=0)
    workers.acquire("poll", {}, b"")
    assert workers.acquire("poll", {}, b"") == (None, "func_cap")


def test_a_removed_worker_frees_its_place() -> None:
    """ministack removes a worker with a broken process, and then releases None."""
    pool = Pool()
    workers = bounded(pool, limit=1, patience_seconds=10)
    workers.acquire("poll", {}, b"")
    answers: list[tuple[Any, str]] = []
    waiting = threading.Thread(target=lambda: answers.append(workers.acquire("poll", {}, b"")))
    waiting.start()
    waiting.join(0.05)
    pool.made = 0
    workers.release(None)
    waiting.join(5)
    assert [how for _, how in answers] == ["spawn"]


def test_a_burst_never_has_more_workers_than_the_limit() -> None:
    pool = Pool()
    lock = threading.Lock()
    served: list[int] = []

    def locked_acquire(*arguments: Any) -> tuple[Worker | None, str]:
        with lock:
            return pool.acquire(*arguments)

    def locked_release(worker: Worker | None) -> None:
        with lock:
            pool.release(worker)

    workers = serve.BoundedWorkers(locked_acquire, locked_release, 3, 30)

    def call(number: int) -> None:
        worker, _ = workers.acquire("poll", {}, b"")
        served.append(number)
        workers.release(worker)

    calls = [threading.Thread(target=call, args=(number,)) for number in range(100)]
    for each in calls:
        each.start()
    for each in calls:
        each.join(30)
    assert sorted(served) == list(range(100))
    assert pool.made <= 3
