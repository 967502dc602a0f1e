"""Runway, driven by the clock: each create is billed, runs its course, and holds its outputs until it is deleted."""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.media.downloads import CountingStream
from tarmac.runway.ports import UpstreamTask
from tests.fakes.runway import MP4

LINKS_LIVE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Life:
    """How a generation ends unless it is cancelled. `failure`: its code, "" for none, None for a success."""

    queued_seconds: float = 4.0
    running_seconds: float = 20.0
    failure: str | None = None
    outputs: int = 1
    throttled: bool = False

    def status(self, age: float) -> str:
        if age < self.queued_seconds:
            return "THROTTLED" if self.throttled else "PENDING"
        if age < self.queued_seconds + self.running_seconds:
            return "RUNNING"
        return "SUCCEEDED" if self.failure is None else "FAILED"


@dataclass(slots=True, eq=False)
class Generation:
    """One paid create. `token` is the claim that it belongs to."""

    id: str
    task_id: str
    token: str
    life: Life
    created_at: float
    is_bound: bool = False
    is_deleted: bool = False
    cancel_was_asked: bool = False

    def status(self, now: float) -> str:
        return self.life.status(now - self.created_at)

    def is_active(self, now: float) -> bool:
        return not self.is_deleted and self.status(now) in ("PENDING", "THROTTLED", "RUNNING")

    def has_output(self, now: float) -> bool:
        return not self.is_deleted and self.status(now) == "SUCCEEDED"

    def view(self, now: float) -> UpstreamTask:
        status = self.status(now)
        if status == "RUNNING":
            progress = (now - self.created_at - self.life.queued_seconds) / self.life.running_seconds
            return UpstreamTask(self.id, status, progress=round(progress, 3))
        if status == "SUCCEEDED":
            links = tuple(f"https://runway.example/{self.id}/{n}?at={now}" for n in range(1, self.life.outputs + 1))
            return UpstreamTask(self.id, status, output=links, cost_credits=25.0)
        if status == "FAILED":
            return UpstreamTask(self.id, status, failure="It failed.", failure_code=self.life.failure or None)
        return UpstreamTask(self.id, status)

    def content(self, number: int) -> bytes:
        return MP4 + f"{self.id}/{number}".encode() * 4


def stream(content: bytes, cut: bool) -> CountingStream:
    """A download; `cut` short, its length promised all the same."""
    arriving = content[: len(content) // 2] if cut else content
    return CountingStream(iter([arriving]), len(content), float("inf"))
