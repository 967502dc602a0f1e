"""Shared parts of rows: fields as attributes, compare-and-set, shards of overdue rows, outputs, notice state."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from tarmac.clock import from_iso, to_iso
from tarmac.ports import ConditionFailed, Row, Table, WriteConflict

SWEEP_GRACE_SECONDS = 120.0
"""How long a step may be overdue before the sweeper repairs its row."""

FINISH_SECONDS = 900.0
"""Time limit for one output in FinishSession (its timeout in template.yaml)."""

CONFIRMATIONS_OF_GONE = 3
"""How many 404 in a row mean that a task or session is gone: a new one may return 404 for a few seconds."""

WRITE_TRIES = 8


class RowNotFound(LookupError):
    """No row has this id."""


class TransitionRefused(Exception):
    """The move does not start from the row's current state: another process has changed the row first."""


class Contended(Exception):
    """Other processes have changed the row at each try: the caller must retry."""


# Compare-and-set

T = TypeVar("T")
S = TypeVar("S", bound=StrEnum)
S_co = TypeVar("S_co", bound=StrEnum, covariant=True)


def compare_and_set(
    attempt: Callable[[], T], name: str, tries: int = WRITE_TRIES, pause: Callable[[int], object] | None = None
) -> T:
    """Return the result of `attempt`, which reads a row, changes it and writes it over the version that it has read.

    Calls `attempt` again after a conflict, after `pause(1)`, `pause(2)`, … Raises Contended with the row's name after
    `tries` conflicts. A conflict may be caused by the attempt's own write, retried after a lost response: a move that
    must be made only once detects its own result and returns the row unchanged.
    """
    for number in range(tries):
        if number and pause is not None:
            pause(number)
        try:
            return attempt()
        except ConditionFailed:
            continue
        except WriteConflict as conflict:
            # The table has retried it already.
            raise Contended(name) from conflict
    raise Contended(name)


class Stateful(Protocol[S_co]):
    """A row with a state, such as a task or a session."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def state(self) -> S_co: ...


def check_step(follows: Mapping[S, Collection[S]], before: Stateful[S], after: Stateful[S]) -> None:
    """Raise TransitionRefused unless `after` may be written over `before`. Each store checks this before it writes.

    follows: the states that may follow each state.
    """
    if after.id != before.id or after.version != before.version + 1:
        raise TransitionRefused(f"version {after.version} does not follow {before.version}")
    if after.state is not before.state and after.state not in follows[before.state]:
        raise TransitionRefused(f"{after.state} does not follow {before.state}")


# Overdue rows


@dataclass(frozen=True, slots=True)
class DueShards:
    """Partitions of the `due` index, `{prefix}#0` and up. Several partitions distribute the load of the writes."""

    prefix: str
    count: int

    def shard_of(self, name: str) -> str:
        """Return the partition for the row with this name."""
        return f"{self.prefix}#{hashlib.sha256(name.encode()).digest()[0] % self.count}"

    def keys(self, table: Table, now: float) -> list[str]:
        """Return the partition keys of the rows that are overdue, oldest first within each shard.

        Each minute another shard comes first, so that a sweep that is throttled does not always leave the same ones.
        """
        keys: list[str] = []
        first = int(now // 60)
        for shard in ((first + offset) % self.count for offset in range(self.count)):
            keys += [row["pk"] for row in table.query("due", f"{self.prefix}#{shard}", up_to=now).rows]
        return keys


DUE = DueShards("due", 16)
"""The shards of tasks and batches."""

SESSION_DUE = DueShards("session-due", 4)
"""The shards of sessions and of attempts to create one."""


def next_check(held: float | None, now: float, wait_seconds: float, scale: float) -> float:
    """When the sweeper must check a row whose next step is due after the wait: half to one grace later.

    held: the time in the row. It stays while it is in that range, because a new one costs two writes of the index.
    """
    latest = now + (wait_seconds + SWEEP_GRACE_SECONDS) * scale
    earliest = latest - SWEEP_GRACE_SECONDS / 2 * scale
    return held if held is not None and earliest <= held <= latest else latest


# Fields as attributes


class Stored(NamedTuple):
    """How a field's value is written to a row and read from it. is_required: each row must have the attribute."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    is_required: bool = False


def stored_enum(kind: type[StrEnum]) -> Stored:
    return Stored(str, kind, is_required=True)


# Lambdas look the functions up at each call, so that a test can replace them.
_TIME = Stored(lambda moment: to_iso(moment), lambda text: from_iso(text))


class RowFields(Generic[T]):
    """Converts a dataclass to the attributes of a row and back.

    Attributes have camelCase names, times are ISO-8601, and None is left out. names: attribute names that differ from
    the field's name in camelCase. stored: conversions of fields that are not stored as they are. Fields that end in
    `_at` are times, except `next_check_at`, an index key that must be a number.
    """

    def __init__(
        self, kind: type[T], names: Mapping[str, str] | None = None, stored: Mapping[str, Stored] | None = None
    ) -> None:
        self._kind = kind
        names, stored = names or {}, stored or {}
        self._fields: list[tuple[str, str, Stored | None, bool]] = []
        for field in fields(kind):  # type: ignore[arg-type]
            is_time = field.name.endswith("_at") and field.name != "next_check_at"
            how = stored.get(field.name, _TIME if is_time else None)
            has_default = field.default is not MISSING or field.default_factory is not MISSING
            is_required = not has_default or (how is not None and how.is_required)
            self._fields.append((field.name, names.get(field.name) or _camel(field.name), how, is_required))

    def to_row(self, record: T) -> Row:
        """Return the attributes of a record, without None and empty collections."""
        row: Row = {}
        for name, attribute, how, _ in self._fields:
            value = getattr(record, name)
            if value is None or value in ((), {}):
                continue
            if how is not None:
                row[attribute] = how.write(value)
            else:
                row[attribute] = dict(value) if isinstance(value, Mapping) else value
        return row

    def from_row(self, row: Mapping[str, Any]) -> T:
        """Return the record in a row. Raises KeyError if a required attribute is missing."""
        values: dict[str, Any] = {}
        for name, attribute, how, is_required in self._fields:
            if not is_required and attribute not in row:
                continue
            value = row[attribute]
            values[name] = value if how is None else how.read(value)
        return self._kind(**values)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


# Endings


class NoticeState(StrEnum):
    """State of a row's notice: PENDING is written together with the terminal state, SENT after the publishing."""

    NONE = "NONE"
    PENDING = "PENDING"
    SENT = "SENT"


@dataclass(frozen=True, slots=True)
class Output:
    """One archived output. node: the workflow node that has generated it."""

    bucket: str
    key: str
    size_bytes: int
    sha256: str
    content_type: str
    node: str | None = None


OUTPUT = RowFields(Output, {"size_bytes": "bytes"})
"""The attributes of an output, in rows and in notices."""

OUTPUTS = Stored(
    lambda outputs: [OUTPUT.to_row(each) for each in outputs], lambda rows: tuple(map(OUTPUT.from_row, rows))
)
NOTICE_STATE = stored_enum(NoticeState)
