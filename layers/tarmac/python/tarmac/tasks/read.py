"""Read one task of a client, or list its tasks, newest first, in pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from tarmac.effects import Effects
from tarmac.ids import TASK_ID
from tarmac.ports import Row
from tarmac.requests.paging import MAX_LIMIT, read_cursor, read_limit, to_cursor
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.rows import Contended, TransitionRefused
from tarmac.tasks.moves import Moves
from tarmac.tasks.responses import STATUSES, shown_status
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.task import Task, to_row

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z")

DEFAULT_LIMIT = 50
_READ_AHEAD = 1000
"""Limit of rows read for one page, so that a filter by a rare status does not read all tasks in one call."""


@dataclass(frozen=True, slots=True)
class ListedTasks:
    """A page of tasks. cursor: None on the last page. Other pages may have fewer tasks than the limit, even none."""

    tasks: list[Task]
    cursor: str | None


def read_task(task_id: str, client: str, effects: Effects) -> Task:
    """Return a task of the client. Raises NoSuchTask, also for another client's task and for a deleted one.

    A client that reads a task has received its id, so no later retry of a create may be answered with this task.
    """
    if not TASK_ID.fullmatch(task_id):
        raise NoSuchTask(task_id)
    task = effects.tasks.get(task_id)
    if task.client != client or task.hidden_at is not None:
        raise NoSuchTask(task_id)
    if task.claimable:
        with suppress(TransitionRefused, Contended):
            return effects.tasks.move(task_id, Moves.mark_unclaimable)
    return task


def read_invocation(invocation_id: str, client: str, effects: Effects) -> Task:
    """Return a workflow run of the client. Raises NoSuchTask, also for any other task."""
    task = read_task(invocation_id, client, effects)
    if not task.is_workflow:
        raise NoSuchTask(invocation_id)
    return task


def list_tasks(client: str, query: Mapping[str, str], effects: Effects) -> ListedTasks:
    """Return a page of the client's tasks. Raises InvalidRequest.

    query: `limit` (1..100, default 50), `cursor`, `status` (one of STATUSES).
    """
    limit = read_limit(query.get("limit"), DEFAULT_LIMIT)
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise InvalidRequest([Issue("invalid_enum_value", ("status",), f"Expected one of {', '.join(STATUSES)}")])
    start = _start(query["cursor"], client) if query.get("cursor") else None
    found: list[Task] = []
    rows_read = 0
    while rows_read < _READ_AHEAD:
        page = effects.tasks.of_client(client, MAX_LIMIT, start)
        for task in page.tasks:
            if len(found) == limit:
                return ListedTasks(found, _to_cursor(start))
            if task.hidden_at is None and status in (None, shown_status(task)):
                found.append(task)
            start = _index_key(task)
        rows_read += len(page.tasks)
        if page.next_key is None:
            return ListedTasks(found, None)
    return ListedTasks(found, _to_cursor(start))


def _index_key(task: Task) -> Row:
    row = to_row(task)
    return {name: row[name] for name in ("pk", "sk", "client", "listKey")}


def _to_cursor(key: Row | None) -> str | None:
    return None if key is None else to_cursor(key["pk"], key["listKey"])


def _start(cursor: str, client: str) -> Row:
    """Return the index key for a cursor. The client is that of the caller, so a cursor never shows another's tasks."""

    def read(pk: str, list_key: str) -> Row:
        created_at, _, task_id = list_key.partition("#")
        if pk != f"task#{task_id}" or not (_MOMENT.fullmatch(created_at) and TASK_ID.fullmatch(task_id)):
            raise ValueError
        return {"pk": pk, "sk": "task", "client": client, "listKey": list_key}

    return read_cursor(cursor, read)
