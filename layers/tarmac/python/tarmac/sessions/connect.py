"""Connect: from an avatar to the credentials of a room, while a page waits."""

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
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.requests import avatar_id, parse_connect
from tarmac.sessions.session import Session, SessionEnded, SessionState, SessionTimedOut, WrongAvatar

POLL_SECONDS = 1.0
POLL_TIMEOUT_SECONDS = 1.5
CONSUME_TIMEOUT_SECONDS = 1.5
"""Real seconds: what is begun at the end of the wait is over before the function is."""


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
    """A session that is ready, and its credentials. A session that does not become ready is cancelled.

    patience_seconds: real seconds from the call on, since API Gateway knows no others. Raises as `create_session`
    and `consume_session` do, SessionEnded, SessionTimedOut.
    """
    give_up_at = effects.clock.now() + patience_seconds
    session = create_session(order, effects, most_seconds)
    try:
        while True:
            ready = _look(session, effects)
            if ready is not None and ready.session_key is not None:
                with suppress(CreateRefused):
                    # Refused: Runway has no time for it just now, and the key is good for a while.
                    return session, consume_session(session.id, ready.session_key, effects, CONSUME_TIMEOUT_SECONDS)
            if effects.clock.after(POLL_SECONDS) + POLL_TIMEOUT_SECONDS > give_up_at:
                raise SessionTimedOut(
                    f"The session was not ready within {patience_seconds:.0f} s and has been cancelled. "
                    "Runway is busy: try again in a moment"
                )
            effects.clock.sleep(POLL_SECONDS)
    except SessionEnded:
        raise
    except CreateRejected as rejection:
        _abandon(session, effects)
        # Not the caller's mistake, whatever its status says: the key was Runway's own.
        raise SessionEnded(f"Runway gave no credentials: {rejection}") from rejection
    except BaseException:
        _abandon(session, effects)
        raise


def _look(session: Session, effects: Effects) -> UpstreamSession | None:
    """What Runway shows, None where it shows nothing now. Raises SessionEnded."""
    try:
        seen = effects.runway_sessions.session(session.id, POLL_TIMEOUT_SECONDS)
    except (UpstreamUnavailable, UpstreamGone):
        # A new session may not be visible yet, and one failed read must not end the call.
        return None
    if not seen.is_terminal:
        return seen
    if seen.status == SessionState.FAILED:
        raise SessionEnded(seen.failure or "The session failed, and Runway gave no reason", seen.failure_code)
    raise SessionEnded(f"The session ended as {seen.status} before anybody could enter it")


def _abandon(session: Session, effects: Effects) -> None:
    """Cancel a session that no caller will enter. What cannot be done now is left to WatchSession."""
    with suppress(TransitionRefused, Exception):
        effects.sessions.move(session.id, SessionMoves.request_cancel, "timeout")
    with suppress(UpstreamUnavailable):
        effects.runway_sessions.cancel(session.id, timeout_seconds=2.0)
