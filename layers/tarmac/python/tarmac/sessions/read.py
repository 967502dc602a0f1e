"""One session of a client: read it, cancel it, connect a server to it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tarmac.clock import to_iso
from tarmac.effects import Effects
from tarmac.ids import is_id
from tarmac.rows import Contended, TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.runway.ports import Credentials
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.session import NoSuchSession, Session, SessionState


def find_session(session_id: str, client: str, effects: Effects) -> Session:
    """The client's session. Raises NoSuchSession, also for another client's."""
    if not is_id(session_id):
        raise NoSuchSession(session_id)
    session = effects.sessions.get(session_id)
    if session.client != client:
        raise NoSuchSession(session_id)
    return session


def read_session(session_id: str, client: str, effects: Effects) -> dict[str, Any]:
    """Runway's answer, with the session's key while it is READY; of a session that has ended, what is in its row.

    Raises NoSuchSession, UpstreamUnavailable.
    """
    session = find_session(session_id, client, effects)
    if session.state.is_terminal or session.cancel_requested_at is not None:
        return _of_row(session)
    try:
        seen = effects.runway_sessions.session(session_id)
    except UpstreamGone:
        raise NoSuchSession(session_id) from None
    if not seen.is_terminal and seen.status != session.state:
        # From when it was ready counts for how long it may stay unclaimed.
        with suppress(TransitionRefused, Contended):
            effects.sessions.move(session_id, SessionMoves.observe, seen.status, 0)
    metadata = {"metadata": dict(session.metadata)} if session.metadata else {}
    # As the row has it, which is all that is left of a session that has ended.
    return {**seen.document, "id": session_id, "createdAt": to_iso(session.created_at), **metadata}


def cancel_session(session_id: str, client: str, effects: Effects) -> None:
    """End it; a session that has ended is no error, as at Runway. If Runway cannot be reached, WatchSession does it.

    Raises NoSuchSession.
    """
    find_session(session_id, client, effects)
    try:
        effects.sessions.move(session_id, SessionMoves.request_cancel, "client")
    except TransitionRefused:
        return
    with suppress(UpstreamUnavailable):
        effects.runway_sessions.cancel(session_id)


def connect_backend(session_id: str, client: str, effects: Effects) -> Credentials:
    """For a server that answers the avatar's calls. Raises NoSuchSession, and as `RunwaySessions.connect_backend`."""
    find_session(session_id, client, effects)
    return effects.runway_sessions.connect_backend(session_id)


def credentials_view(credentials: Credentials) -> dict[str, str]:
    """Return the credentials in Runway's shape."""
    return {"url": credentials.url, "token": credentials.token, "roomName": credentials.room_name}


def _of_row(session: Session) -> dict[str, Any]:
    """In Runway's shape: the fields of its status, and no others."""
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
