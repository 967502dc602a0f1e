"""/v1/realtime_sessions and /v1/avatar_conversations."""

from __future__ import annotations

import hmac
import secrets
import uuid
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator import sessions
from local.simulator.characters import avatar_problem
from local.simulator.contract import request_check
from local.simulator.library import Session
from local.simulator.links import linker
from local.simulator.listing import moment, page
from local.simulator.responses import ApiError
from local.simulator.routes.creating import FAULTS, fault_answer, fault_error, must_pass, read_create
from local.simulator.routes.tasks import poll_fault
from local.simulator.sessions import SessionStatus
from local.simulator.simulator import Simulator

MODEL: Final = "gwm1_avatars"


async def create_session(request: Request, simulator: Simulator) -> Response:
    """200 `{"id"}`, or the fault of `create=`."""
    create = await read_create(request, simulator, MODEL)
    body, scenario = create.body, create.scenario
    must_pass(request_check("RealtimeSessionCreateParams"), body)
    if problem := avatar_problem(simulator.library, body["avatar"], simulator.now()):
        raise problem
    scale, max_seconds = simulator.config.time_scale, int(body.get("maxDuration", sessions.DEFAULT_MAX_SECONDS))
    session = Session(
        id=str(uuid.uuid4()),
        avatar=body["avatar"],
        start_script=body.get("startScript"),
        tools=body.get("tools", []),
        max_seconds=max_seconds,
        created_at=simulator.now(),
        scenario=scenario,
        key=f"sess_{secrets.token_hex(32)}",
        queued_seconds=(scenario.queued or 0.0) * scale,
        ready_seconds=(sessions.READY_SECONDS if scenario.ready is None else scenario.ready) * scale,
        expires_seconds=sessions.EXPIRES_SECONDS if scenario.expires is None else scenario.expires,
        run_seconds=min(max_seconds, max_seconds if scenario.runs is None else scenario.runs) * scale,
        time_scale=scale,
    )
    simulator.library.sessions[session.id] = session
    return create.answer({"id": session.id})


async def read_session(request: Request, simulator: Simulator) -> Response:
    """200 with the fields of its status, or the fault of `poll=`."""
    session = _session(request, simulator)
    if (fault := poll_fault(session)) is not None:
        return fault
    return JSONResponse(sessions.session_json(session, simulator.now()))


async def cancel_session(request: Request, simulator: Simulator) -> Response:
    """204, also for one that has ended."""
    sessions.end(_session(request, simulator), simulator.now(), SessionStatus.CANCELLED)
    return Response(status_code=204)


async def consume_session(request: Request, simulator: Simulator) -> Response:
    """200 `{"url", "token", "roomName"}`, once, with the session's key.

    401 for another key, 409 the second time and before READY, 410 after the end; or the fault of `consume=`.
    """
    session, now = _session(request, simulator), simulator.now()
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(key.encode(), session.key.encode()):
        raise ApiError(401, "Invalid session key")
    if session.consumed_at is not None:
        raise ApiError(409, "The credentials of this session have been consumed")
    status = sessions.status_at(session, now)
    if status is SessionStatus.NOT_READY:
        raise ApiError(409, "The session is not ready")
    if status.ended:
        raise ApiError(410, "The session has ended")
    fault = _consume_fault(session)
    if fault is not None and not FAULTS[fault].takes_effect:
        raise fault_error(fault, session.scenario)
    session.consumed_at = now
    answer = sessions.credentials(session, _rtc_url(request, simulator), "viewer")
    return JSONResponse(answer) if fault is None else fault_answer(fault, session.scenario)


async def connect_backend(request: Request, simulator: Simulator) -> Response:
    """200 `{"url", "token", "roomName"}` for a hidden participant, any number of times."""
    session = _session(request, simulator)
    if sessions.status_at(session, simulator.now()) not in (SessionStatus.READY, SessionStatus.RUNNING):
        raise ApiError(409, "The session is not running")
    return JSONResponse(sessions.credentials(session, _rtc_url(request, simulator), "backend"))


def _session(request: Request, simulator: Simulator) -> Session:
    session = simulator.library.sessions.get(request.path_params["session_id"])
    if session is None:
        raise ApiError(404, "Session not found")
    return session


def _consume_fault(session: Session) -> str | None:
    """The fault to answer with now, or None; counts it."""
    scenario = session.scenario
    if scenario.consume is None or (scenario.consumes is not None and session.consumes >= scenario.consumes):
        return None
    session.consumes += 1
    return scenario.consume


def _rtc_url(request: Request, simulator: Simulator) -> str:
    """The URL of the room: this server's /rtc, unless another is configured."""
    here = str(request.base_url).replace("http", "ws", 1)
    return simulator.config.rtc_url or f"{here}rtc"


async def list_conversations(request: Request, simulator: Simulator) -> Response:
    """A page, newest first; filters: `avatar`, and from `startDate` to before `endDate`."""
    query, now = request.query_params, simulator.now()
    start, stop = moment(query, "startDate", 0.0), moment(query, "endDate", float("inf"))

    def wanted(session: Session) -> bool:
        of_avatar = query.get("avatar") in (None, session.avatar.get("avatarId"))
        return of_avatar and start <= session.created_at < stop

    def show(session: Session) -> dict[str, Any]:
        return sessions.conversation_json(simulator.library, session, now)

    found = filter(wanted, sessions.conversations(simulator.library))
    return JSONResponse(page(query, found, lambda each: (each.created_at, each.id), show, default=20))


async def read_conversation(request: Request, simulator: Simulator) -> Response:
    session = _conversation(request, simulator)
    detail = sessions.conversation_detail(simulator.library, session, simulator.now(), linker(request, simulator))
    return JSONResponse(detail)


async def delete_conversation(request: Request, simulator: Simulator) -> Response:
    """204; the session itself stays."""
    _conversation(request, simulator).conversation_deleted = True
    return Response(status_code=204)


async def read_avatar_usage(request: Request, simulator: Simulator) -> Response:
    query = request.query_params
    start, stop = moment(query, "startDate"), moment(query, "endDate")
    return JSONResponse(sessions.usage(simulator.library, start, stop, simulator.now()))


def _conversation(request: Request, simulator: Simulator) -> Session:
    session = simulator.library.sessions.get(request.path_params["conversation_id"])
    if session is None or session not in sessions.conversations(simulator.library):
        raise ApiError(404, "Conversation not found")
    return session
