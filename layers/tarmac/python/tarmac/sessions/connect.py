"""Connect: create a session, wait until it is ready, and return its credentials in one request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tarmac.effects import Effects
from tarmac.rows import TransitionRefused
from tarmac.runway.errors import CreateRefused, CreateRejected, UpstreamGone, UpstreamUnavailable
from tarmac.runway.ports import Credentials, UpstreamSession
from tarmac.sessions.client_tokens import ClientToken
from tarmac.sessions.consume import consume_session
from tarmac.sessions.create import SessionOrder, create_session
from tarmac.sessions.errors import SessionEnded, SessionTimedOut, WrongAvatar
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.requests import avatar_id, parse_connect
from tarmac.sessions.session import Session, SessionState

POLL_SECONDS = 1.0
POLL_TIMEOUT_SECONDS = 1.5
CONSUME_TIMEOUT_SECONDS = 1.5
"""Timeouts in real seconds. A call that starts at the end of the wait still returns before the function times out."""


def connect_order(
    body: Mapping[str, Any], client: str, token: ClientToken | None, longest_seconds: int
) -> SessionOrder:
    """Return the order of a page's connect. token: None where a server connects with a client key.

    Raises InvalidRequest, WrongAvatar.
    """
    only_avatar = token.avatar_id if token else None
    wanted = parse_connect(body, longest_seconds, only_avatar)
    if only_avatar is not None and avatar_id(wanted.avatar) != only_avatar:
        raise WrongAvatar("This client token is for another avatar")
    source = {"kind": "connect"} | ({"origin": token.origin} if token else {})
    return SessionOrder(client, wanted, source, token)


def connect_session(
    order: SessionOrder, effects: Effects, most_seconds: int, patience_seconds: float
) -> tuple[Session, Credentials]:
    """Create a session, wait until it is ready, and return it with its credentials.

    A session that cannot be returned is cancelled. most_seconds: the client's limit for a day. patience_seconds:
    longest wait in real seconds, since API Gateway's timeout does not follow TIME_SCALE. Raises SessionEnded,
    SessionTimedOut, and as `create_session` and `consume_session` do.
    """
    give_up_at = effects.clock.now() + patience_seconds
    session = create_session(order, effects, most_seconds)
    try:
        while True:
            ready = _poll(session, effects)
            if ready is not None and ready.session_key is not None:
                with suppress(CreateRefused):
                    # Runway rejects the request for the moment, and the session key stays valid: poll again.
                    return session, consume_session(session.id, ready.session_key, effects, CONSUME_TIMEOUT_SECONDS)
            if effects.clock.after(POLL_SECONDS) + POLL_TIMEOUT_SECONDS > give_up_at:
                raise SessionTimedOut(
                    f"The session was not ready within {patience_seconds:.0f} s and has been cancelled. "
                    "Runway is busy: retry in a moment"
                )
            effects.clock.sleep(POLL_SECONDS)
    except SessionEnded:
        raise
    except CreateRejected as rejection:
        _cancel(session, effects)
        # Not the caller's error, whatever Runway's status is: the session key came from Runway.
        raise SessionEnded(f"Runway returned no credentials: {rejection}") from rejection
    except BaseException:
        _cancel(session, effects)
        raise


def _poll(session: Session, effects: Effects) -> UpstreamSession | None:
    """Return the session at Runway, None if it cannot be read now. Raises SessionEnded."""
    try:
        seen = effects.runway_sessions.session(session.id, POLL_TIMEOUT_SECONDS)
    except (UpstreamUnavailable, UpstreamGone):
        # A new session may not be readable yet, and one failed poll must not fail the request.
        return None
    if not seen.is_terminal:
        return seen
    if seen.status == SessionState.FAILED:
        raise SessionEnded(seen.failure or "The session failed without a reason from Runway", seen.failure_code)
    raise SessionEnded(f"The session ended as {seen.status} before a viewer could join")


def _cancel(session: Session, effects: Effects) -> None:
    """Cancel a session that no viewer will join. If Runway cannot be reached, WatchSession cancels it later."""
    with suppress(TransitionRefused, Exception):
        effects.sessions.move(session.id, SessionMoves.request_cancel, "timeout")
    with suppress(UpstreamUnavailable):
        effects.runway_sessions.cancel(session.id, timeout_seconds=2.0)
