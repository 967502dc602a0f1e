"""generation.asl.yaml, interpreted: its states, with Retry and Catch. Waits move the scheduler's clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.faults.actions import Crash

DEFINITION = Path(__file__).parents[2] / "statemachines" / "generation.asl.yaml"

State = Mapping[str, Any]
Step = Callable[[Mapping[str, Any]], dict[str, Any]]
"""A function: the state's input in, its payload out."""

_EXISTS = re.compile(r"\{% \$exists\(\$states\.input\.(\w+)\) %\}")
_EQUALS = re.compile(r"\{% \$states\.input\.(\w+) = '(\w+)' %\}")
_FUNCTION = re.compile(r"\$\{(\w+)Arn\}")
_WAIT = "{% $states.input.waitSeconds %}"


@cache
def definition() -> tuple[str, Mapping[str, State]]:
    """The first state and all of them."""
    read = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
    return read["StartAt"], read["States"]


def interpret(
    given: Mapping[str, Any],
    steps: Mapping[str, Step],
    sleep: Callable[[float], None],
    begin: Callable[[], None],
    start_at: str | None = None,
) -> str:
    """Run an execution to its end and give the type of its last state, `Succeed` or `Fail`.

    steps: functions by their names in template.yaml. begin: called before each invocation.
    """
    first, states = definition()
    name, data = start_at or first, dict(given)
    while True:
        state = states[name]
        match state["Type"]:
            case "Choice":
                name = _choose(state, data)
            case "Wait":
                assert state["Seconds"] == _WAIT
                assert isinstance(data["waitSeconds"], int), "Step Functions kills an execution on a fraction"
                sleep(data["waitSeconds"])
                name = state["Next"]
            case "Task":
                following, data = _perform(state, data, steps, sleep, begin)
                if following is None:
                    return "Fail"
                name = following
            case ending:
                return str(ending)


def _perform(
    state: State,
    data: dict[str, Any],
    steps: Mapping[str, Step],
    sleep: Callable[[float], None],
    begin: Callable[[], None],
) -> tuple[str | None, dict[str, Any]]:
    step = steps[_function(state)]
    retries: dict[int, int] = {}
    while True:
        begin()
        try:
            return state["Next"], step(data)
        except Crash:
            error = "Lambda.Unknown"
        except Exception as problem:
            error = type(problem).__name__
        wait = _retry(state, error, retries)
        if wait is not None:
            sleep(wait)
            continue
        for catcher in state.get("Catch", ()):
            if _matches(catcher, error):
                return catcher["Next"], {"taskId": data["taskId"]}
        return None, {}


def _retry(state: State, error: str, retries: dict[int, int]) -> float | None:
    """Return the wait before the next retry, None if no retry follows."""
    for number, retrier in enumerate(state.get("Retry", ())):
        if _matches(retrier, error):
            count = retries.get(number, 0)
            if count >= retrier["MaxAttempts"]:
                return None
            retries[number] = count + 1
            return float(min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** count, retrier["MaxDelaySeconds"]))
    return None


def _matches(rule: Mapping[str, Any], error: str) -> bool:
    return error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]


def _choose(state: State, data: Mapping[str, Any]) -> str:
    for choice in state["Choices"]:
        condition = choice["Condition"]
        if found := _EXISTS.fullmatch(condition):
            taken = found[1] in data
        elif found := _EQUALS.fullmatch(condition):
            taken = data.get(found[1]) == found[2]
        else:
            raise ValueError(f"a condition that this interpreter does not know: {condition}")
        if taken:
            return str(choice["Next"])
    return str(state["Default"])


def _function(state: State) -> str:
    found = _FUNCTION.fullmatch(state["Arguments"]["FunctionName"])
    assert found is not None
    return found[1]
