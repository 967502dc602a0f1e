"""/runwayml/v1/…: CometAPI, a reseller that accepts Runway's create bodies and returns tasks in an envelope.

A create answers with `{"id"}` only; a new task is not found for a few seconds; media must be https URLs; any bearer is
accepted as a key. Its documentation of character_performance requires the model `act_two`, so the other name of that
model is rejected.
"""

from __future__ import annotations

import math
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator import contract
from local.simulator.links import task_links
from local.simulator.responses import json_body
from local.simulator.routes.creating import create_of
from local.simulator.routes.generations import accept_create
from local.simulator.routes.tasks import poll_fault
from local.simulator.simulator import Simulator
from local.simulator.tasks import Status, Task, progress_at, status_at, task_json

PREFIX: Final = "/runwayml"
UNSEEN_SECONDS: Final = 3.0
_STATUSES: Final = {
    Status.PENDING: "QUEUED",
    Status.THROTTLED: "QUEUED",
    Status.RUNNING: "IN_PROGRESS",
    Status.SUCCEEDED: "SUCCESS",
    Status.FAILED: "FAILURE",
    Status.CANCELLED: "FAILURE",
}


async def create_task(request: Request, simulator: Simulator) -> Response:
    """200 `{"id"}`, or the fault of `create=`."""
    path = request.url.path.removeprefix(PREFIX)
    raw, body = await request.body(), await json_body(request)
    create = create_of(simulator, request.url.path, raw, body, contract.model_name(path, body))
    unseen = create.scenario.unseen
    unseen_seconds = UNSEEN_SECONDS if unseen is None else unseen
    task = accept_create(simulator, create, path, urls_only=True, unseen_seconds=unseen_seconds)
    return create.answer({"id": task.id})


async def read_task(request: Request, simulator: Simulator) -> Response:
    """200 in an envelope, or with `shape=bare` Runway's own answer; 400 `task_not_exist` in the first seconds."""
    task, now = simulator.find(request.path_params["task_id"]), simulator.now()
    if task is None or task.visible_at is None or now < task.visible_at:
        return JSONResponse({"code": "task_not_exist", "message": "task_not_exist", "data": None}, 400)
    if (fault := poll_fault(task)) is not None:
        return fault
    answer = task_json(task, now, task_links(request, simulator, task, task.output_count))
    if task.scenario.shape == "bare":
        return JSONResponse(answer)
    return JSONResponse({"code": "success", "message": "", "data": _enveloped(task, now, answer)})


def _enveloped(task: Task, now: float, answer: dict[str, Any]) -> dict[str, Any]:
    """The envelope of a task. Times are whole epoch seconds, 0 for what has not happened."""
    status = status_at(task, now)
    started, over = task.started_at is not None and now >= task.started_at, not status.active
    ended_at = 0.0 if task.started_at is None else task.started_at + task.run_seconds
    return {
        "task_id": task.id,
        "action": task.path.rpartition("/")[2].upper(),
        "status": _STATUSES[status],
        "fail_reason": answer.get("failure", ""),
        "submit_time": math.floor(task.created_at),
        "start_time": math.floor(task.started_at or 0) if started else 0,
        "finish_time": math.floor(min(now, ended_at)) if over else 0,
        "progress": "100%" if over else f"{round(100 * progress_at(task, now))}%",
        "data": answer,
    }
