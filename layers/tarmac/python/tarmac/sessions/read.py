"""Read or cancel one session of a client, or join it from the client's server."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tarmac.clock import to_iso
from tarmac.effects import Effects
from tarmac.ids import is_id
from tarmac.rows import Contended, TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.runway.ports import Credentials
from tarmac.sessions.errors import NoSuchSession
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.session import Session, SessionState


def find_session(session_id: str, client: str, effects: Effects) -> Session:
    """Return a session of the client. Raises NoSuchSession, also for another client's session."""
    if not is_id(session_id):
        raise NoSuchSession(session_id)
    session = effects.sessions.get(session_id)
    if session.client != client:
        raise NoSuchSession(session_id)
    return session


def read_session(session_id: str, client: str, effects: Effects) -> dict[str, Any]:
    """Return the session in Runway's shape.

    An open session is read at Runway, and has a session key while it is READY. One that has ended, or is being
    cancelled, is read from its row. Raises NoSuchSession, UpstreamUnavailable.
    """
    session = find_session(session_id, client, effects)
    if session.state.is_terminal or session.cancel_requested_at is not None:
        return _of_row(session)
    try:
        seen = effects.runway_sessions.session(session_id)
    except UpstreamGone:
        raise NoSuchSession(session_id) from None
    if not seen.is_terminal and seen.status != session.state:
        # The time at which it became ready starts the time for which it may stay unclaimed.
        with suppress(TransitionRefused, Contended):
            effects.sessions.move(session_id, SessionMoves.observe, seen.status, 0)
    metadata = {"metadata": dict(session.metadata)} if session.metadata else {}
    # createdAt comes from the row, so that it stays the same after the session has ended.
    return {**seen.document, "id": session_id, "createdAt": to_iso(session.created_at), **metadata}


def cancel_session(session_id: str, client: str, effects: Effects) -> None:
    """Cancel a session. Has no effect if it has ended. Raises NoSuchSession.

    If Runway cannot be reached, WatchSession cancels it later.
    """
    find_session(session_id, client, effects)
    try:
        effects.sessions.move(session_id, SessionMoves.request_cancel, "client")
    except TransitionRefused:
        return
    with suppress(UpstreamUnavailable):
        effects.runway_sessions.cancel(session_id)


def connect_backend(session_id: str, client: str, effects: Effects) -> Credentials:
    """Return the credentials with which the client's server answers the avatar's backend calls.

    Raises NoSuchSession, and as `RunwaySessions.connect_backend` does.
    """
    find_session(session_id, client, effects)
    return effects.runway_sessions.connect_backend(session_id)


def credentials_view(credentials: Credentials) -> dict[str, str]:
    """Return the credentials in Runway's shape."""
    return {"url": credentials.url, "token": credentials.token, "roomName": credentials.room_name}


def _of_row(session: Session) -> dict[str, Any]:
    """Return a row in Runway's shape, with the fields of its status only."""
    ended = session.state.is_terminal
    state = session.state if ended else SessionState.CANCELLED
    view: dict[str, Any] = {"id": session.id, "createdAt": to_iso(session.created_at), "status": state.value}
    match state:
        case SessionState.COMPLETED:
            view["duration"] = session.duration_seconds or 0
        case SessionState.FAILED:
            view |= {"failure": session.failure or "Runway gave no reason.", "failureCode": session.failure_code}
    if session.metadata:
        view["metadata"] = dict(session.metadata)
    return view
