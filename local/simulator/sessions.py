"""The life of a live session, as a function of its timeline and the clock.

    NOT_READY ─► READY ─► RUNNING ─► COMPLETED
    any of them ─► FAILED | CANCELLED

Credentials can be consumed once. The viewer is assumed to join at once, unless the scenario is `absent`. A session
without a viewer fails when its credentials expire; Runway does not publish what it does with one. Once consumed, a
session is also a conversation with the same id.
"""

from __future__ import annotations

import base64
import json
import math
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from local.simulator.library import Library, Session
from local.simulator.rendering import HUES, Clip
from local.simulator.tasks import iso

READY_SECONDS: Final = 2.0
EXPIRES_SECONDS: Final = 60.0
DEFAULT_MAX_SECONDS: Final = 300
EXPIRED: Final = "SESSION.EXPIRED"
RECORDING_SECONDS: Final = 5
_RECORDING_SIZE: Final = (544, 352)


class SessionStatus(StrEnum):
    """Runway's statuses of a session."""

    NOT_READY = "NOT_READY"
    READY = "READY"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        return self in (SessionStatus.COMPLETED, SessionStatus.FAILED, SessionStatus.CANCELLED)


def ready_at(session: Session) -> float:
    """When its credentials can be consumed."""
    return session.created_at + session.queued_seconds + session.ready_seconds


def expires_at(session: Session) -> float:
    """When its credentials expire."""
    return ready_at(session) + session.expires_seconds


def ends_at(session: Session) -> float | None:
    """When a consumed session ends or has ended; None if it never ran."""
    if session.consumed_at is None:
        return None
    if session.scenario.absent:
        return session.ended_at
    at_last = session.consumed_at + session.run_seconds
    return at_last if session.ended_at is None else min(at_last, session.ended_at)


def status_at(session: Session, now: float) -> SessionStatus:
    """The status of the session at this time."""
    return _state_at(session, now)[0]


def failure_code_at(session: Session, now: float) -> str | None:
    """The failure code of a FAILED session, else None."""
    return _state_at(session, now)[1]


def _state_at(session: Session, now: float) -> tuple[SessionStatus, str | None]:
    wanted = session.scenario.fail
    fails_in = SessionStatus(session.scenario.fail_in or SessionStatus.NOT_READY)
    if session.ended_at is not None and now >= session.ended_at:
        return SessionStatus(session.ending or SessionStatus.COMPLETED), session.failure_code
    if now < ready_at(session):
        return SessionStatus.NOT_READY, None
    if session.consumed_at is None or session.scenario.absent:
        if wanted and fails_in is SessionStatus.NOT_READY:
            return SessionStatus.FAILED, wanted
        if session.scenario.cancelled:
            return SessionStatus.CANCELLED, None
        if now < expires_at(session):
            return SessionStatus.READY, None
        return SessionStatus.FAILED, wanted if wanted and fails_in is SessionStatus.READY else EXPIRED
    if now < session.consumed_at + session.run_seconds:
        return SessionStatus.RUNNING, None
    if wanted and fails_in is SessionStatus.RUNNING:
        return SessionStatus.FAILED, wanted
    return SessionStatus.COMPLETED, None


def session_json(session: Session, now: float) -> dict[str, Any]:
    """The answer to a GET: only the fields that its status has."""
    status, failure_code = _state_at(session, now)
    answer: dict[str, Any] = {"id": session.id, "createdAt": iso(session.created_at), "status": status.value}
    match status:
        case SessionStatus.NOT_READY if session.queued_seconds:
            answer["queued"] = now < session.created_at + session.queued_seconds
        case SessionStatus.READY:
            answer |= {"sessionKey": session.key, "expiresAt": iso(expires_at(session))}
        case SessionStatus.COMPLETED:
            answer["duration"] = duration_at(session, now) or 0
        case SessionStatus.FAILED:
            answer |= {"failure": "The session failed.", "failureCode": failure_code}
    return answer


def end(session: Session, now: float, ending: SessionStatus, failure_code: str | None = None) -> bool:
    """End the session now; False if it has ended already."""
    if status_at(session, now).ended:
        return False
    session.ended_at, session.ending, session.failure_code = now, ending.value, failure_code
    return True


def duration_at(session: Session, now: float) -> int | None:
    """Whole seconds of the call so far, unscaled; None before it began."""
    last = ends_at(session)
    if session.consumed_at is None or last is None:
        return None
    elapsed = max(0.0, min(now, last) - session.consumed_at)
    return min(session.max_seconds, round(elapsed / session.time_scale)) if session.time_scale else session.max_seconds


def credentials(session: Session, url: str, identity: str) -> dict[str, str]:
    """`{url, token, roomName}` of one participant. The token has the shape of LiveKit's and is recorded."""
    room = f"room-{session.id}"
    claims = {"sub": identity, "jti": secrets.token_hex(16), "video": {"room": room, "roomJoin": True}}
    token = ".".join((_part({"alg": "HS256", "typ": "JWT"}), _part(claims), secrets.token_urlsafe(32)))
    session.tokens.append(token)
    return {"url": url, "token": token, "roomName": room}


def _part(claims: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


# Conversations


def conversations(library: Library) -> Iterable[Session]:
    """The sessions that have begun, without those with a deleted conversation."""
    return [
        each
        for each in library.sessions.values()
        if each.consumed_at is not None and not each.conversation_deleted and not each.scenario.absent
    ]


def conversation_json(library: Library, session: Session, now: float) -> dict[str, Any]:
    """The JSON of a conversation in lists."""
    return {
        "id": session.id,
        "name": f"Conversation of {iso(session.created_at)[:10]}",
        "status": _conversation_status(session, now),
        "avatar": _avatar_of(library, session),
        "createdAt": iso(session.created_at),
        "duration": duration_at(session, now),
        "hasTools": bool(session.tools),
    }


def conversation_detail(
    library: Library, session: Session, now: float, link: Callable[[str, str], str]
) -> dict[str, Any]:
    """The JSON of one conversation, with transcript, tools and recording. link: see `links.linker`."""
    summary = conversation_json(library, session, now)
    del summary["hasTools"]
    status, last = status_at(session, now), ends_at(session)
    over = status.ended
    detail = summary | {
        "startedAt": iso(session.consumed_at or session.created_at),
        "maxDuration": session.max_seconds,
        "recordingUrl": link(session.id, "mp4") if over and summary["duration"] else None,
        "tools": [{name: tool[name] for name in ("type", "name", "description")} for tool in session.tools],
        "transcript": transcript(session, now),
    }
    if over:
        detail["endedAt"] = None if last is None else iso(min(last, now))
    if status is SessionStatus.FAILED:
        detail |= {"failure": "The session failed.", "failureCode": failure_code_at(session, now)}
    return detail


def transcript(session: Session, now: float) -> list[dict[str, Any]]:
    """The transcript so far: always the same few sentences, and one use of the first tool."""
    lines: list[tuple[int, dict[str, Any]]] = [
        (0, {"role": "assistant", "content": session.start_script or "Hello, how can I help you?"}),
        (2, {"role": "user", "content": "Can you show me the lamp?"}),
    ]
    if session.tools:
        name = session.tools[0]["name"]
        result = {"id": "call_1", "name": name, "result": {"status": "ok"}, "error": None, "durationMs": 120}
        calls = [{"id": "call_1", "name": name, "arguments": {}}]
        lines.append((3, {"role": "assistant", "content": None, "toolCalls": calls, "toolResults": [result]}))
    lines.append((4, {"role": "assistant", "content": "Here it is."}))
    begun, so_far = session.consumed_at or 0.0, duration_at(session, now) or 0
    return [
        {"toolCalls": [], "toolResults": []} | entry | {"timestamp": iso(begun + second * session.time_scale)}
        if entry["role"] == "assistant"
        else entry | {"timestamp": iso(begun + second * session.time_scale)}
        for second, entry in lines
        if second <= so_far
    ]


def recording(session: Session, now: float) -> Clip | None:
    """The recording's content; None while there is none."""
    seconds = duration_at(session, now)
    if not seconds or not status_at(session, now).ended or session.conversation_deleted:
        return None
    return Clip(*_RECORDING_SIZE, min(seconds, RECORDING_SECONDS), None, int(session.id[:2], 16) % HUES)


def usage(library: Library, start: float, stop: float, now: float) -> dict[str, Any]:
    """Usage by day of the conversations that began from start to before stop."""
    begun = [each for each in library.sessions.values() if each.consumed_at and start <= each.consumed_at < stop]
    measured = [duration_at(each, now) or 0 for each in begun if status_at(each, now).ended]
    days: dict[str, list[int]] = {}
    for each in begun:
        days.setdefault(_day(each.consumed_at or 0).isoformat(), []).append(duration_at(each, now) or 0)
    first, last = _day(start), _day(math.nextafter(stop, start))
    range_of_days = [first + timedelta(days=number) for number in range(max(0, (last - first).days + 1))]
    return {
        "totalSeconds": sum(measured),
        "totalSessions": len(begun),
        "avgDurationSeconds": round(sum(measured) / len(measured)) if measured else 0,
        "byDay": [
            {"date": day, "sessions": len(days.get(day, ())), "seconds": sum(days.get(day, ()))}
            for day in map(date.isoformat, range_of_days)
        ],
    }


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _conversation_status(session: Session, now: float) -> str:
    status = status_at(session, now)
    if not status.ended:
        return "in_progress"
    return "failed" if status is SessionStatus.FAILED else "ended"


def _avatar_of(library: Library, session: Session) -> dict[str, Any]:
    if session.avatar["type"] == "runway-preset":
        preset = session.avatar["presetId"]
        return {"type": "runway-preset", "presetId": preset, "name": preset.replace("-", " ").title()}
    own = library.avatars.get(session.avatar["avatarId"])
    return {"type": "custom", "id": own.id if own else None, "name": own.name if own else None}
