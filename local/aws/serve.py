"""Runs ministack with changes: `python -m local.aws.serve HOME`.

local/aws/permissions.py completes its checks of permissions. This module changes its Lambda workers in three ways:

1. A limit on concurrent workers. ministack starts a process of 60 MB for every concurrent call, so a burst of a hundred
   tasks takes gigabytes and then times out. Here a call beyond LOCAL_WORKERS_PER_FUNCTION (4) waits for a worker, and
   is throttled after LOCAL_WORKER_PATIENCE_SECONDS (300), as on AWS. A function that invokes itself could deadlock; no
   function here does. Functions in WAITING have a higher limit. At most MOST_STARTS workers start at a time, because a
   hundred starts at once would leave no processor time for anything else; a waiting call takes the first free worker.
2. A shorter wait for log lines. After a call without output ministack waits 50 ms for lines that may still be in the
   pipe. These workers write their lines before they answer, so 5 ms suffice.
3. An immediate stop. ministack waits for running calls to end, up to 30 s for a call of the API; a user who kills it in
   that time loses the tables. Here SIGTERM ends the workers at once.

These changes replace code of one exact version. If that code differs, the process exits with an error.

ministack keeps its state in memory and writes it when it ends. While it runs, HOME contains a file `unsaved`; a start
that finds the file knows that the last run was killed.
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

from local.aws.faults import InjectedFaults
from local.aws.permissions import Recorder, complete_checks
from local.paths import Home

WRITTEN_FOR = "1.5.33"
# First 16 hex digits of the SHA-256 of each source that is replaced or relied on.
SOURCES = {
    "ministack.core.iam_actions:dynamodb_service_context": "0f0021bdc8a3f13c",
    "ministack.core.iam_actions:request_tag_context": "d46adb816e024778",
    "ministack.core.iam_evaluator:enforce": "cf64b1ee5b099c8f",
    "ministack.core.iam_evaluator:pin_request_origin": "de819c1bd9ac2be4",
    "ministack.core.iam_evaluator:resolve_caller_identity": "d3b70cb836773b16",
    "ministack.core.lambda_runtime:acquire_worker": "5017d144adb5b983",
    "ministack.core.lambda_runtime:release_worker": "25d5dd7d42b6e30c",
    "ministack.core.lambda_runtime:Worker._drain_stderr_bounded": "3fd7cc742872e604",
    "ministack.core.lambda_runtime:Worker._spawn": "c55febf956565c5e",
    "ministack.services.lambda_svc:_execute_function_warm": "62b9218bef5b948a",
}
# Limits of functions whose calls mostly wait for Runway: with four workers, callers would wait for other callers.
WAITING = {"CreateSession": 100}
MOST_STARTS = 4
LOG_WAIT_SECONDS = 0.005
GRACE_SECONDS = 0.3


class CodeChanged(RuntimeError):
    """ministack's code is not the code that this module was written for."""


def digest(name: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of a function's source. name: "module:attribute.path"."""
    module, _, path = name.partition(":")
    target: Any = importlib.import_module(module)
    for part in path.split("."):
        target = getattr(target, part)
    return hashlib.sha256(inspect.getsource(target).encode()).hexdigest()[:16]


def check_sources(expected: Mapping[str, str] = SOURCES) -> None:
    """Raise CodeChanged with the names of all sources that differ."""
    changed = []
    for name, known in expected.items():
        try:
            if digest(name) != known:
                changed.append(name)
        except (ImportError, AttributeError):
            changed.append(name)
    if changed:
        raise CodeChanged(
            f"ministack {version('ministack')} is not version {WRITTEN_FOR}, which local/aws/serve.py changes: "
            f"{', '.join(changed)} differ. Install ministack=={WRITTEN_FOR}, "
            "or review the new code and update SOURCES."
        )


class BoundedWorkers:
    """acquire_worker and release_worker with a limit: callers beyond the limit wait for a free worker."""

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
        """Return ministack's own answer: (worker, how), or (None, "func_cap") after the longest wait."""
        deadline = time.monotonic() + self._patience_seconds
        freed = self._freed[func_name]
        with freed:
            while True:
                if self._closed:
                    return None, "func_cap"
                limit = max_concurrency or limit_of(func_name, self._limit)
                # A function's first worker may always start: no other worker can run its calls.
                worker, how = self._acquire(func_name, config, code_zip, qualifier, limit if self._may_start() else 1)
                if how == "spawn":
                    self._count_starts(1)
                left = deadline - time.monotonic()
                if worker is not None or left <= 0:
                    return worker, how
                freed.wait(min(left, 5))

    def started(self) -> None:
        """Record that a worker has started or failed to start, so that another may start."""
        self._count_starts(-1)
        for freed in list(self._freed.values()):
            with freed:
                freed.notify()

    def _may_start(self) -> bool:
        return self._starting < MOST_STARTS

    def _count_starts(self, change: int) -> None:
        with self._count:
            # A worker whose process has ended is started again without a call of acquire().
            self._starting = max(0, self._starting + change)

    def release(self, worker: Any) -> None:
        """Return a worker to the pool. None: ministack has removed a broken worker, whose place is free now."""
        self._release(worker)
        names = [worker.func_name] if worker is not None else list(self._freed)
        for name in names:
            freed = self._freed[name]
            with freed:
                freed.notify()

    def close(self) -> None:
        """Give no worker to any caller from now on, and end all waits."""
        self._closed = True
        for freed in list(self._freed.values()):
            with freed:
                freed.notify_all()


def limit_of(func_name: str, default: int) -> int:
    """Return how many workers a function may have. CloudFormation names it `{stack}-{logical id}-{random}`."""
    return next((limit for name, limit in WAITING.items() if f"-{name}-" in func_name), default)


def limit_workers(limit: int, patience_seconds: float) -> BoundedWorkers:
    """Limit the workers that ministack's Lambda service takes from its pool."""
    service: Any = importlib.import_module("ministack.services.lambda_svc")
    bounded = BoundedWorkers(service.acquire_worker, service.release_worker, limit, patience_seconds)
    service.acquire_worker = bounded.acquire
    service.release_worker = bounded.release
    worker_class = importlib.import_module("ministack.core.lambda_runtime").Worker
    spawn = worker_class._spawn

    def spawn_and_record(worker: Any) -> None:
        try:
            spawn(worker)
        finally:
            bounded.started()

    worker_class._spawn = spawn_and_record
    return bounded


def end_workers_first(bounded: BoundedWorkers) -> None:
    """On SIGTERM or SIGINT, end all workers and start no more, before the server waits for running calls.

    The server also gets the faults of `local.aws.faults`.
    """
    hypercorn: Any = importlib.import_module("hypercorn.asyncio")
    serve = hypercorn.serve

    async def serve_until_stopped(app: Any, config: Any) -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)

        async def end() -> None:
            await stopped.wait()
            bounded.close()
            await asyncio.to_thread(importlib.import_module("ministack.core.lambda_runtime").reset)

        await serve(InjectedFaults(app), config, shutdown_trigger=end)

    hypercorn.serve = serve_until_stopped


def shorten_log_wait() -> None:
    """Shorten the first of the default waits (first line, idle, at most), in seconds."""
    drain = importlib.import_module("ministack.core.lambda_runtime").Worker._drain_stderr_bounded
    _, idle, at_most = drain.__defaults__
    drain.__defaults__ = (LOG_WAIT_SECONDS, idle, at_most)


def main(home: Home) -> None:
    """Serve until SIGTERM, then save the state and end all workers."""
    check_sources()
    bounded = limit_workers(
        limit=int(os.environ.get("LOCAL_WORKERS_PER_FUNCTION", "4")),
        patience_seconds=float(os.environ.get("LOCAL_WORKER_PATIENCE_SECONDS", "300")),
    )
    shorten_log_wait()
    end_workers_first(bounded)
    calls_file = os.environ.get("LOCAL_CALLS_FILE")
    complete_checks(Recorder(Path(calls_file)) if calls_file else None)
    # Instead of hypercorn's default of three seconds for open connections.
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
    # ministack reads sys.argv itself.
    sys.argv = ["ministack"]
    try:
        main(folder)
    except CodeChanged as error:
        sys.exit(str(error))
