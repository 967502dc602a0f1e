"""What the steps need of the outside world. `adapters` implement these on AWS; tests implement them in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

Row = dict[str, Any]


class ConditionFailed(Exception):
    """A conditional write met another version of its row; nothing of the transaction was written."""


class AlreadyThere(Exception):
    """The object exists: an archive key is written once."""


class NoSuchObject(Exception):
    """The object (or that version of it) is not there."""


class ExecutionNameTaken(Exception):
    """An execution of that name runs or ran: Step Functions spends a name for 90 days."""


@dataclass(frozen=True, slots=True)
class Put:
    """One row of a write. `over` is the version it replaces; None means that no such row may exist."""

    row: Row
    over: int | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """A number of a row, changed in place: many at once do not get into each other's way as those who read first do.

    The row is made where there is none. The sum must not pass `at_most`. `about` is written beside the number.
    """

    pk: str
    sk: str
    name: str
    amount: int
    at_most: int | None = None
    about: Row = field(default_factory=dict)


Write = Put | Add


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a query's rows; `next_key` is None on the last page."""

    rows: list[Row]
    next_key: Row | None


class Table(Protocol):
    def get(self, pk: str, sk: str) -> Row | None:
        """The row as last written (strongly consistent)."""

    def write(self, *writes: Write) -> None:
        """All of them or none. Raises ConditionFailed."""

    def delete(self, pk: str, sk: str) -> None: ...

    def query(
        self,
        index: str,
        partition: str,
        *,
        up_to: float | str | None = None,
        descending: bool = False,
        limit: int = 100,
        start: Row | None = None,
    ) -> Page:
        """Rows of one partition of an index (`byClient`, `due`, or `primary`: the table itself), by sort key;
        `up_to` bounds that."""


class ReadStream(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the head of an object says."""

    size_bytes: int
    content_type: str
    metadata: Mapping[str, str]
    sha256: str | None = None
    version_id: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a browser or an SDK posts one file to: the form's address, and its fields before the file."""

    url: str
    fields: Mapping[str, str]


class Objects(Protocol):
    """One bucket."""

    @property
    def bucket(self) -> str: ...

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        """Raises NoSuchObject."""

    def open(
        self, key: str, version_id: str | None = None, *, etag: str | None = None, span: tuple[int, int] | None = None
    ) -> ReadStream:
        """The content as a stream. etag: only while it is that one. span: its bytes from … to before …

        Raises NoSuchObject.
        """

    def put(self, key: str, content: bytes, content_type: str) -> None: ...

    def replace(self, key: str, content: bytes, content_type: str, over: str | None) -> None:
        """Write over the object of that etag, or (None) where there is none. Raises ConditionFailed."""

    def put_new(
        self,
        key: str,
        content: ReadStream,
        size_bytes: int | None,
        content_type: str,
        metadata: Mapping[str, str],
    ) -> None:
        """Write once, streaming; nothing is visible before all of it is there. size_bytes: None where unknown.

        Raises AlreadyThere. An error of `content.read` ends the write; it may come back wrapped.
        """

    def delete(self, key: str) -> None: ...

    def tags(self, key: str, version_id: str | None = None) -> Mapping[str, str]:
        """Raises NoSuchObject."""

    def set_tags(self, key: str, tags: Mapping[str, str], version_id: str | None = None) -> None:
        """In place of all tags that the object has. Raises NoSuchObject."""

    def link(self, key: str, seconds: int, version_id: str | None = None) -> str:
        """A signed GET link; it dies with the credentials that sign it, if these end earlier."""

    def upload_form(self, key: str, content_type: str, smallest: int, largest: int, seconds: int) -> UploadForm:
        """A signed form for one object of that key and type, with that many bytes; a part `metadata` is admitted."""


class Topic(Protocol):
    def publish(self, message: str, attributes: Mapping[str, str]) -> None: ...


class Queue(Protocol):
    """Messages that are given out again until somebody is done with them."""

    def send(self, message: str) -> None: ...

    def send_all(self, messages: Sequence[str]) -> None:
        """Several, none of them large. Where it raises, some may have been sent."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """Give a message that was received out again after so many seconds, 43,200 at most."""


class Executions(Protocol):
    def start(self, name: str, execution_input: str) -> None:
        """Raises ExecutionNameTaken."""

    def is_running(self, name: str) -> bool: ...


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
