"""The notice of an ended session."""

from __future__ import annotations

from typing import Any

from tarmac.clock import to_iso
from tarmac.notices import VERSION, whole_if_whole, with_attributes
from tarmac.rows import OUTPUT
from tarmac.sessions.session import Session, SessionState


def notice_of_session(session: Session) -> tuple[str, dict[str, str]]:
    """Return the notice and the message attributes of a session that has ended.

    `outputs` contains the conversation and the recording; it is empty if no viewer joined.
    """
    notice: dict[str, Any] = {
        "version": VERSION,
        "eventId": session.event_id,
        "type": "session.ended",
        "taskId": None,
        "sessionId": session.id,
        "client": session.client,
        "operation": "realtime_sessions",
        "model": session.model,
        "avatar": dict(session.avatar),
        "status": session.state.value,
        "reason": session.cancel_reason if session.state is SessionState.CANCELLED else None,
        "durationSeconds": whole_if_whole(session.duration_seconds),
        "outputs": list(map(OUTPUT.to_row, session.outputs)),
        "failure": session.failure,
        "failureCode": session.failure_code,
        "credits": None,
        "metadata": dict(session.metadata),
        "source": dict(session.source),
        "createdAt": to_iso(session.created_at),
        "endedAt": to_iso(session.ended_at or session.updated_at),
    }
    return with_attributes(notice)
