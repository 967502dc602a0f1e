"""The concurrency limit of a model: which task starts, and when.

A queue has no timer. Before each read it replays every start and end since the last read in their order, so the result
does not depend on when it is read.
"""

from __future__ import annotations

import heapq

from local.simulator.tasks import Task


class ModelQueue:
    """The waiting and running tasks of one model. Tasks start in the order in which they become ready."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[tuple[float, int, Task]] = []
        self._running: list[tuple[float, str]] = []
        self._joined = 0
        self._seen_until = float("-inf")

    def join(self, task: Task) -> None:
        """Add a task; one that started before a restart is running again."""
        if task.started_at is not None:
            heapq.heappush(self._running, (task.started_at + task.run_seconds, task.id))
            return
        self._joined += 1
        heapq.heappush(self._waiting, (task.ready_at, self._joined, task))

    def leave(self, task: Task) -> None:
        """Remove a task, waiting or running. Call catch_up first, so that earlier starts stay."""
        self._waiting = [entry for entry in self._waiting if entry[2] is not task]
        self._running = [entry for entry in self._running if entry[1] != task.id]
        heapq.heapify(self._waiting)
        heapq.heapify(self._running)

    def catch_up(self, now: float) -> None:
        """Set `started_at` of every task that has started by now."""
        while self._waiting and (ready_at := self._waiting[0][0]) <= now:
            # A slot that a cancel freed is free since the last read, not since the task became ready.
            start = max(ready_at, self._seen_until)
            while self._running and self._running[0][0] <= start:
                heapq.heappop(self._running)
            if len(self._running) >= self._limit:
                start = self._running[0][0]
                if start > now:
                    break
                heapq.heappop(self._running)
            _, _, task = heapq.heappop(self._waiting)
            task.started_at = start
            heapq.heappush(self._running, (start + task.run_seconds, task.id))
        self._seen_until = max(self._seen_until, now)
