"""Interfaces to the outside world. `tarmac.aws` implements them on AWS; tests implement them in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Row = dict[str, Any]


class ConditionFailed(Exception):
    """A condition of a write failed, so the whole write or transaction had no effect."""


class WriteConflict(Exception):
    """AWS rejected a write, and its retries, because of other writes or throttling.

    Unlike ConditionFailed, this says nothing about what is stored: the caller must retry.
    """


class Throttled(Exception):
    """AWS rejected a call because there were too many."""


class AlreadyThere(Exception):
    """The object exists already; a key in the archive is written once."""


class NoSuchObject(Exception):
    """The object, or the version of it, does not exist."""


class ExecutionNameTaken(Exception):
    """An execution with this name exists. Step Functions reserves a name for 90 days after the execution ends."""


@dataclass(frozen=True, slots=True)
class Put:
    """A row to write. over: the version that it replaces; None if the row must not exist yet."""

    row: Row
    over: int | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """An addition to a number of a row. Concurrent additions do not conflict, unlike a read followed by a write.

    The row is created if it does not exist. at_most: the limit of the sum. about: attributes that are set as well.
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
    """A page of a query's rows. next_key: None on the last page."""

    rows: list[Row]
    next_key: Row | None


class Table(Protocol):
    def get(self, pk: str, sk: str) -> Row | None:
        """The row, read with strong consistency, or None."""

    def write(self, *writes: Write) -> None:
        """Write all rows in one transaction. Raises ConditionFailed, WriteConflict."""

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
        """The rows of one partition of an index, sorted by its sort key.

        index: `byClient`, `due`, or `primary` for the table itself. up_to: the highest sort key. start: `next_key` of
        the previous page.
        """


class ReadStream(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The metadata of an S3 object."""

    size_bytes: int
    content_type: str
    metadata: Mapping[str, str]
    sha256: str | None = None
    version_id: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form for posting one file: its address, and the fields that come before the file."""

    url: str
    fields: Mapping[str, str]


class Objects(Protocol):
    """The objects of one bucket."""

    @property
    def bucket(self) -> str: ...

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        """Raises NoSuchObject."""

    def open(
        self, key: str, version_id: str | None = None, *, etag: str | None = None, span: tuple[int, int] | None = None
    ) -> ReadStream:
        """The content as a stream. etag: the required ETag. span: the first byte, and the byte after the last one.

        Raises NoSuchObject, also if the ETag differs.
        """

    def put(self, key: str, content: bytes, content_type: str) -> None: ...

    def replace(self, key: str, content: bytes, content_type: str, over: str | None) -> None:
        """Replace the object that has the ETag `over`; None if no object may exist.

        Raises ConditionFailed, WriteConflict.
        """

    def put_new(
        self,
        key: str,
        content: ReadStream,
        size_bytes: int | None,
        content_type: str,
        metadata: Mapping[str, str],
    ) -> None:
        """Stream the content into a new object, which becomes visible when it is complete.

        size_bytes: None if unknown. Raises AlreadyThere, and WriteConflict if the content must be sent again from its
        start. An error of `content.read` ends the write and may be raised wrapped in another error.
        """

    def delete(self, key: str) -> None: ...

    def tags(self, key: str, version_id: str | None = None) -> Mapping[str, str]:
        """Raises NoSuchObject."""

    def set_tags(self, key: str, tags: Mapping[str, str], version_id: str | None = None) -> None:
        """Replace all tags of the object. Raises NoSuchObject."""

    def link(self, key: str, seconds: int, version_id: str | None = None) -> str:
        """A signed GET link. It expires with the credentials that sign it, if they expire earlier."""

    def upload_form(self, key: str, content_type: str, smallest: int, largest: int, seconds: int) -> UploadForm:
        """A signed form for one object with this key and type. smallest, largest: limits of its size in bytes.

        The form accepts a field `metadata`, which some SDKs send.
        """


class Topic(Protocol):
    def publish(self, message: str, attributes: Mapping[str, str]) -> None: ...


class Queue(Protocol):
    """A queue that delivers each message again until a consumer deletes it."""

    def send(self, message: str) -> None: ...

    def send_all(self, messages: Sequence[str]) -> None:
        """Send several small messages. If this raises, some may have been sent."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """Deliver a received message again after the given number of seconds, at most 43,200."""


class Executions(Protocol):
    def start(self, name: str, execution_input: str) -> None:
        """Raises ExecutionNameTaken."""

    def is_running(self, name: str) -> bool:
        """Raises Throttled."""
