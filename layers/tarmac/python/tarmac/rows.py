"""What rows of several features share: fields as attributes, compare-and-set, due shards, outputs, notice state."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from tarmac.clock import from_iso, to_iso
from tarmac.ports import ConditionFailed, Row, Table

SWEEP_GRACE_SECONDS = 120.0
"""How late a step may be before the sweeper repairs its row."""

FINISH_SECONDS = 900.0
"""How long FinishSession may work on one output (its timeout in template.yaml)."""

CONFIRMATIONS_OF_GONE = 3
"""A fresh task or session may answer 404 for a few seconds: it counts as gone after so many 404 in a row."""

WRITE_TRIES = 8


class RowNotFound(LookupError):
    """No row has this id."""


class TransitionRefused(Exception):
    """The row is not in a state that the move starts from: another process has changed it first."""


class Contended(Exception):
    """Other processes kept changing the row: the caller must retry."""


# Compare-and-set

T = TypeVar("T")
S = TypeVar("S", bound=StrEnum)
S_co = TypeVar("S_co", bound=StrEnum, covariant=True)


def compare_and_set(
    attempt: Callable[[], T], name: str, tries: int = WRITE_TRIES, pause: Callable[[int], object] | None = None
) -> T:
    """The result of `attempt`, which reads a row, moves it and writes it over the version that it has read.

    On a conflict `attempt` starts again from the newer row, after `pause(1)`, `pause(2)`, … Raises Contended with the
    row's name after so many tries. A conflict may be the attempt's own write, repeated by the SDK after a lost
    response: a move that must be made once recognises its own result and returns it unchanged.
    """
    for number in range(tries):
        if number and pause is not None:
            pause(number)
        try:
            return attempt()
        except ConditionFailed:
            continue
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
    """Raise TransitionRefused unless `after` may be written over `before`: the last check of a store.

    follows: the states that may follow each state.
    """
    if after.id != before.id or after.version != before.version + 1:
        raise TransitionRefused(f"version {after.version} does not follow {before.version}")
    if after.state is not before.state and after.state not in follows[before.state]:
        raise TransitionRefused(f"{after.state} does not follow {before.state}")


# Rows that should have moved


@dataclass(frozen=True, slots=True)
class DueShards:
    """Partitions of the `due` index, `{prefix}#0` and up. Several spread the writes and are still cheap to sweep."""

    prefix: str
    count: int

    def shard_of(self, name: str) -> str:
        return f"{self.prefix}#{hashlib.sha256(name.encode()).digest()[0] % self.count}"

    def keys(self, table: Table, now: float) -> list[str]:
        """Partition keys of the rows that should have moved by now, oldest first within each shard."""
        keys: list[str] = []
        for shard in range(self.count):
            keys += [row["pk"] for row in table.query("due", f"{self.prefix}#{shard}", up_to=now).rows]
        return keys


DUE = DueShards("due", 16)
"""Of tasks and batches."""

SESSION_DUE = DueShards("session-due", 4)
"""Of sessions and the attempts to create one."""


def next_check(held: float | None, now: float, wait_seconds: float, scale: float) -> float:
    """When the sweeper must check a row whose next step is due after the wait: half to one grace later.

    held: the time in the row. It stays while it is in that range, because a new one costs two writes of the index.
    """
    latest = now + (wait_seconds + SWEEP_GRACE_SECONDS) * scale
    earliest = latest - SWEEP_GRACE_SECONDS / 2 * scale
    return held if held is not None and earliest <= held <= latest else latest


# Fields as attributes


class Stored(NamedTuple):
    """How the values of a field are written to a row, and read from it. is_required: every row has this attribute."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    is_required: bool = False


def stored_enum(kind: type[StrEnum]) -> Stored:
    return Stored(str, kind, is_required=True)


# Looked up at each call, so that a test can count or cache the calls.
_TIME = Stored(lambda moment: to_iso(moment), lambda text: from_iso(text))


class RowFields(Generic[T]):
    """The fields of a dataclass as attributes of a row: camelCase names, ISO-8601 times, absent instead of null.

    names: attributes that are not the field's name in camelCase. stored: fields whose values are not written as they
    are. A time is a field that ends in `_at`; `next_check_at` is an index key that the sweeper compares, so it stays a
    number.
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
        """The attributes of a record. None and empty collections are left out."""
        row: Row = {}
        for name, attribute, how, _ in self._fields:
            value = getattr(record, name)
            if value is None or value == () or value == {}:
                continue
            if how is not None:
                row[attribute] = how.write(value)
            else:
                row[attribute] = dict(value) if isinstance(value, Mapping) else value
        return row

    def from_row(self, row: Mapping[str, Any]) -> T:
        """The record of a row. Raises KeyError where a required attribute is absent."""
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
    """The outbox of a row: PENDING is written together with the ending, SENT once SNS has taken the notice."""

    NONE = "NONE"
    PENDING = "PENDING"
    SENT = "SENT"


@dataclass(frozen=True, slots=True)
class Output:
    """One archived file. node: the node of a workflow that has generated it."""

    bucket: str
    key: str
    size_bytes: int
    sha256: str
    content_type: str
    node: str | None = None


OUTPUT = RowFields(Output, {"size_bytes": "bytes"})
"""Of an output in a row, and in a notice."""

OUTPUTS = Stored(
    lambda outputs: [OUTPUT.to_row(each) for each in outputs], lambda rows: tuple(map(OUTPUT.from_row, rows))
)
NOTICE_STATE = stored_enum(NoticeState)
