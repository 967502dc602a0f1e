"""Interfaces to the Runway API, and the objects that it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Created:
    """Runway's response to a create. routing: the choice of a router; empty if the create named no router."""

    upstream_id: str
    estimated_credits: float | None
    routing: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpstreamTask:
    """A task as Runway returns it.

    output: signed links that expire within 24 to 48 hours; they are never stored or logged. nodes: for the run of a
    workflow, the node of each output; None for other tasks. node_errors: node → `{message, failureCode?, nodeName?}`. A
    run may succeed without outputs, and in spite of errors of nodes.
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
        """Send one POST, without retries. Raises CreateRefused, CreateRejected, CreateAmbiguous."""

    def task(self, upstream_id: str) -> UpstreamTask:
        """The task. Raises UpstreamGone, UpstreamUnavailable."""

    def cancel(self, upstream_id: str) -> None:
        """Cancel an active task, or delete a finished one. Does nothing if the task no longer exists.

        Runs of workflows and tasks of resellers cannot be cancelled and keep running. Raises UpstreamUnavailable.
        """

    def organization(self) -> dict[str, Any]:
        """Runway's unchanged response. Raises UpstreamGone, UpstreamUnavailable."""

    def organization_usage(self, span: Mapping[str, Any]) -> dict[str, Any]:
        """span: `startDate`, `beforeDate`, both optional. Raises UpstreamRejected too."""

    def relay(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Runway's unchanged response to any other call, or None if it is empty.

        A request with a body is sent without retries and raises the errors of creates; any other request raises the
        errors of reads.
        """

    def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
        """Upload a file and return its `runway://` URI, valid for 24 h. Raises CreateRefused, CreateRejected."""


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """A page of one of Runway's lists. next_cursor: None on the last page."""

    items: Sequence[dict[str, Any]]
    next_cursor: str | None


class Characters(Protocol):
    """Runway's avatars, documents, voices and conversations. collection: their path below /v1.

    Runway's responses are returned unchanged. Errors: `tarmac.runway.errors`.
    """

    def create(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send one POST, without retries, and return Runway's object, which has an `id`.

        Raises CreateRefused, CreateRejected, CreateAmbiguous.
        """

    def preview(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Generate a sample of a voice, which is not stored. Raises the errors of `create`."""

    def read(self, collection: str, item_id: str) -> dict[str, Any]:
        """Raises UpstreamGone, UpstreamUnavailable."""

    def page(self, collection: str, query: Mapping[str, str]) -> UpstreamPage:
        """A page of a list. query: Runway's parameters. Raises UpstreamRejected, UpstreamUnavailable."""

    def change(self, collection: str, item_id: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Send one PATCH, without retries. None if Runway's response is empty. Raises the errors of `create`."""

    def delete(self, collection: str, item_id: str) -> None:
        """Raises UpstreamGone, UpstreamUnavailable."""

    def usage(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The seconds and sessions of all conversations. Raises UpstreamRejected, UpstreamUnavailable."""


@dataclass(frozen=True, slots=True)
class UpstreamSession:
    """A live session as Runway returns it.

    document: the whole response, with the key of the session; it is never stored or logged. duration_seconds: the
    length of the call, once the status is COMPLETED.
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
    """The credentials for the room of a session. They are returned to the caller, never stored or logged."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    room_name: str = field(repr=False)


class RunwaySessions(Protocol):
    """The Runway API's live sessions and their conversations. Errors: `tarmac.runway.errors`."""

    def create(self, body: Mapping[str, Any]) -> str:
        """Send one POST, without retries, and return the id. Raises CreateRefused, CreateRejected, CreateAmbiguous."""

    def session(self, session_id: str, timeout_seconds: float | None = None) -> UpstreamSession:
        """timeout_seconds: if set, there is a single attempt. Raises UpstreamGone, UpstreamUnavailable."""

    def cancel(self, session_id: str, timeout_seconds: float | None = None) -> None:
        """Cancel a session. Does nothing if it no longer exists. Raises UpstreamUnavailable."""

    def consume(self, session_id: str, session_key: str, timeout_seconds: float | None = None) -> Credentials:
        """The credentials, which Runway returns only once. Raises CreateRefused, CreateRejected, CreateAmbiguous."""

    def connect_backend(self, session_id: str) -> Credentials:
        """The credentials for an invisible participant. Raises the errors of `consume`."""

    def conversation(self, session_id: str) -> dict[str, Any]:
        """Transcript, tools, and a link to the recording. Raises UpstreamGone, UpstreamUnavailable."""
