"""GET and DELETE /v1/tasks/{id}."""

from __future__ import annotations

import math

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator.simulator import Simulator
from local.simulator.tasks import Task, task_json
from local.simulator.wire import ApiError, NoAnswer

_POLL_ERRORS = {
    404: "Not found",
    429: "Too many requests",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}


async def read_task(request: Request, simulator: Simulator) -> Response:
    """200 with the fields of its status, 404 if deleted, or what `poll=` says."""
    task = simulator.find(request.path_params["task_id"])
    if task is None:
        raise ApiError(404, "Task not found")
    scenario = task.scenario
    if scenario.poll is not None and (scenario.polls is None or task.polls < scenario.polls):
        task.polls += 1
        if scenario.poll == "stall":
            return NoAnswer(hang_up=False)
        retry = {} if scenario.retry_after is None else {"Retry-After": str(scenario.retry_after)}
        raise ApiError(int(scenario.poll), _POLL_ERRORS[int(scenario.poll)], headers=retry)
    return JSONResponse(task_json(task, simulator.now(), fresh_links(request, simulator, task)))


async def delete_task(request: Request, simulator: Simulator) -> Response:
    """204; 404 the second time."""
    if not simulator.delete(request.path_params["task_id"]):
        raise ApiError(404, "Task not found")
    return Response(status_code=204)


def fresh_links(request: Request, simulator: Simulator, task: Task) -> list[str]:
    """A link to every output, signed now."""
    ttl = task.scenario.output_ttl
    expires_at = simulator.now() + (simulator.config.output_ttl_seconds if ttl is None else ttl)
    base_url = str(request.base_url).rstrip("/")
    return [
        simulator.links.link(base_url, task.id, number, math.ceil(expires_at)) for number in range(task.output_count)
    ]
