"""What the steps need of the outside world. `adapters` implement these on AWS; tests implement them in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

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
