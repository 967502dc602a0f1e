"""Live sessions: Runway's own paths, the short way for a page (connect), and the tokens that a page may carry.

The connect paths and `consume` have no authorizer, since browsers call them: they guard themselves.
"""

from __future__ import annotations

from tarmac.aws.wiring import AwsEffects
from tarmac.clock import to_iso
from tarmac.http.api import Answer, ApiError, ApiRequest, api_handler, require_scope
from tarmac.requests.validation import InvalidRequest
from tarmac.runway.ports import Credentials
from tarmac.sessions.client_tokens import BadToken, ClientToken
from tarmac.sessions.connect import connect_session
from tarmac.sessions.consume import consume_session
from tarmac.sessions.create import SessionOrder, create_session
from tarmac.sessions.mint_token import make_token, read_token
from tarmac.sessions.read import cancel_session, connect_backend, read_session
from tarmac.sessions.requests import avatar_id, parse_connect, parse_create
from tarmac.sessions.session import Session
from tarmac.settings import CreateSessionSettings
from tarmac.telemetry import logger

SCOPES = ("sessions", "avatars")
"""Either is enough: who may manage avatars may also talk to them."""

settings = CreateSessionSettings.from_environment()
# What is sent once is waited for as long as leaves time to say what came of it.
effects = AwsEffects(settings, runway_timeout_seconds=8.0)
effects.make_ready()
cors_origins = settings.cors_origins
most_seconds = settings.session_minutes_per_client * 60


@api_handler
def handler(request: ApiRequest) -> Answer:
    """API Gateway's event in, its response out. No answer may be kept by anybody: several open a session."""
    match request.route:
        case "POST /v1/realtime_sessions":
            return _create(request)
        case "GET /v1/realtime_sessions/{id}":
            return Answer(200, read_session(request.path["id"], request.client(*SCOPES), effects))
        case "DELETE /v1/realtime_sessions/{id}":
            cancel_session(request.path["id"], request.client(*SCOPES), effects)
            return Answer(204)
        case "POST /v1/realtime_sessions/{id}/consume":
            return Answer(200, _as_runway(consume_session(request.path["id"], _session_key(request), effects)))
        case "POST /v1/realtime_sessions/{id}/connect_backend":
            credentials = connect_backend(request.path["id"], request.client(*SCOPES), effects)
            return Answer(200, _as_runway(credentials))
        case "POST /v1/client_tokens":
            return _create_token(request)
        case "POST /api/avatar/connect" | "POST /api/avatar/session":
            return _connect(request)
        case _:
            raise ApiError(404, "There is no such path")


def _create(request: ApiRequest) -> Answer:
    """Runway's create in; 200 `{id}` out: Runway's id, and later that of the conversation."""
    client = request.client(*SCOPES)
    wanted = parse_create(request.json_body(), settings.max_session_seconds)
    if isinstance(wanted, list):
        raise InvalidRequest(wanted)
    session = create_session(SessionOrder(client, wanted, repeat=request.repeat(client)), effects, most_seconds)
    _log("session created", session)
    return Answer(200, {"id": session.id})


def _connect(request: ApiRequest) -> Answer:
    """`{avatarId}` in, with a key or a client token; 200 `{sessionId, serverUrl, token, roomName}` out."""
    client, token = _caller(request)
    only_avatar = token.avatar_id if token else None
    wanted = parse_connect(request.json_body(if_empty={}), settings.max_session_seconds, only_avatar)
    if isinstance(wanted, list):
        raise InvalidRequest(wanted)
    if only_avatar is not None and avatar_id(wanted.avatar) != only_avatar:
        raise ApiError(403, "This client token is for another avatar")
    source = {"kind": "connect"} | ({"origin": token.origin} if token else {})
    order = SessionOrder(client, wanted, source, token)
    session, credentials = connect_session(order, effects, most_seconds, settings.connect_seconds)
    _log("session handed out", session)
    return Answer(
        200,
        {
            "sessionId": session.id,
            "serverUrl": credentials.url,
            "token": credentials.token,
            "roomName": credentials.room_name,
        },
    )


def _create_token(request: ApiRequest) -> Answer:
    """`{avatarId?, origin?, maxSessions?, expiresIn?}` in; 200 `{clientToken, expiresAt, connectUrl}` out."""
    client = request.client(*SCOPES)
    text, token = make_token(request.json_body(if_empty={}), client, cors_origins, effects)
    connect_url = f"{request.url_of('/api/avatar/connect')}?clientToken={text}"
    return Answer(200, {"clientToken": text, "expiresAt": to_iso(token.expires_at), "connectUrl": connect_url})


def _caller(request: ApiRequest) -> tuple[str, ClientToken | None]:
    """The client that connects, and the client token that it is known by, if it is not by a key.

    Raises ApiError 401 or 403 with the reason: a page shows it, and nobody else sees why it stays dark.
    """
    if "authorization" in request.headers:
        client = effects.clients.identify(request.bearer) if request.bearer else None
        if client is None:
            raise ApiError(401, "This key is not known: send Authorization: Bearer <key>")
        require_scope(client.scopes, SCOPES)
        return client.id, None
    text = request.query.get("clientToken")
    if text is None:
        raise ApiError(
            401, "Send a client token (?clientToken=…), or from a server a key (Authorization: Bearer <key>)"
        )
    try:
        token = read_token(text, request.headers.get("origin"), effects)
    except BadToken as problem:
        raise ApiError(401, str(problem)) from None
    return token.client, token


def _session_key(request: ApiRequest) -> str:
    key = request.bearer
    if not key or len(key) > 4096 or not (key.isascii() and key.isprintable()) or " " in key:
        raise ApiError(401, "Send the session's key: Authorization: Bearer <sessionKey>")
    return key


def _as_runway(credentials: Credentials) -> dict[str, str]:
    return {"url": credentials.url, "token": credentials.token, "roomName": credentials.room_name}


def _log(message: str, session: Session) -> None:
    logger.info(message, session_id=session.id, client=session.client, seconds=session.max_seconds)
