"""The Runway API as the steps use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Created:
    """Runway's answer to a create."""

    upstream_id: str
    estimated_credits: float | None
    routing: Mapping[str, Any] = field(default_factory=dict)
    """What a router has chosen and why; empty where none was asked."""


@dataclass(frozen=True, slots=True)
class UpstreamTask:
    """A task as Runway shows it. `output` are signed links that die within 24–48 hours: never stored, never logged.

    nodes: of a run of a workflow, the node that each output comes from; such a run may succeed without any. None for
    other tasks. node_errors: `{message, failureCode?, nodeName?}` by node; a run may succeed in spite of them.
    """

    id: str
    status: str
    progress: float | None = None
    output: Sequence[str] = ()
    failure: str | None = None
    failure_code: str | None = None
    cost_credits: float | None = None
    nodes: Sequence[str] | None = None
    node_errors: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_terminal(self) -> bool:
        return self.status in ("SUCCEEDED", "FAILED", "CANCELLED")


class Runway(Protocol):
    """The Runway API. Errors: `tarmac.runway.errors`."""

    def create(self, operation: str, body: Mapping[str, Any]) -> Created:
        """One POST, never repeated. Raises CreateRefused, CreateRejected, CreateAmbiguous."""

    def task(self, upstream_id: str) -> UpstreamTask:
        """Raises UpstreamGone, UpstreamUnavailable."""

    def cancel(self, upstream_id: str) -> None:
        """Cancels an active task, deletes a finished one; one that is gone already is fine. What cannot be cancelled
        there (a run of a workflow, a reseller's task) runs on. Raises UpstreamUnavailable."""

    def organization(self) -> dict[str, Any]:
        """Runway's answer as it is. Raises UpstreamGone, UpstreamUnavailable."""

    def organization_usage(self, span: Mapping[str, Any]) -> dict[str, Any]:
        """span: `startDate`, `beforeDate`, both optional. Raises UpstreamRejected too."""

    def relay(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Any other call, with Runway's answer as it is; None where that is empty. A POST and a PATCH are sent once.

        Raises what reads raise, or for those two what creates raise.
        """

    def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
        """The `runway://` URI of an ephemeral upload, good for 24 h. Raises CreateRefused, CreateRejected."""


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """Part of one of Runway's lists; `next_cursor` is None on the last page."""

    items: Sequence[dict[str, Any]]
    next_cursor: str | None


class Characters(Protocol):
    """Runway's avatars, documents, voices and conversations, each a collection by its path below /v1.

    What Runway answers comes back as it is. Errors: `tarmac.runway.errors`.
    """

    def create(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One POST, never repeated; the answer has an `id`. Raises CreateRefused, CreateRejected, CreateAmbiguous."""

    def preview(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A sample of a voice that is not kept. Raises as `create` does."""

    def read(self, collection: str, item_id: str) -> dict[str, Any]:
        """Raises UpstreamGone, UpstreamUnavailable."""

    def page(self, collection: str, query: Mapping[str, str]) -> UpstreamPage:
        """query: Runway's own. Raises UpstreamRejected, UpstreamUnavailable."""

    def change(self, collection: str, item_id: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """One PATCH, never repeated; None where Runway answers with nothing. Raises as `create` does."""

    def delete(self, collection: str, item_id: str) -> None:
        """Raises UpstreamGone, UpstreamUnavailable."""

    def usage(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Seconds and sessions of all conversations. Raises UpstreamRejected, UpstreamUnavailable."""


@dataclass(frozen=True, slots=True)
class UpstreamSession:
    """A live session as Runway shows it. `document` is the whole answer, with the session's key: never kept or logged.

    duration_seconds: of the call, once COMPLETED.
    """

    id: str
    status: str
    session_key: str | None = field(default=None, repr=False)
    duration_seconds: float | None = None
    failure: str | None = None
    failure_code: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_terminal(self) -> bool:
        return self.status in ("COMPLETED", "FAILED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a viewer enters the room of a session with. Handed on, never kept or logged."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    room_name: str = field(repr=False)


class RunwaySessions(Protocol):
    """The Runway API's live sessions and their conversations. Errors: `tarmac.runway.errors`."""

    def create(self, body: Mapping[str, Any]) -> str:
        """The id. One POST, never repeated. Raises CreateRefused, CreateRejected, CreateAmbiguous."""

    def session(self, session_id: str, timeout_seconds: float | None = None) -> UpstreamSession:
        """timeout_seconds: for a single try, which somebody waits for. Raises UpstreamGone, UpstreamUnavailable."""

    def cancel(self, session_id: str, timeout_seconds: float | None = None) -> None:
        """One that is gone already is fine. Raises UpstreamUnavailable."""

    def consume(self, session_id: str, session_key: str, timeout_seconds: float | None = None) -> Credentials:
        """The credentials, which Runway gives once. Raises CreateRefused and CreateRejected where it gave none now,
        and CreateAmbiguous."""

    def connect_backend(self, session_id: str) -> Credentials:
        """Credentials for a participant that nobody sees. Raises as `consume` does."""

    def conversation(self, session_id: str) -> dict[str, Any]:
        """What was said: transcript, tools, a link to the recording. Raises UpstreamGone, UpstreamUnavailable."""
