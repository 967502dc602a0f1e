"""/_simulator/…: what tests ask about the simulator itself. Not part of Runway's API, so without a key."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from local.simulator.checks import Issue
from local.simulator.directives import DirectiveError
from local.simulator.faults import rule_from
from local.simulator.simulator import Simulator
from local.simulator.wire import ApiError, invalid, json_body


async def read_health(request: Request, simulator: Simulator) -> Response:
    return JSONResponse({"status": "ok", "paused": simulator.paused, "timeScale": simulator.config.time_scale})


async def read_ledger(request: Request, simulator: Simulator) -> Response:
    """`{"creates": […], "totals"}`; see Simulator.ledger."""
    return JSONResponse(simulator.ledger())


async def read_requests(request: Request, simulator: Simulator) -> Response:
    """`{"requests": […]}`, oldest first; `?path=` keeps those whose path begins so."""
    wanted = request.query_params.get("path", "")
    seen = [entry.as_json() for entry in simulator.requests if entry.path.startswith(wanted)]
    return JSONResponse({"requests": seen})


async def read_task_body(request: Request, simulator: Simulator) -> Response:
    """The create body exactly as it came, of any task that ever was."""
    task = simulator.tasks.get(request.path_params["task_id"])
    if task is None:
        raise ApiError(404, "Task not found")
    return FileResponse(simulator.storage.content(task.body_sha256), media_type="application/json")


async def read_faults(request: Request, simulator: Simulator) -> Response:
    """`{"faults": [{"match", "directives", "times"}]}`; times is what is left."""
    return JSONResponse({"faults": [rule.as_json() for rule in simulator.faults.rules]})


async def add_fault(request: Request, simulator: Simulator) -> Response:
    """201. The first rule that matches a create applies to it."""
    try:
        simulator.faults.rules.append(rule_from(await json_body(request)))
    except DirectiveError as error:
        raise invalid(Issue("custom", (), str(error))) from error
    return JSONResponse({"faults": len(simulator.faults.rules)}, 201)


async def clear_faults(request: Request, simulator: Simulator) -> Response:
    simulator.faults.rules.clear()
    return Response(status_code=204)


async def pause(request: Request, simulator: Simulator) -> Response:
    """From now on everything under /v1 answers 503."""
    simulator.paused = True
    return Response(status_code=204)


async def resume(request: Request, simulator: Simulator) -> Response:
    simulator.paused = False
    return Response(status_code=204)


async def reset(request: Request, simulator: Simulator) -> Response:
    """Forget tasks, uploads, faults, the log and a pause."""
    simulator.reset()
    return Response(status_code=204)
