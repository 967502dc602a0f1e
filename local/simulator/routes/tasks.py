"""GET and DELETE /v1/tasks/{id}."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator.directives import Directives
from local.simulator.links import task_links
from local.simulator.responses import ApiError, NoAnswer
from local.simulator.simulator import Simulator
from local.simulator.tasks import Task, task_json

_POLL_ERRORS = {
    404: "Not found",
    429: "Too many requests",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}


class Polled(Protocol):
    """A record with a scenario of poll faults. polls counts its GETs."""

    scenario: Directives
    polls: int


def poll_fault(polled: Polled) -> Response | None:
    """The response of `poll=` to this GET, or None; counts it. Raises ApiError."""
    scenario = polled.scenario
    if scenario.poll is None or (scenario.polls is not None and polled.polls >= scenario.polls):
        return None
    polled.polls += 1
    if scenario.poll == "stall":
        return NoAnswer(hang_up=False)
    retry = {} if scenario.retry_after is None else {"Retry-After": str(scenario.retry_after)}
    raise ApiError(int(scenario.poll), _POLL_ERRORS[int(scenario.poll)], headers=retry)


def runway_task(simulator: Simulator, task_id: str) -> Task | None:
    """The task with this id, unless it is a workflow's run or CometAPI's."""
    task = simulator.find(task_id)
    return task if task is not None and not task.nodes and task.visible_at is None else None


async def read_task(request: Request, simulator: Simulator) -> Response:
    """200 with the fields of its status, 404 if deleted, or the fault of `poll=`."""
    task = runway_task(simulator, request.path_params["task_id"])
    if task is None:
        raise ApiError(404, "Task not found")
    if (fault := poll_fault(task)) is not None:
        return fault
    links = task_links(request, simulator, task, task.output_count)
    return JSONResponse(task_json(task, simulator.now(), links))


async def delete_task(request: Request, simulator: Simulator) -> Response:
    """204; 404 the second time."""
    task = runway_task(simulator, request.path_params["task_id"])
    if task is None or not simulator.delete(task.id):
        raise ApiError(404, "Task not found")
    return Response(status_code=204)
