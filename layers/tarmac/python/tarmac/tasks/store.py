"""Task rows, and the requests they were accepted with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.ports import ConditionFailed, Put, Row, Table
from tarmac.rows import Contended, due_keys
from tarmac.tasks.moves import check_step
from tarmac.tasks.task import Task, from_row, task_key, to_row

_WRITE_TRIES = 8
_PART_BYTES = 300_000
"""A row holds 400 KB; a request of 1 MiB is spread over several, within one transaction's 4 MB."""


class TaskExists(Exception):
    """The id is taken: the same cause was accepted before."""


class NoSuchTask(LookupError):
    """No row has this id."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    tasks: list[Task]
    next_key: Row | None


class TaskStore:
    """Every change is a compare-and-set on the row's version, of a move that the rules allow."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, task: Task, request: Mapping[str, Any], *others: Put) -> None:
        """Put a new task, its request and `others` in one transaction. Raises TaskExists.

        The request has rows of its own, since every poll writes the task row and DynamoDB charges by its size.
        """
        try:
            self._table.write(Put(to_row(task)), *_request_rows(task.id, request), *others)
        except ConditionFailed as error:
            raise TaskExists(task.id) from error

    def get(self, task_id: str) -> Task:
        """Raises NoSuchTask."""
        row = self._table.get(task_key(task_id), "task")
        if row is None:
            raise NoSuchTask(task_id)
        return from_row(row)

    def request(self, task_id: str) -> dict[str, Any]:
        """The accepted request as `tarmac.media.inputs` holds it. Raises NoSuchTask."""
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

    def change(self, task_id: str, move: Callable[[Task], Task]) -> Task:
        """Read, move, write over the version read; on a conflict start again from the newer row.

        `move` may raise (TransitionRefused) to leave the row alone, or return its argument unchanged.
        """
        for _ in range(_WRITE_TRIES):
            before = self.get(task_id)
            after = move(before)
            if after is before:
                return before
            check_step(before, after)
            try:
                self._table.write(Put(to_row(after), over=before.version))
            except ConditionFailed:
                # Somebody else was faster; or this very put, repeated by the SDK because its answer was lost: a move
                # that must be made once knows its own result and gives it back unchanged.
                continue
            return after
        raise Contended(task_id)

    def of_client(self, client: str, limit: int, start: Row | None, before: str | None = None) -> TaskPage:
        """A client's tasks, newest first. `before`: only those created before this day (ISO-8601)."""
        page = self._table.query("byClient", client, up_to=before, descending=True, limit=limit, start=start)
        return TaskPage([from_row(row) for row in page.rows], page.next_key)

    def due(self, now: float) -> list[str]:
        """Ids of tasks that should have moved by now, oldest first within each shard."""
        keys = due_keys(self._table, now)
        return [key.removeprefix("task#") for key in keys if key.startswith("task#")]


def _request_rows(task_id: str, request: Mapping[str, Any]) -> list[Put]:
    # ASCII, so that a part's characters are its bytes and no character is cut in two.
    body = json.dumps(request, ensure_ascii=True, separators=(",", ":"))
    parts = [body[start : start + _PART_BYTES] for start in range(0, len(body), _PART_BYTES)]
    return [
        Put({"pk": task_key(task_id), "sk": _request_key(n), "version": 1, "parts": len(parts), "body": part})
        for n, part in enumerate(parts, start=1)
    ]


def _request_key(part: int) -> str:
    return f"request#{part:02d}"
