"""Runs ministack with three changes to its Lambda workers: `python -m local.aws.serve HOME`.

1. A bound on concurrent workers. ministack gives every concurrent call a process of 60 MB, so a burst of a
   hundred tasks takes gigabytes and then times out. Here a call beyond LOCAL_WORKERS_PER_FUNCTION (4) waits
   for a worker, and after LOCAL_WORKER_PATIENCE_SECONDS (300) is throttled, as on AWS. A function that
   invoked itself could wait for itself; none of ours does. One function may have more workers: its calls wait
   for Runway while a page waits for them (WAITING). Few workers start at a time (MOST_STARTS), and whoever waits
   meanwhile takes one that gets free: a hundred that start at once take the processor away from all else.
2. A shorter wait for log lines. After a silent call ministack waits 50 ms for lines that may still be in the
   pipe. Our workers write them before they answer, so 5 ms are plenty.

3. An end without waiting. ministack lets every call that runs come to its end first, half a minute for a call of the
   API, and whoever stops it has killed it by then: its tables are lost. Here SIGTERM ends the workers at once.

All replace code of one exact version. If that code has changed, this refuses to start rather than guess.

While it serves, HOME has a file `unsaved`: ministack keeps its state in memory and writes it when it ends. A
start that finds the file knows that the last end was a kill.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import inspect
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local.paths import Home

WRITTEN_FOR = "1.5.33"
# SHA-256 (first 16 digits) of the source of everything that is replaced or relied on.
SOURCES = {
    "ministack.core.lambda_runtime:acquire_worker": "5017d144adb5b983",
    "ministack.core.lambda_runtime:release_worker": "25d5dd7d42b6e30c",
    "ministack.core.lambda_runtime:Worker._drain_stderr_bounded": "3fd7cc742872e604",
    "ministack.core.lambda_runtime:Worker._spawn": "c55febf956565c5e",
    "ministack.services.lambda_svc:_execute_function_warm": "62b9218bef5b948a",
}
# Functions whose calls mostly sleep, with their bound: beyond four, callers would wait for callers.
WAITING = {"CreateSession": 100}
MOST_STARTS = 4
LOG_WAIT_SECONDS = 0.005
GRACE_SECONDS = 0.3


class CodeMoved(RuntimeError):
    """The code to be replaced is not the code this module was written for."""


def digest(name: str) -> str:
    """First 16 hex digits of the SHA-256 of a function's source; `name` is "module:attribute.path"."""
    module, _, path = name.partition(":")
    target: Any = importlib.import_module(module)
    for part in path.split("."):
        target = getattr(target, part)
    return hashlib.sha256(inspect.getsource(target).encode()).hexdigest()[:16]


def check_sources(expected: Mapping[str, str] = SOURCES) -> None:
    """Raises CodeMoved, naming what moved."""
    moved = []
    for name, known in expected.items():
        try:
            if digest(name) != known:
                moved.append(name)
        except (ImportError, AttributeError):
            moved.append(name)
    if moved:
        raise CodeMoved(
            f"ministack {version('ministack')} is not the {WRITTEN_FOR} that local/aws/serve.py changes: "
            f"{', '.join(moved)} differ. Install ministack=={WRITTEN_FOR}, "
            "or read the new code and update SOURCES."
        )


class BoundedWorkers:
    """acquire_worker and release_worker with a bound: callers beyond it wait for a free worker."""

    def __init__(
        self,
        acquire: Callable[..., tuple[Any, str]],
        release: Callable[[Any], None],
        limit: int,
        patience_seconds: float,
    ) -> None:
        self._acquire = acquire
        self._release = release
        self._limit = limit
        self._patience_seconds = patience_seconds
        self._freed: defaultdict[str, threading.Condition] = defaultdict(threading.Condition)
        self._starting = 0
        self._count = threading.Lock()
        self._closed = False

    def acquire(
        self,
        func_name: str,
        config: dict[str, Any],
        code_zip: bytes,
        qualifier: str = "$LATEST",
        max_concurrency: int | None = None,
    ) -> tuple[Any, str]:
        """ministack's own answer: (worker, how), or (None, "func_cap") once patience has run out."""
        deadline = time.monotonic() + self._patience_seconds
        freed = self._freed[func_name]
        with freed:
            while True:
                if self._closed:
                    return None, "func_cap"
                limit = max_concurrency or bound_of(func_name, self._limit)
                # A function's first worker may always start: nobody else's can serve in its place.
                worker, how = self._acquire(func_name, config, code_zip, qualifier, limit if self._may_start() else 1)
                if how == "spawn":
                    self._count_starts(1)
                left = deadline - time.monotonic()
                if worker is not None or left <= 0:
                    return worker, how
                freed.wait(min(left, 5))

    def started(self) -> None:
        """A worker has started, or failed to: another may."""
        self._count_starts(-1)
        for freed in list(self._freed.values()):
            with freed:
                freed.notify()

    def _may_start(self) -> bool:
        return self._starting < MOST_STARTS

    def _count_starts(self, change: int) -> None:
        with self._count:
            # A worker whose process has died starts again without having been asked for.
            self._starting = max(0, self._starting + change)

    def release(self, worker: Any) -> None:
        """Give a worker back. None means that ministack has dropped a broken one: its place is free, too."""
        self._release(worker)
        names = [worker.func_name] if worker is not None else list(self._freed)
        for name in names:
            freed = self._freed[name]
            with freed:
                freed.notify()

    def close(self) -> None:
        """From now on nobody is given a worker, or waits for one."""
        self._closed = True
        for freed in list(self._freed.values()):
            with freed:
                freed.notify_all()


def bound_of(func_name: str, usual: int) -> int:
    """How many workers a function may have. CloudFormation names it `{stack}-{logical id}-{random}`."""
    return next((bound for name, bound in WAITING.items() if f"-{name}-" in func_name), usual)


def bound_workers(limit: int, patience_seconds: float) -> BoundedWorkers:
    """Put the bound between ministack's Lambda service and its pool of workers."""
    service: Any = importlib.import_module("ministack.services.lambda_svc")
    bounded = BoundedWorkers(service.acquire_worker, service.release_worker, limit, patience_seconds)
    service.acquire_worker = bounded.acquire
    service.release_worker = bounded.release
    worker_class = importlib.import_module("ministack.core.lambda_runtime").Worker
    spawn = worker_class._spawn

    def spawn_and_tell(worker: Any) -> None:
        try:
            spawn(worker)
        finally:
            bounded.started()

    worker_class._spawn = spawn_and_tell
    return bounded


def end_workers_first(bounded: BoundedWorkers) -> None:
    """On SIGTERM or SIGINT, before anything waits for a call: no more workers, and an end to those there are."""
    hypercorn: Any = importlib.import_module("hypercorn.asyncio")
    serve = hypercorn.serve

    async def serve_until_told(app: Any, config: Any) -> None:
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)

        async def end() -> None:
            await told.wait()
            bounded.close()
            await asyncio.to_thread(importlib.import_module("ministack.core.lambda_runtime").reset)

        await serve(app, config, shutdown_trigger=end)

    hypercorn.serve = serve_until_told


def shorten_log_wait() -> None:
    """Only the defaults change: (first line, idle, at most), in seconds."""
    drain = importlib.import_module("ministack.core.lambda_runtime").Worker._drain_stderr_bounded
    _, idle, at_most = drain.__defaults__
    drain.__defaults__ = (LOG_WAIT_SECONDS, idle, at_most)


def main(home: Home) -> None:
    """Serve until SIGTERM, then save the state and end all workers."""
    check_sources()
    bounded = bound_workers(
        limit=int(os.environ.get("LOCAL_WORKERS_PER_FUNCTION", "4")),
        patience_seconds=float(os.environ.get("LOCAL_WORKER_PATIENCE_SECONDS", "300")),
    )
    shorten_log_wait()
    end_workers_first(bounded)
    # Not the usual three seconds for connections that stay open: whoever ends the local AWS means now.
    server: Any = importlib.import_module("hypercorn.config")
    server.Config.graceful_timeout = GRACE_SECONDS
    home.unsaved.touch()
    try:
        importlib.import_module("ministack.app").main()
    finally:
        home.unsaved.unlink(missing_ok=True)
        importlib.import_module("ministack.core.lambda_runtime").reset()


if __name__ == "__main__":
    folder = Home(Path(sys.argv[1]))
    # ministack reads arguments of its own.
    sys.argv = ["ministack"]
    try:
        main(folder)
    except CodeMoved as error:
        sys.exit(str(error))
