"""Scenario directives: how the simulator treats one create, written inside any string of its body.

`a lamp [[sim: throttled=2, seconds=3, fail=SAFETY.INPUT.TEXT]]`: the scenario is part of the request, so
tests that share a simulator do not affect each other. Times are seconds before `--time-scale`, except
`output_ttl` and `retry_after`, which are real. An unknown key or value is rejected, so
that a misspelt scenario cannot go unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

CREATE_FAULTS: Final = frozenset(
    {"lost", "stall", "garbage", "400", "401", "403", "404", "408", "422", "429", "500", "502", "503", "504"}
)
POLL_FAULTS: Final = frozenset({"stall", "404", "429", "500", "502", "503", "504"})
OUTPUT_FAULTS: Final = frozenset(
    {"truncated", "gzip", "redirect", "octet", "slow", "expired", "nolength", "missing", "oversize"}
)


class DirectiveError(ValueError):
    """An invalid directive; the message names it."""


@dataclass(frozen=True, slots=True)
class Directives:
    """One scenario. None means Runway's usual behaviour.

    seconds             run time
    pending, throttled  time in that status first
    fail                failureCode of a FAILED end
    fail_silently       ends FAILED without a failureCode (`fail=none`)
    cancelled           ends CANCELLED by itself
    progress_hidden     RUNNING without progress (`progress=none`)
    create, times       fault of the create, and for how many identical ones
    poll, polls         fault of GETs of the task, and for how many
    retry_after         Retry-After of an error answer, in seconds
    output, outputs_bad fault of downloads, and for how many of each output
    outputs             number of files
    size                minimum bytes of each
    output_ttl          lifetime of a link in seconds
    node_error          failure code of a workflow's last node; the run itself does not fail
    unseen, shape       at CometAPI: how long a new task is not found, and the shape of its answer to a GET

    Avatars and voices: ready is the time in PROCESSING, fail the reason why they are FAILED afterwards. Live sessions:

    queued, ready       time in the queue, then time until READY
    expires             lifetime of the credentials in real seconds
    runs                length of the call
    absent              no viewer joins: consumed credentials stay READY until they expire
    fail, fail_in       failureCode, and the status in which the session fails (default NOT_READY)
    consume, consumes   fault of the consume, and for how many

    Without times, polls, outputs_bad or consumes, the fault is permanent.
    """

    seconds: float | None = None
    pending: float | None = None
    throttled: float | None = None
    fail: str | None = None
    fail_silently: bool = False
    cancelled: bool = False
    progress_hidden: bool = False
    create: str | None = None
    times: int | None = None
    retry_after: int | None = None
    poll: str | None = None
    polls: int | None = None
    output: str | None = None
    outputs_bad: int | None = None
    outputs: int | None = None
    output_ttl: float | None = None
    size: int | None = None
    node_error: str | None = None
    unseen: float | None = None
    shape: str | None = None
    queued: float | None = None
    ready: float | None = None
    expires: float | None = None
    runs: float | None = None
    fail_in: str | None = None
    consume: str | None = None
    consumes: int | None = None
    absent: bool = False


def parse(text: str) -> Directives:
    """Parse a scenario from comma-separated `key=value` items; raises DirectiveError."""
    found: dict[str, Any] = {}
    for item in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = (part.strip() for part in item.partition("="))
        reader = _READERS.get(key)
        if reader is None or not equals:
            raise DirectiveError(f"unknown directive {item!r}; known are {', '.join(sorted(_READERS))}")
        try:
            found |= reader(value)
        except ValueError as error:
            raise DirectiveError(f"{key}={value!r}: {error}") from error
    return Directives(**found)


def in_body(body: object) -> Directives:
    """The scenario in all strings of a create body; later items win. Raises DirectiveError."""
    return parse(",".join(match for text in _strings(body) for match in _MARK.findall(text)))


def without_directives(text: str) -> str:
    """The prompt without its directives."""
    return _MARK.sub("", text).strip()


def overridden(scenario: Directives, by: Directives) -> Directives:
    """The scenario with every value that `by` sets."""
    return replace(scenario, **changed(by))


def changed(scenario: Directives) -> dict[str, Any]:
    """The values that differ from the defaults."""
    values = {each.name: (getattr(scenario, each.name), each.default) for each in fields(scenario)}
    return {name: value for name, (value, default) in values.items() if value != default}


def _strings(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case Mapping() as record:
                waiting.extend(reversed(list(record.values())))
            case list() as items:
                waiting.extend(reversed(items))


_NUMBERS_BELOW: Final = 1e9


def _number(name: str) -> Callable[[str], dict[str, Any]]:
    def read(value: str) -> dict[str, Any]:
        number = float(value)
        if not 0 <= number < _NUMBERS_BELOW:
            raise ValueError(f"must be at least 0 and below {_NUMBERS_BELOW:g}")
        return {name: number}

    return read


def _count(name: str) -> Callable[[str], dict[str, Any]]:
    def read(value: str) -> dict[str, Any]:
        number = int(value)
        if number < 0:
            raise ValueError("must not be negative")
        return {name: number}

    return read


def _choice(name: str, allowed: Iterable[str]) -> Callable[[str], dict[str, Any]]:
    def read(value: str) -> dict[str, Any]:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(sorted(allowed))}")
        return {name: value}

    return read


def _read_fail(value: str) -> dict[str, Any]:
    return {"fail_silently": True} if value == "none" else {"fail": value}


def _read_cancelled(value: str) -> dict[str, Any]:
    return {"cancelled": _choice("cancelled", ("0", "1"))(value)["cancelled"] == "1"}


def _read_absent(value: str) -> dict[str, Any]:
    return {"absent": _choice("absent", ("0", "1"))(value)["absent"] == "1"}


def _read_progress(value: str) -> dict[str, Any]:
    _choice("progress", ("none",))(value)
    return {"progress_hidden": True}


_MARK: Final = re.compile(r"\[\[sim:(.*?)\]\]", re.DOTALL)
_READERS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    **{name: _number(name) for name in ("seconds", "pending", "throttled", "output_ttl", "unseen")},
    **{name: _number(name) for name in ("queued", "ready", "expires", "runs")},
    **{name: _count(name) for name in ("times", "retry_after", "polls", "outputs_bad", "outputs", "size", "consumes")},
    "consume": _choice("consume", CREATE_FAULTS),
    "fail_in": _choice("fail_in", ("NOT_READY", "READY", "RUNNING")),
    "node_error": lambda value: {"node_error": value},
    "shape": _choice("shape", ("envelope", "bare")),
    "create": _choice("create", CREATE_FAULTS),
    "poll": _choice("poll", POLL_FAULTS),
    "output": _choice("output", OUTPUT_FAULTS),
    "fail": _read_fail,
    "cancelled": _read_cancelled,
    "absent": _read_absent,
    "progress": _read_progress,
}
