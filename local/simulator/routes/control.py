"""/_simulator/…: control endpoints for tests. They are not part of Runway's API and need no key."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from local.simulator import sessions
from local.simulator.checks import Issue
from local.simulator.directives import DirectiveError, Directives
from local.simulator.faults import rule_from
from local.simulator.responses import ApiError, invalid, json_body
from local.simulator.routes import characters, routers, workflows
from local.simulator.routes.creating import Create
from local.simulator.simulator import Simulator
from local.simulator.tasks import iso

AGE_SECONDS = 120.0


async def read_health(_request: Request, simulator: Simulator) -> Response:
    return JSONResponse({"status": "ok", "paused": simulator.paused, "timeScale": simulator.config.time_scale})


async def read_ledger(_request: Request, simulator: Simulator) -> Response:
    """`{"creates": […], "totals"}`; see Simulator.ledger."""
    return JSONResponse(simulator.ledger())


async def read_requests(request: Request, simulator: Simulator) -> Response:
    """`{"requests": […]}`, oldest first; `?path=` filters by the beginning of the path."""
    wanted = request.query_params.get("path", "")
    seen = [entry.as_json() for entry in simulator.requests if entry.path.startswith(wanted)]
    return JSONResponse({"requests": seen})


async def read_task_body(request: Request, simulator: Simulator) -> Response:
    """The exact create body of a task, also of a deleted one."""
    task = simulator.tasks.get(request.path_params["task_id"])
    if task is None:
        raise ApiError(404, "Task not found")
    return FileResponse(simulator.storage.content(task.body_sha256), media_type="application/json")


async def read_faults(_request: Request, simulator: Simulator) -> Response:
    """`{"faults": [{"match", "directives", "times"}]}`; times is how many more it applies to."""
    return JSONResponse({"faults": [rule.as_json() for rule in simulator.faults.rules]})


async def add_fault(request: Request, simulator: Simulator) -> Response:
    """201. The first rule that matches a create applies to it."""
    try:
        simulator.faults.rules.append(rule_from(await json_body(request)))
    except DirectiveError as error:
        raise invalid(Issue("custom", (), str(error))) from error
    return JSONResponse({"faults": len(simulator.faults.rules)}, 201)


async def clear_faults(_request: Request, simulator: Simulator) -> Response:
    simulator.faults.rules.clear()
    return Response(status_code=204)


async def pause(_request: Request, simulator: Simulator) -> Response:
    """Answer 503 to every request under /v1 from now on."""
    simulator.paused = True
    return Response(status_code=204)


async def resume(_request: Request, simulator: Simulator) -> Response:
    simulator.paused = False
    return Response(status_code=204)


async def reset(_request: Request, simulator: Simulator) -> Response:
    """204: delete tasks, the library, uploads, faults and the log, and end a pause."""
    simulator.reset()
    return Response(status_code=204)


async def put_record(request: Request, simulator: Simulator) -> Response:
    """201: add an avatar, document, voice, router or workflow with a given id, ready at once.

    The first three get a creation time two minutes ago, since younger ones may belong to a create under way. The body
    is that of the create; of a workflow, which the API cannot create, `{"name", "nodes": {id: format}}`.
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
            raise ApiError(404, f"Unknown kind of record: {kind}")
    return JSONResponse({"id": record_id}, 201)


async def read_sessions(_request: Request, simulator: Simulator) -> Response:
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
    """204: end the session; with `{"failureCode"}` it fails. 404, 409 if it has ended."""
    session = simulator.library.sessions.get(request.path_params["session_id"])
    if session is None:
        raise ApiError(404, "Session not found")
    body = await json_body(request) if await request.body() else {}
    code = body.get("failureCode")
    ending = sessions.SessionStatus.COMPLETED if code is None else sessions.SessionStatus.FAILED
    if not sessions.end(session, simulator.now(), ending, code):
        raise ApiError(409, "The session has ended")
    return Response(status_code=204)


async def read_visits(_request: Request, simulator: Simulator) -> Response:
    """`{"visits": [{"at", "path", "token", "sessionId", "open"}]}`: the WebSocket connections to /rtc."""
    return JSONResponse({"visits": [visit.as_json() for visit in simulator.visits]})
