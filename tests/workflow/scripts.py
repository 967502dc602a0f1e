"""Cases, which are executions with scripted functions and an expected course, and the courses that runs take."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_UNEXPECTED_CALLS = 30
QUERY_ERROR = "States.QueryEvaluationError"


@dataclass(frozen=True)
class Crash:
    """A result of a function: it fails with this errorType."""

    error: str = "RuntimeError"

    @property
    def cause(self) -> dict[str, str]:
        """What Lambda reports as the payload of the failure."""
        return {"errorType": self.error, "errorMessage": "scripted"}


@dataclass(frozen=True)
class Step:
    """An expected invocation, and its result."""

    function: str
    payload: Mapping[str, Any]
    answer: Mapping[str, Any] | Crash


class Runaway(SystemExit):
    """The execution calls functions without end. No state catches it, and it ends a thread without a message."""


class FunctionFailed(Exception):
    """The scripted function has failed."""

    def __init__(self, crash: Crash) -> None:
        super().__init__(crash.error)
        self.crash = crash


@dataclass(frozen=True)
class Run:
    """The course of an execution."""

    visited: tuple[str, ...]
    """The states of the machine itself, in order; those of a Map's items are not part of it."""
    calls: tuple[tuple[str, Any], ...]
    """(function, payload) of each invocation."""
    pauses: tuple[float, ...]
    """Seconds of each Wait and of each pause before a retry, with the jitter at its maximum."""
    output: Any = None
    error: str | None = None
    cause: Any = None
    """JSON is read. None for a failed expression, which each interpreter describes in its own words."""


@dataclass(frozen=True)
class Case:
    """An execution to run on every interpreter."""

    id: str
    machine: str
    given: Mapping[str, Any]
    steps: Sequence[Step]
    visited: str
    """Separated by spaces."""
    pauses: tuple[float, ...] = ()
    output: Any = None
    error: str | None = None
    cause: Any = None
    name: str = "run-1"
    """The name of the execution."""

    @property
    def expected(self) -> Run:
        """The course that every interpreter must take."""
        calls = tuple((step.function, step.payload) for step in self.steps)
        return Run(tuple(self.visited.split()), calls, self.pauses, self.output, self.error, self.cause)


class Script:
    """The functions of one execution: return results in the order of the case's steps, record payloads and pauses."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self.calls: list[tuple[str, Any]] = []
        self.pauses: list[float] = []
        self.runaway = False

    def invoke(self, function: str, payload: Any) -> dict[str, Any]:
        """Return the next result.

        Raises FunctionFailed if it is a crash or if another function is expected, Runaway after too many calls.
        """
        if len(self.calls) > len(self._steps) + MOST_UNEXPECTED_CALLS:
            self.runaway = True
            raise Runaway(f"{len(self.calls)} calls, expected {len(self._steps)}")
        step = self._steps[len(self.calls)] if len(self.calls) < len(self._steps) else None
        received = copy.deepcopy(payload)
        if "failure" in received:
            received["failure"]["cause"] = _read(received["failure"]["cause"])
        self.calls.append((function, received))
        if step is None or step.function != function:
            raise FunctionFailed(Crash("NotInTheScript"))
        if isinstance(step.answer, Crash):
            raise FunctionFailed(step.answer)
        return copy.deepcopy(dict(step.answer))

    def run(self, visited: Sequence[str], output: str | None, error: str | None, cause: str | None) -> Run:
        """The finished run; output as JSON text."""
        return Run(
            visited=tuple(visited),
            calls=tuple(self.calls),
            pauses=tuple(self.pauses),
            output=None if error is not None or output is None else json.loads(output),
            error=error,
            cause=None if error == QUERY_ERROR else _read(cause),
        )


def _read(cause: str | None) -> Any:
    try:
        return json.loads(cause or "")
    except ValueError:
        return cause
