"""GET /v1/tasks, GET and DELETE /v1/tasks/{id}, GET /v1/workflow_invocations/{id}: tasks in Runway's shapes, outputs as
fresh links to the archive."""

from __future__ import annotations

from tarmac.aws.wiring import AwsEffects
from tarmac.http.api import Answer, ApiError, ApiRequest, api_handler
from tarmac.settings import ReadTasksSettings
from tarmac.tasks.cancel import cancel
from tarmac.tasks.read import list_tasks, read_invocation, read_task
from tarmac.tasks.responses import invocation_view, task_view

settings = ReadTasksSettings.from_environment()
effects = AwsEffects(settings)


@api_handler
def handler(request: ApiRequest) -> Answer:
    """API Gateway's event in, its response out. Another client's task is answered as one that does not exist."""
    client = request.client("tasks")
    match request.route:
        case "GET /v1/tasks":
            page = list_tasks(client, request.query, effects)
            data = [task_view(task, _link) for task in page.tasks]
            return Answer(200, {"data": data, "hasMore": page.cursor is not None, "nextCursor": page.cursor})
        case "GET /v1/tasks/{id}" | "GET /runwayml/v1/tasks/{id}":
            return Answer(200, task_view(read_task(request.path["id"], client, effects), _link))
        case "DELETE /v1/tasks/{id}":
            cancel(read_task(request.path["id"], client, effects), effects, settings.delete_outputs_on_delete)
            return Answer(204)
        case "GET /v1/workflow_invocations/{id}":
            return Answer(200, invocation_view(read_invocation(request.path["id"], client, effects), _link))
        case _:
            raise ApiError(404, "There is no such path")


def _link(key: str) -> str:
    return effects.archive.link(key, settings.link_seconds)
