"""GET /v1/tasks, GET and DELETE /v1/tasks/{id}, GET /v1/workflow_invocations/{id}: tasks in Runway's shapes, with
fresh links to the archive."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.http.handler import Call, route_handler
from tarmac.settings import ReadTasksSettings
from tarmac.tasks.cancel import cancel
from tarmac.tasks.read import list_tasks, read_invocation, read_task
from tarmac.tasks.responses import invocation_view, task_view

settings = ReadTasksSettings.from_environment()
effects = AwsEffects(settings)


def _list(call: Call) -> dict[str, Any]:
    page = list_tasks(call.client, call.query, effects)
    data = [task_view(task, _link) for task in page.tasks]
    return {"data": data, "hasMore": page.cursor is not None, "nextCursor": page.cursor}


def _read(call: Call) -> dict[str, Any]:
    return task_view(read_task(call.path["id"], call.client, effects), _link)


def _read_invocation(call: Call) -> dict[str, Any]:
    return invocation_view(read_invocation(call.path["id"], call.client, effects), _link)


def _delete(call: Call) -> None:
    cancel(read_task(call.path["id"], call.client, effects), effects, settings.delete_outputs_on_delete)


def _link(key: str) -> str:
    return effects.archive.link(key, settings.link_seconds)


handler = route_handler(
    "read_tasks",
    {
        "GET /v1/tasks": _list,
        "GET /v1/tasks/{id}": _read,
        "GET /runwayml/v1/tasks/{id}": _read,
        "GET /v1/workflow_invocations/{id}": _read_invocation,
        "DELETE /v1/tasks/{id}": _delete,
    },
)
"""API Gateway's event in, its response out. Another client's task is not found."""
