"""The records of an account besides tasks: avatars, documents, voices, sessions, routers, workflows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.simulator.directives import Directives


class _Processed:
    """A record that Runway processes first."""

    __slots__ = ()
    ready_at: float
    failure: str | None

    def status(self, now: float) -> str:
        """PROCESSING until ready_at, then READY or FAILED."""
        if now < self.ready_at:
            return "PROCESSING"
        return "READY" if self.failure is None else "FAILED"


@dataclass(slots=True)
class Avatar(_Processed):
    """A character. Times are epoch seconds.

    voice    as in the create
    picture  SHA-256 of the reference image, None for a URL
    ready_at when it stops being PROCESSING
    failure  the reason why it is FAILED from then on, None if it becomes READY
    """

    id: str
    name: str
    personality: str
    voice: dict[str, Any]
    start_script: str | None
    document_ids: list[str]
    picture: str | None
    created_at: float
    updated_at: float
    ready_at: float
    failure: str | None = None


@dataclass(slots=True)
class Document:
    """Knowledge as Markdown or plain text."""

    id: str
    name: str
    content: str
    created_at: float
    updated_at: float


@dataclass(slots=True)
class Voice(_Processed):
    """A custom voice; ready_at and failure are as in Avatar."""

    id: str
    name: str
    description: str | None
    created_at: float
    ready_at: float
    failure: str | None = None


@dataclass(slots=True)
class Router:
    """A model router. requests: its decisions as Runway lists them, oldest first."""

    id: str
    slug: str
    name: str
    description: str | None
    settings: dict[str, Any]
    version: int
    created_at: float
    updated_at: float
    requests: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """A node of a workflow that makes one output. kind: its format, of media.FORMATS."""

    id: str
    name: str
    kind: str


@dataclass(slots=True)
class Workflow:
    """One published version of a workflow; versions share their name."""

    id: str
    name: str
    description: str | None
    version: int
    created_at: float
    nodes: list[Node]


@dataclass(slots=True)
class Session:
    """A live call. Times are epoch seconds; durations are seconds on the clock, already scaled.

    max_seconds  of the request, unscaled, like the duration that is reported at the end
    consumed_at  when its credentials were consumed; from then on it runs
    ended_at     when a request ended it, with this `ending` (a status) and failure_code
    tokens       every room token that was issued for it
    """

    id: str
    avatar: dict[str, Any]
    start_script: str | None
    tools: list[dict[str, Any]]
    max_seconds: int
    created_at: float
    scenario: Directives
    key: str
    queued_seconds: float
    ready_seconds: float
    expires_seconds: float
    run_seconds: float
    time_scale: float
    consumed_at: float | None = None
    ended_at: float | None = None
    ending: str | None = None
    failure_code: str | None = None
    polls: int = 0
    consumes: int = 0
    tokens: list[str] = field(default_factory=list)
    conversation_deleted: bool = False


@dataclass(slots=True)
class Library:
    """All records by id."""

    avatars: dict[str, Avatar] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    voices: dict[str, Voice] = field(default_factory=dict)
    routers: dict[str, Router] = field(default_factory=dict)
    workflows: dict[str, Workflow] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)


_EPOCH: Final = 1_780_000_000.0
_STILL: Final = Node("7d3f2f7e-6a0b-4d0e-8a57-0f6b6f0d4a01", "Still", "png")
_CLIP: Final = Node("7d3f2f7e-6a0b-4d0e-8a57-0f6b6f0d4a02", "Clip", "mp4")
_SOUND: Final = Node("7d3f2f7e-6a0b-4d0e-8a57-0f6b6f0d4a03", "Sound", "mp3")
PUBLISHED: Final = (
    Workflow("5b1d7c1e-0f5e-4c55-9a39-5f0c3d1f7a01", "Lamp study", None, 1, _EPOCH, [_STILL]),
    Workflow(
        "5b1d7c1e-0f5e-4c55-9a39-5f0c3d1f7a02",
        "Lamp study",
        "A still, a clip of it, and its sound",
        2,
        _EPOCH + 86_400,
        [_STILL, _CLIP, _SOUND],
    ),
)


def new_library() -> Library:
    """The library of a new account. It has a workflow, because the API cannot publish one."""
    return Library(workflows={workflow.id: workflow for workflow in PUBLISHED})


KINDS: Final[Mapping[str, type]] = {
    "avatars": Avatar,
    "documents": Document,
    "voices": Voice,
    "routers": Router,
    "workflows": Workflow,
    "sessions": Session,
}
