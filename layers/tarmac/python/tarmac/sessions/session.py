"""The session row: what Tarmac knows of one live call, from Runway's answer to its create to its announced ending.

A row is named as Runway names the session, so that an id from here is good everywhere: in the SDKs, at Runway itself,
and later as the id of the conversation. What opens a session (its key, a token, a room) is in no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tarmac.rows import NOTICE_STATE, OUTPUTS, SESSION_DUE, NoticeState, Output, RowFields, RowNotFound, stored_enum


class SessionState(StrEnum):
    """Where a session stands, in Runway's own words."""

    NOT_READY = "NOT_READY"
    READY = "READY"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({SessionState.COMPLETED, SessionState.FAILED, SessionState.CANCELLED})


class NoSuchSession(RowNotFound):
    """No row has this id, or it is another client's."""


class SessionEnded(Exception):
    """It ended before anybody could enter. The message is Runway's failure, where there is one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message if code is None else f"{message} ({code})")


class SessionTimedOut(Exception):
    """It was not ready in the time that its caller waits."""


class CredentialsSpent(Exception):
    """The credentials were handed out, or are being, or never will be: they are good for one use."""


class CredentialsLost(Exception):
    """Runway's answer with the credentials was lost; they were good for one use, so the session is of none."""


class TokenSpent(Exception):
    """All sessions that the client token allows have been created."""


class WrongAvatar(Exception):
    """The client token allows another avatar."""


class BadSessionKey(Exception):
    """The request carries no session key, or a text that cannot be one."""


class MinutesUsedUp(Exception):
    """The client has used up, or reserved, the minutes of live sessions that it has for a day."""


class StillCreating(Exception):
    """The first request with this idempotency key has not been answered yet."""


@dataclass(frozen=True, slots=True)
class Session:
    """One row. Times are epoch seconds here and ISO-8601 in the table.

    avatar: `{type, avatarId | presetId}`. ready_at and started_at: when it was first seen READY and RUNNING.
    cancel_reason: `client`, or why Tarmac ends it itself: `timeout`, `unclaimed`, `lost`, `overdue`.
    """

    id: str
    client: str
    model: str
    avatar: Mapping[str, str]
    max_seconds: int
    created_at: float
    state: SessionState = SessionState.NOT_READY
    version: int = 1
    updated_at: float = 0.0
    ended_at: float | None = None
    source: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    # The execution: the first is named by the session, each re-drive takes the next run.
    run: int = 1
    # What it counts for among the minutes of its client: all it may last while it lives, what it lasted afterwards.
    minutes_day: str = ""
    reserved_seconds: int = 0
    used_seconds: int = 0

    ready_at: float | None = None
    started_at: float | None = None
    checked_at: float | None = None
    looks: int = 0
    # Consecutive looks that said 404, and that said nothing at all.
    missing: int = 0
    unread: int = 0

    # Credentials are given once: who claims them has asked Runway, and nobody else may.
    claim: str | None = None
    claimed_at: float | None = None
    consumed_at: float | None = None
    burned_at: float | None = None

    cancel_requested_at: float | None = None
    cancel_reason: str | None = None
    duration_seconds: float | None = None
    failure: str | None = None
    failure_code: str | None = None
    outputs: tuple[Output, ...] = ()
    notice_state: NoticeState = NoticeState.NONE
    next_check_at: float | None = None

    @property
    def execution_name(self) -> str:
        """`{sessionId}` for the first run, `{sessionId}-{run}` for a re-drive."""
        return self.id if self.run == 1 else f"{self.id}-{self.run}"

    @property
    def event_id(self) -> str:
        return f"{self.id}-ended"

    @property
    def needs_attention(self) -> bool:
        """Whether the sweeper must see this row: until its ending is archived and announced."""
        return self.notice_state is not NoticeState.SENT


def session_key(session_id: str) -> str:
    return f"session#{session_id}"


def bump(session: Session, now: float, **changes: Any) -> Session:
    """The next version of a row."""
    return replace(session, version=session.version + 1, updated_at=now, **changes)


# Not `client`: that is the partition key of the index of tasks.
_FIELDS = RowFields(
    Session,
    names={"id": "sessionId", "client": "clientId"},
    stored={"state": stored_enum(SessionState), "notice_state": NOTICE_STATE, "outputs": OUTPUTS},
)


def to_row(session: Session) -> dict[str, Any]:
    """The table item: the fields of the session, and index keys derived from them."""
    row = {"pk": session_key(session.id), "sk": "session"} | _FIELDS.to_row(session)
    if session.needs_attention:
        row["due"] = SESSION_DUE.shard_of(session.id)
    else:
        row.pop("nextCheckAt", None)
    return row


def from_row(row: Mapping[str, Any]) -> Session:
    """The session of an item written by `to_row`. Raises KeyError on an item that is not a session."""
    return _FIELDS.from_row(row)
