"""Sessions and requests that several tests use."""

from __future__ import annotations

from typing import Any

from tarmac.rows import NoticeState
from tarmac.sessions.create import SessionOrder, create_session
from tarmac.sessions.requests import SessionRequest, parse_connect
from tarmac.sessions.session import Session, SessionState
from tests.fakes import World
from tests.fakes.samples import NOW

MOST_SECONDS = 3600
UNCLAIMED_SECONDS = 60.0
PRESET = {"type": "runway-preset", "presetId": "cat-character"}


def a_session(state: SessionState = SessionState.NOT_READY, **changes: Any) -> Session:
    """A consistent session in the given state."""
    values: dict[str, Any] = {
        "id": "live-1",
        "client": "acme",
        "model": "gwm1_avatars",
        "avatar": PRESET,
        "max_seconds": 300,
        "created_at": NOW,
        "updated_at": NOW,
        "state": state,
        "version": 3,
        "source": {"kind": "api"},
        "minutes_day": "2023-11-14",
        "reserved_seconds": 300,
        "next_check_at": NOW,
    }
    if state is not SessionState.NOT_READY:
        values["ready_at"] = NOW
    if state is SessionState.RUNNING:
        values["started_at"] = NOW
    if state.is_terminal:
        values |= {"ended_at": NOW, "reserved_seconds": 0, "notice_state": NoticeState.NONE}
    return Session(**(values | changes))


def a_request(**body: Any) -> SessionRequest:
    return parse_connect({"avatarId": "cat-character"} | body, 300)


def an_order(client: str = "acme", **body: Any) -> SessionOrder:
    return SessionOrder(client, a_request(**body))


def created(world: World, **body: Any) -> Session:
    """Create a session at the fake Runway and return it."""
    return create_session(an_order(**body), world, MOST_SECONDS)


def minutes(world: World, client: str = "acme") -> int:
    """The seconds that the client has used and reserved today."""
    return world.sessions.used_seconds(client, "2023-11-14")
