"""Every JSONata expression of the state machines with inputs, and its result in the engine of the local AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import stepfunctions

from tests.workflow import on_ministack
from tests.workflow.machines import Definitions, expressions
from tests.workflow.scripts import Case

_evaluate = stepfunctions._evaluate_jsonata
Evaluation = dict[str, Any]
"""{path, expression, states, value?}; without a value the evaluation fails, which ends or retries the state."""

# Fields of a state's input that expressions select.
FIELDS = (
    *("cause", "ending", "error", "failure", "failureCode", "film", "operation", "outcome", "request", "sessionId"),
    *("shot", "shots", "taskId", "waitSeconds"),
)
# What a field may hold where a function or a caller is wrong.
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    40,
    1.5,
    1e-7,
    4294967295,
    10**15 - 1,
    "",
    "1",
    "running",
    'it\'s "quoted" \\ ${x} {% $states %}\n\u0000',
    "r\u00e9veill\u00e9 \u732b \U0001f98a \u202e",
    [],
    [None],
    [[]],
    [{"promptText": "a fox"}],
    [{"a": 1}, None, "b"],
    {},
    {"promptText": "a fox", "promptImage": None},
    {"promptImage": "https://example.com/a.png", "nested": {"a": [1, [2]]}},
    [{"bucket": "b", "key": "k"}, {"bucket": "b", "key": "l"}],
)
# The engines differ in the text of a number of more than 15 digits. The machines convert numbers of shots only.
LARGE = (2**53 - 1, 1e21, 1.7976931348623157e308)
# Inputs, results and items that are not even objects.
WHOLES: tuple[Any, ...] = (None, {}, [], "text", 7, False, [{"taskId": "a"}], [[{"taskId": "a"}]])


def evaluations(definitions: Definitions, cases: tuple[Case, ...]) -> list[Evaluation]:
    """Returns those of the cases, and every expression with every edge input, without duplicates."""
    found = [*_of_cases(definitions, cases), *_of_edges(definitions)]
    return list({json.dumps(each, sort_keys=True): each for each in found}.values())


def _of_cases(definitions: Definitions, cases: tuple[Case, ...]) -> list[Evaluation]:
    recorded: list[Evaluation] = []

    def record(expression: str, raw_input: Any, ctx: Any = None, result: Any = None, error_output: Any = None) -> Any:
        # The context is shared and changed later, so its present state is copied.
        states = json.loads(json.dumps(_states(raw_input, result, error_output, ctx)))
        recorded.append(_evaluation("a case", expression, states))
        return _evaluate(expression, raw_input, ctx, result, error_output)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepfunctions, "_evaluate_jsonata", record)
        for case in cases:
            on_ministack.run(definitions, case)
    return recorded


def _of_edges(definitions: Definitions) -> Iterator[Evaluation]:
    for machine, definition in definitions.items():
        for path, expression in expressions(definition, machine):
            for states in _edges():
                yield _evaluation(path, expression, states)


def _edges() -> Iterator[dict[str, Any]]:
    for value in VALUES:
        yield _states(
            dict.fromkeys(FIELDS, value),
            {"Payload": value, "Output": {"taskId": value, "outputs": value, "credits": value}},
            {"Error": value, "Cause": value},
            {"Execution": {"Name": value, "Id": value}, "Map": {"Item": {"Index": value, "Value": value}}},
        )
        yield _states({"shots": [value, value], "request": {"model": value}}, [value], {}, {"Execution": {"Name": "f"}})
    for number in LARGE:
        large = {"taskId": number, "waitSeconds": number, "outcome": number, "request": {"seed": number}}
        yield _states(large, {"Payload": large}, {}, {})
    for whole in WHOLES:
        yield _states(whole, whole, whole, {"Execution": {"Name": "film-1", "Id": "arn"}, "Map": {"Item": whole}})


def _states(given: Any, result: Any, error_output: Any, context: Any) -> dict[str, Any]:
    return {"input": given, "result": result, "errorOutput": error_output, "context": context}


def _evaluation(path: str, expression: str, states: dict[str, Any]) -> Evaluation:
    evaluation = {"path": path, "expression": expression, "states": states}
    try:
        value = _evaluate(expression, states["input"], states["context"], states["result"], states["errorOutput"])
    except stepfunctions._ExecutionError:
        return evaluation
    return {**evaluation, "value": value}
