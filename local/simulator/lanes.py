"""Concurrency limits: which task takes a slot, and when.

A lane is caught up to the clock whenever somebody looks, by replaying every start and end since the last look
in their order. The result is the same as if it had been watched all along.
"""

from __future__ import annotations

import heapq

from local.simulator.tasks import Task


class Lane:
    """The slots of one model. Tasks start in the order in which they become ready."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[tuple[float, int, Task]] = []
        self._running: list[tuple[float, str]] = []
        self._joined = 0
        self._seen_until = float("-inf")

    def join(self, task: Task) -> None:
        """Queue a task, or take back one that had started before a restart."""
        if task.started_at is not None:
            heapq.heappush(self._running, (task.started_at + task.run_seconds, task.id))
            return
        self._joined += 1
        heapq.heappush(self._waiting, (task.ready_at, self._joined, task))

    def leave(self, task: Task) -> None:
        """Give up the task's place or slot. Catch up first: what has happened stays."""
        self._waiting = [entry for entry in self._waiting if entry[2] is not task]
        self._running = [entry for entry in self._running if entry[1] != task.id]
        heapq.heapify(self._waiting)
        heapq.heapify(self._running)

    def catch_up(self, now: float) -> None:
        """Set `started_at` of every task that has started by now."""
        while self._waiting and (ready_at := self._waiting[0][0]) <= now:
            # A slot that a cancel freed is free since the last look, not since the task became ready.
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
