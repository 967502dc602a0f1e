"""Finish a session: archive its conversation and recording, then publish the notice. Each step is idempotent."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

from tarmac.effects import Effects
from tarmac.media.archive import DOWNLOAD_TRIES, archive_link
from tarmac.media.downloads import ArchiveError, DownloadCut, HostRefused
from tarmac.media.keys import session_archive_key
from tarmac.outcome import NotEnded
from tarmac.ports import AlreadyThere, WriteConflict
from tarmac.rows import NoticeState, Output, TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.notices import notice_of_session
from tarmac.sessions.session import Session, SessionState
from tarmac.telemetry import logger

CONVERSATION_SECONDS = 120.0
"""Longest time after the end of a session for which Tarmac waits for Runway's conversation and recording."""

RECORDING_EXPIRY_SECONDS = 24 * 3600.0
"""Minimum time for which Runway stores a recording. Until then, Finish is retried while archiving fails."""

WAIT_SECONDS = 15

_ENDINGS = {
    SessionState.COMPLETED: "completed",
    SessionState.CANCELLED: "cancelled",
    SessionState.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class SessionEnding:
    """The result of Finish: an announced session, or the wait for Runway to complete the conversation."""

    session: Session
    wait_seconds: int = 0

    def as_state(self) -> dict[str, Any]:
        """Return the output of the state. The machine routes by `ending`."""
        session = self.session
        if self.wait_seconds:
            return {"sessionId": session.id, "ending": "waiting", "waitSeconds": self.wait_seconds}
        summary: dict[str, Any] = {
            "sessionId": session.id,
            "ending": _ENDINGS[session.state],
            "status": session.state.value,
            "outputs": [{"bucket": output.bucket, "key": output.key} for output in session.outputs],
            "seconds": session.duration_seconds or 0,
            "polls": session.polls,
        }
        if session.state is SessionState.FAILED:
            summary["error"] = session.failure_code or "TARMAC.FAILED"
            summary["cause"] = (session.failure or "Runway gave no reason.")[:1000]
        return summary


def finish_session(session_id: str, effects: Effects, max_output_bytes: int) -> SessionEnding:
    """Archive and announce a session that has ended. Idempotent.

    Raises NoSuchSession, NotEnded, ArchiveError, UpstreamUnavailable and errors of AWS; a retry then completes it.
    """
    session = effects.sessions.get(session_id)
    if not session.state.is_terminal:
        raise NotEnded(f"the session is {session.state}")
    if session.notice_state is NoticeState.NONE:
        conversation = _conversation(session, effects)
        if _is_incomplete(session, conversation, effects):
            return SessionEnding(session, WAIT_SECONDS)
        files = [] if conversation is None else _archive_files(session, conversation, effects, max_output_bytes)
        try:
            session = effects.sessions.move(session_id, SessionMoves.archived, files)
        except TransitionRefused:
            session = effects.sessions.get(session_id)
    return SessionEnding(announce_session(session, effects))


def announce_session(session: Session, effects: Effects) -> Session:
    """Publish a pending notice, then mark it as sent. A notice may be published twice, with the same event id."""
    if session.notice_state is not NoticeState.PENDING:
        return session
    effects.topic.publish(*notice_of_session(session))
    try:
        return effects.sessions.move(session.id, SessionMoves.announced)
    except TransitionRefused:
        return effects.sessions.get(session.id)


def _seconds_since_end(session: Session, effects: Effects) -> float:
    return effects.clock.elapsed(session.ended_at or session.updated_at)


def _conversation(session: Session, effects: Effects) -> dict[str, Any] | None:
    """Return Runway's record of the conversation, None if no viewer joined or the record is gone.

    Raises UpstreamUnavailable until the recording has expired.
    """
    try:
        return effects.runway_sessions.conversation(session.id)
    except UpstreamGone:
        return None
    except UpstreamUnavailable:
        if _seconds_since_end(session, effects) < RECORDING_EXPIRY_SECONDS:
            raise
        return None


def _is_incomplete(session: Session, conversation: dict[str, Any] | None, effects: Effects) -> bool:
    """Return whether a call took place and Runway may still complete its conversation or recording."""
    known = conversation or {"status": "in_progress"}
    unfinished = known.get("status") == "in_progress" or not known.get("recordingUrl")
    return bool(session.duration_seconds) and unfinished and _seconds_since_end(session, effects) < CONVERSATION_SECONDS


def _archive_files(
    session: Session, conversation: dict[str, Any], effects: Effects, max_output_bytes: int
) -> list[Output]:
    files = [_archive_conversation(session, conversation, effects)]
    if link := conversation.get("recordingUrl"):
        recording = _archive_recording(session, str(link), effects, max_output_bytes)
        files += [recording] if recording else []
    return files


def _key(session: Session, name: str) -> str:
    return session_archive_key(session.client, session.created_at, session.id, name)


def _about(session: Session) -> dict[str, str]:
    return {"tarmac-session": session.id, "tarmac-operation": "realtime_sessions", "tarmac-model": session.model}


def _archive_conversation(session: Session, conversation: dict[str, Any], effects: Effects) -> Output:
    """Archive the transcript and the tool calls, without the link to the recording, which is a secret."""
    document = {name: value for name, value in conversation.items() if name != "recordingUrl"}
    content = json.dumps(document, ensure_ascii=False, indent=1).encode()
    key = _key(session, "conversation.json")
    about = _about(session)
    try:
        effects.archive.put_new(key, io.BytesIO(content), len(content), "application/json", about)
    except AlreadyThere:
        # Stored by an earlier attempt. Runway may return other text for the same conversation since then.
        content = effects.archive.open(key).read()
    return Output(effects.archive.bucket, key, len(content), hashlib.sha256(content).hexdigest(), "application/json")


def _archive_recording(session: Session, link: str, effects: Effects, max_output_bytes: int) -> Output | None:
    """Archive the recording. None if it has expired or cannot be archived: the notice is published without it.

    Raises ArchiveError while a retry may succeed.
    """
    tries = 0
    while True:
        try:
            return archive_link(
                link,
                lambda extension: _key(session, f"recording.{extension}"),
                _about(session),
                effects.downloads,
                effects.archive,
                max_output_bytes,
            )
        except WriteConflict:
            tries += 1
            if tries == DOWNLOAD_TRIES:
                raise
            effects.clock.sleep(2.0)
        except ArchiveError as problem:
            tries += 1
            is_late = _seconds_since_end(session, effects) >= RECORDING_EXPIRY_SECONDS
            if isinstance(problem, DownloadCut) and tries < DOWNLOAD_TRIES:
                effects.clock.sleep(2.0)
            elif isinstance(problem, (DownloadCut, HostRefused)) and not is_late:
                raise
            else:
                reason = f"{type(problem).__name__}: {problem}"
                logger.error("recording not archived", session_id=session.id, reason=reason)
                return None
