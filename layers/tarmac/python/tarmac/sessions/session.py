"""The session row: the state of one live session, from Runway's response to its create to its published notice.

A row has Runway's id of the session, so the same id is valid in the SDKs, at Runway, and later for the conversation.
Secrets that open a session (its key, tokens, the room) are never stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tarmac.rows import NOTICE_STATE, OUTPUTS, SESSION_DUE, NoticeState, Output, RowFields, stored_enum


class SessionState(StrEnum):
    """The status of a session, as in Runway's API."""

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


@dataclass(frozen=True, slots=True)
class Session:
    """One row. Times are epoch seconds here and ISO-8601 in the table.

    avatar: `{type, avatarId | presetId}`. ready_at and started_at: when a poll first returned READY and RUNNING.
    cancel_reason: `client`, or a reason of Tarmac's own: `timeout`, `unclaimed`, `lost`, `overdue`.
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
    # Number of the execution: 1 for the first, one more for each that replaces a lost one.
    run: int = 1
    # The client's minutes: an open session reserves its longest duration, an ended one has used its actual duration.
    minutes_day: str = ""
    reserved_seconds: int = 0
    used_seconds: int = 0

    ready_at: float | None = None
    started_at: float | None = None
    checked_at: float | None = None
    polls: int = 0
    # Consecutive polls that returned 404, and consecutive polls without a result.
    missing: int = 0
    unread: int = 0

    # Credentials are returned once: only the request that holds the claim may ask Runway for them.
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
        """`{sessionId}` for the first run, `{sessionId}-{run}` for later runs."""
        return self.id if self.run == 1 else f"{self.id}-{self.run}"

    @property
    def event_id(self) -> str:
        return f"{self.id}-ended"

    @property
    def needs_attention(self) -> bool:
        """Whether the sweeper checks this row: until its notice is sent."""
        return self.notice_state is not NoticeState.SENT


def session_key(session_id: str) -> str:
    return f"session#{session_id}"


def bump(session: Session, now: float, **changes: Any) -> Session:
    """Return the next version of a row."""
    return replace(session, version=session.version + 1, updated_at=now, **changes)


# Not `client`, which is the partition key of the index that lists tasks.
_FIELDS = RowFields(
    Session,
    names={"id": "sessionId", "client": "clientId"},
    stored={"state": stored_enum(SessionState), "notice_state": NOTICE_STATE, "outputs": OUTPUTS},
)


def to_row(session: Session) -> dict[str, Any]:
    """Return the table item: the fields of the session, and index keys derived from them."""
    row = {"pk": session_key(session.id), "sk": "session"} | _FIELDS.to_row(session)
    if session.needs_attention:
        row["due"] = SESSION_DUE.shard_of(session.id)
    else:
        row.pop("nextCheckAt", None)
    return row


def from_row(row: Mapping[str, Any]) -> Session:
    """Return the session of an item written by `to_row`. Raises KeyError if the item is not a session."""
    return _FIELDS.from_row(row)
