"""Runway's live sessions in memory: they follow the clock, return credentials once, and fail as tests configure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.clock import Clock
from tarmac.runway.errors import CreateRejected, UpstreamGone
from tarmac.runway.ports import Credentials, UpstreamSession


@dataclass
class FakeSession:
    """status: what a poll returns from ready_at on; tests change it with `now`.

    joins: whether the caller that consumes it also joins; then it runs for run_seconds and has a conversation.
    """

    id: str
    body: Mapping[str, Any]
    ready_at: float
    joins: bool = True
    run_seconds: float = 1e9
    entered_at: float | None = None
    status: str = "READY"
    consumed: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"secret-key-of-{self.id}"


@dataclass
class FakeRunwaySessions:
    """Exceptions in the lists are raised in turn: `refuse_*` before anything happens, `lose_*` after it has."""

    clock: Clock
    ready_seconds: float = 3.0
    joins: bool = True
    run_seconds: float = 1e9
    sessions: dict[str, FakeSession] = field(default_factory=dict)
    conversations: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuse_creates: list[Exception] = field(default_factory=list)
    lose_creates: list[Exception] = field(default_factory=list)
    unreadable: list[Exception] = field(default_factory=list)
    refuse_consumes: list[Exception] = field(default_factory=list)
    lose_consumes: list[Exception] = field(default_factory=list)
    refuse_cancels: list[Exception] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    polls: int = 0

    def create(self, body: Mapping[str, Any]) -> str:
        if self.refuse_creates:
            raise self.refuse_creates.pop(0)
        session_id = f"live-{len(self.sessions) + 1}"
        ready_at = self.clock.now() + self.ready_seconds
        self.sessions[session_id] = FakeSession(session_id, dict(body), ready_at, self.joins, self.run_seconds)
        if self.lose_creates:
            raise self.lose_creates.pop(0)
        return session_id

    def session(self, session_id: str, timeout_seconds: float | None = None) -> UpstreamSession:
        self.polls += 1
        if self.unreadable:
            raise self.unreadable.pop(0)
        known, status = self._known(session_id), self.status(session_id)
        document = {"id": session_id, "createdAt": "2026-11-20T10:00:00.000Z", "status": status, **known.more}
        key = known.key if status == "READY" else None
        if key:
            document |= {"sessionKey": key, "expiresAt": "2026-11-20T10:01:00.000Z"}
        more = known.more
        return UpstreamSession(
            session_id, status, key, more.get("duration"), more.get("failure"), more.get("failureCode"), document
        )

    def cancel(self, session_id: str, timeout_seconds: float | None = None) -> None:
        if self.refuse_cancels:
            raise self.refuse_cancels.pop(0)
        self.cancelled.append(session_id)
        if session_id in self.sessions and not self.has_ended(session_id):
            self.now(session_id, "CANCELLED")

    def consume(self, session_id: str, session_key: str, timeout_seconds: float | None = None) -> Credentials:
        if self.refuse_consumes:
            raise self.refuse_consumes.pop(0)
        known = self._known(session_id)
        if session_key != known.key:
            raise CreateRejected("Invalid session key", status=401)
        if known.consumed or self.status(session_id) != "READY":
            raise CreateRejected("The session is not ready", status=409)
        known.consumed += 1
        if known.joins:
            known.status, known.entered_at = "RUNNING", self.clock.now()
        if self.lose_consumes:
            raise self.lose_consumes.pop(0)
        return Credentials("wss://room.example", f"secret-token-of-{session_id}", f"secret-room-of-{session_id}")

    def connect_backend(self, session_id: str) -> Credentials:
        self._known(session_id)
        return Credentials("wss://room.example", f"secret-backend-of-{session_id}", f"secret-room-of-{session_id}")

    def conversation(self, session_id: str) -> dict[str, Any]:
        if session_id in self.conversations:
            return self.conversations[session_id]
        if self._known(session_id).entered_at is None:
            raise UpstreamGone("Runway does not know it")
        said = [{"role": "assistant", "content": "Hello", "toolCalls": [], "toolResults": []}]
        link = f"https://cdn.example/secret-recording-of-{session_id}.mp4"
        ended = "ended" if self.has_ended(session_id) else "in_progress"
        return {"id": session_id, "status": ended, "transcript": said, "tools": [], "recordingUrl": link}

    # For tests

    def now(self, session_id: str, status: str, **more: Any) -> None:
        """Set the status that polls return from now on."""
        known = self.sessions[session_id]
        known.ready_at, known.status, known.more = self.clock.now(), status, more

    def status(self, session_id: str) -> str:
        known = self.sessions[session_id]
        if known.status == "RUNNING" and known.entered_at is not None:
            seconds = min(known.run_seconds, known.body["maxDuration"])
            if self.clock.now() >= known.entered_at + seconds:
                known.status, known.more = "COMPLETED", {"duration": seconds}
        return known.status if self.clock.now() >= known.ready_at else "NOT_READY"

    def has_ended(self, session_id: str) -> bool:
        return self.status(session_id) in ("COMPLETED", "FAILED", "CANCELLED")

    def _known(self, session_id: str) -> FakeSession:
        if session_id not in self.sessions:
            raise UpstreamGone("Runway does not know it")
        return self.sessions[session_id]
