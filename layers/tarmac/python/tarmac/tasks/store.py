"""The store of task rows and of the requests that the tasks were accepted with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from tarmac.clock import Clock
from tarmac.ports import ConditionFailed, Put, Row, Table
from tarmac.rows import RowNotFound, check_step, compare_and_set
from tarmac.tasks.moves import FOLLOWS, Moves
from tarmac.tasks.task import Task, from_row, task_key, to_row

P = ParamSpec("P")

_PART_BYTES = 300_000
"""DynamoDB allows 400 KB in a row and 4 MB in a transaction: a request of 1 MiB is split into several rows."""


class TaskExists(Exception):
    """A task with this id exists: the same event or request was accepted before."""


class NoSuchTask(RowNotFound):
    """No row has this id."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    tasks: list[Task]
    next_key: Row | None


class TaskStore:
    """Task rows. Every change is one of `Moves`, written by compare-and-set on the row's version."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    @property
    def moves(self) -> Moves:
        """The moves at the current time."""
        return Moves(self._clock.now(), self._clock.scale)

    def create(self, task: Task, request: Mapping[str, Any], *others: Put) -> None:
        """Write a new task, its request and `others` in one transaction. Raises TaskExists.

        The request is stored in separate rows: every poll writes the task row, and DynamoDB charges by size.
        """
        try:
            self._table.write(Put(to_row(task)), *_request_rows(task.id, request), *others)
        except ConditionFailed as error:
            raise TaskExists(task.id) from error

    def get(self, task_id: str) -> Task:
        """Return the task. Raises NoSuchTask."""
        row = self._table.get(task_key(task_id), "task")
        if row is None:
            raise NoSuchTask(task_id)
        return from_row(row)

    def request(self, task_id: str) -> dict[str, Any]:
        """Return the accepted request as stored by `tarmac.media.inputs`. Raises NoSuchTask."""
        body = ""
        part, parts = 1, 1
        while part <= parts:
            row = self._table.get(task_key(task_id), _request_key(part))
            if row is None:
                raise NoSuchTask(task_id)
            body += row["body"]
            part, parts = part + 1, row["parts"]
        request: dict[str, Any] = json.loads(body)
        return request

    def move(
        self, task_id: str, move: Callable[Concatenate[Moves, Task, P], Task], *args: P.args, **kwargs: P.kwargs
    ) -> Task:
        """Apply one of `Moves` and return the changed task: `move(task_id, Moves.claim, token)`.

        Raises NoSuchTask, Contended, and TransitionRefused if the move does not start from the row's state.
        """

        def attempt() -> Task:
            before = self.get(task_id)
            after = move(self.moves, before, *args, **kwargs)
            if after is not before:
                check_step(FOLLOWS, before, after)
                self._table.write(Put(to_row(after), over=before.version))
            return after

        return compare_and_set(attempt, task_id)

    def of_client(self, client: str, limit: int, start: Row | None, before: str | None = None) -> TaskPage:
        """Return a client's tasks, newest first. before: only tasks created before this day (ISO-8601)."""
        page = self._table.query("byClient", client, up_to=before, descending=True, limit=limit, start=start)
        return TaskPage([from_row(row) for row in page.rows], page.next_key)


def _request_rows(task_id: str, request: Mapping[str, Any]) -> list[Put]:
    # ASCII, so that lengths are in bytes and no character is split between two parts.
    body = json.dumps(request, ensure_ascii=True, separators=(",", ":"))
    parts = [body[start : start + _PART_BYTES] for start in range(0, len(body), _PART_BYTES)]
    return [
        Put({"pk": task_key(task_id), "sk": _request_key(n), "version": 1, "parts": len(parts), "body": part})
        for n, part in enumerate(parts, start=1)
    ]


def _request_key(part: int) -> str:
    return f"request#{part:02d}"
