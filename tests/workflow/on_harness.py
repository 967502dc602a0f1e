"""Runs a case of the generation machine on the interpreter of the fault harness, tests/faults/machine.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.machine import Step, interpret
from tests.workflow.scripts import Case, FunctionFailed, Script

FUNCTIONS = ("CreateTask", "SubmitTask", "PollTask", "FinishTask")


@dataclass(frozen=True)
class Course:
    """What the harness sees of a run."""

    functions: tuple[str, ...]
    pauses: tuple[float, ...]
    ending: str
    """Succeed or Fail."""


def run(case: Case) -> Course:
    """The course of the case's execution."""
    script = Script(case.steps)
    steps = {name: _step(script, name) for name in FUNCTIONS}
    ending = interpret(case.given, steps, script.pauses.append, begin=lambda: None)
    return Course(tuple(function for function, _ in script.calls), tuple(script.pauses), ending)


def expected(case: Case) -> Course:
    """The course that the harness must take."""
    functions = tuple(step.function for step in case.steps)
    return Course(functions, case.pauses, "Fail" if case.error else "Succeed")


def _step(script: Script, name: str) -> Step:
    def step(given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return script.invoke(name, given)
        except FunctionFailed as failed:
            # The harness takes the name of the exception as the name of the error.
            raise type(failed.crash.error, (Exception,), {})() from failed

    return step
