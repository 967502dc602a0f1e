"""/_simulator/…: what tests ask about the simulator itself. Not part of Runway's API, so without a key."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from local.simulator import sessions
from local.simulator.checks import Issue
from local.simulator.directives import DirectiveError, Directives
from local.simulator.faults import rule_from
from local.simulator.routes import characters, routers, workflows
from local.simulator.routes.creating import Create
from local.simulator.simulator import Simulator
from local.simulator.tasks import iso
from local.simulator.wire import ApiError, invalid, json_body

AGE_SECONDS = 120.0


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
    """Forget tasks, the library, uploads, faults, the log and a pause."""
    simulator.reset()
    return Response(status_code=204)


async def put_record(request: Request, simulator: Simulator) -> Response:
    """201: make an avatar, document, voice, router or workflow under an id of the caller's choice, ready at once. The
    first three are two minutes old: whoever keeps to what it has made itself may ignore what is younger.

    The body is that of its create; of a workflow, which the API cannot create, `{"name", "nodes": {id: format}}`.
    """
    kind, record_id = request.path_params["kind"], request.path_params["record_id"]
    raw, body = await request.body(), await json_body(request)
    create = Create(request.url.path, raw, body, "", Directives(ready=0.0), None)
    match kind:
        case "avatars":
            characters.add_avatar(simulator, create, record_id).created_at -= AGE_SECONDS
        case "documents":
            characters.add_document(simulator, create, record_id).created_at -= AGE_SECONDS
        case "voices":
            characters.add_voice(simulator, create, record_id).created_at -= AGE_SECONDS
        case "routers":
            routers.add_router(simulator, body, record_id)
        case "workflows":
            workflows.add_workflow(simulator, body, record_id)
        case _:
            raise ApiError(404, f"There are no {kind}")
    return JSONResponse({"id": record_id}, 201)


async def read_sessions(request: Request, simulator: Simulator) -> Response:
    """`{"sessions": [{"id", "createdAt", "status", "claimed", "tokens", "avatar"}]}`, oldest first."""
    now = simulator.now()
    found = [
        {
            "id": session.id,
            "createdAt": iso(session.created_at),
            "status": sessions.status_at(session, now).value,
            "claimed": session.consumed_at is not None,
            "tokens": len(session.tokens),
            "avatar": session.avatar,
        }
        for session in simulator.library.sessions.values()
    ]
    return JSONResponse({"sessions": found})


async def end_session(request: Request, simulator: Simulator) -> Response:
    """204: hang up. With `{"failureCode"}` the session fails instead. 404, 409 if it has ended."""
    session = simulator.library.sessions.get(request.path_params["session_id"])
    if session is None:
        raise ApiError(404, "Session not found")
    body = await json_body(request) if await request.body() else {}
    code = body.get("failureCode")
    ending = sessions.SessionStatus.COMPLETED if code is None else sessions.SessionStatus.FAILED
    if not sessions.end(session, simulator.now(), ending, code):
        raise ApiError(409, "The session has ended")
    return Response(status_code=204)


async def read_visits(request: Request, simulator: Simulator) -> Response:
    """`{"visits": [{"at", "path", "token", "sessionId", "open"}]}`: the WebSockets that came to /rtc."""
    return JSONResponse({"visits": [visit.as_json() for visit in simulator.visits]})
