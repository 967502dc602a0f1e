"""Live sessions: Runway's own paths, connect for pages, and client tokens.

Browsers call the connect paths and `consume` without a client key, so these check the caller themselves.
"""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.clock import to_iso
from tarmac.http.handler import Call, route_handler
from tarmac.http.routes import SESSION_SCOPES
from tarmac.sessions.client_tokens import ClientToken
from tarmac.sessions.connect import connect_order, connect_session
from tarmac.sessions.consume import checked_key, consume_session
from tarmac.sessions.create import SessionOrder, create_session
from tarmac.sessions.mint_token import mint_token, verify_token
from tarmac.sessions.read import cancel_session, connect_backend, credentials_view, read_session
from tarmac.sessions.requests import parse_create
from tarmac.sessions.session import Session
from tarmac.settings import CreateSessionSettings
from tarmac.telemetry import logger

settings = CreateSessionSettings.from_environment()
# The connect of a page is waited for as long as leaves time to answer it.
effects = AwsEffects(settings, runway_timeout_seconds=8.0)
effects.make_ready()
cors_origins = settings.cors_origins
most_seconds = settings.session_minutes_per_client * 60


def _create(call: Call) -> dict[str, Any]:
    """Runway's create in; `{id}` out: Runway's id of the session, and later of its conversation."""
    wanted = parse_create(call.body, settings.max_session_seconds)
    session = create_session(
        SessionOrder(call.client, wanted, request_identity=call.request_identity), effects, most_seconds
    )
    _log("session created", session)
    return {"id": session.id}


def _consume(call: Call) -> dict[str, str]:
    """The session's key as bearer in; `{url, token, roomName}` out."""
    return credentials_view(consume_session(call.path["id"], checked_key(call.request.bearer), effects))


def _create_token(call: Call) -> dict[str, Any]:
    """`{avatarId?, origin?, maxSessions?, expiresIn?}` in; `{clientToken, expiresAt, connectUrl}` out."""
    text, token = mint_token(call.body, call.client, cors_origins, effects)
    connect_url = f"{call.request.url_of('/api/avatar/connect')}?clientToken={text}"
    return {"clientToken": text, "expiresAt": to_iso(token.expires_at), "connectUrl": connect_url}


def _connect(call: Call) -> dict[str, str]:
    """`{avatarId}` in, with a client key or a client token; `{sessionId, serverUrl, token, roomName}` out."""
    client, token = _caller(call)
    order = connect_order(call.body, client, token, settings.max_session_seconds)
    session, credentials = connect_session(order, effects, most_seconds, settings.connect_seconds)
    _log("session handed out", session)
    room = {"serverUrl": credentials.url, "token": credentials.token, "roomName": credentials.room_name}
    return {"sessionId": session.id, **room}


def _caller(call: Call) -> tuple[str, ClientToken | None]:
    """The client that connects, and its client token unless it sends a key. Raises ApiError 401 or 403, BadToken."""
    if "authorization" in call.request.headers:
        return call.request.client_of_key(effects.clients, *SESSION_SCOPES), None
    token = verify_token(call.query.get("clientToken"), call.request.headers.get("origin"), effects)
    return token.client, token


def _log(message: str, session: Session) -> None:
    logger.info(message, session_id=session.id, client=session.client, seconds=session.max_seconds)


handler = route_handler(
    "create_session",
    {
        "POST /v1/realtime_sessions": _create,
        "GET /v1/realtime_sessions/{id}": lambda call: read_session(call.path["id"], call.client, effects),
        "DELETE /v1/realtime_sessions/{id}": lambda call: cancel_session(call.path["id"], call.client, effects),
        "POST /v1/realtime_sessions/{id}/consume": _consume,
        "POST /v1/realtime_sessions/{id}/connect_backend": lambda call: credentials_view(
            connect_backend(call.path["id"], call.client, effects)
        ),
        "POST /v1/client_tokens": _create_token,
        "POST /api/avatar/connect": _connect,
        "POST /api/avatar/session": _connect,
    },
)
"""API Gateway's event in, its response out. No response may be cached: several open a session."""
