"""Checks of state machines that cfn-lint does not have: transitions and placeholders."""

import copy
from typing import Any

import pytest

from local.checks.machines import Definition, findings

SOUND: Definition = {
    "QueryLanguage": "JSONata",
    "StartAt": "Work",
    "States": {
        "Work": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::lambda:invoke",
            "Arguments": {"FunctionName": "${WorkArn}", "Payload": "{% $states.input %}"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Broken"}],
            "Next": "Route",
        },
        "Route": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.again %}", "Next": "Work"}],
            "Default": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}},
            "Next": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}}],
            "End": True,
        },
        "Broken": {"Type": "Fail"},
    },
}


def found(definition: Definition, substitutions: tuple[str, ...] = ("Partition", "WorkArn")) -> list[str]:
    return sorted(str(finding) for finding in findings("M", definition, substitutions))


@pytest.fixture
def machine() -> Any:
    return copy.deepcopy(SOUND)


def test_sound_machine_has_no_findings() -> None:
    assert found(SOUND) == []


def test_transition_to_a_missing_state(machine: Any) -> None:
    """Next, Default, a choice's Next and a catcher's Next must all name a state."""
    machine["States"]["Work"]["Next"] = "A"
    machine["States"]["Work"]["Catch"].append({"ErrorEquals": ["X"], "Next": "B"})
    machine["States"]["Route"]["Default"] = "C"
    machine["States"]["Route"]["Choices"][0]["Next"] = "D"
    assert [line for line in found(machine) if "does not exist here" in line] == [
        "M/Route: leads to C, which does not exist here",
        "M/Route: leads to D, which does not exist here",
        "M/Work: leads to A, which does not exist here",
        "M/Work: leads to B, which does not exist here",
    ]


def test_arrow_out_of_its_scope(machine: Any) -> None:
    """A state inside a Map or a Parallel cannot lead to one outside."""
    inner = machine["States"]["Each"]["ItemProcessor"]["States"]["Inner"]
    del inner["End"]
    inner["Next"] = "Both"
    assert "M/Each[]/Inner: leads to Both, which does not exist here" in found(machine)


def test_unreachable_state(machine: Any) -> None:
    machine["States"]["Orphan"] = {"Type": "Succeed"}
    assert found(machine) == ["M/Orphan: cannot be reached"]


def test_machine_that_never_ends(machine: Any) -> None:
    machine["States"] = {"Work": {"Type": "Pass", "Comment": "${Partition} ${WorkArn}", "Next": "Work"}}
    assert found(machine) == ["M: never ends"]


def test_choice_without_default(machine: Any) -> None:
    del machine["States"]["Route"]["Default"]
    assert "M/Route: has no Default: an unknown outcome would fail the execution" in found(machine)


def test_unknown_placeholder(machine: Any) -> None:
    assert found(machine, ("Partition",)) == ["M: DefinitionSubstitutions lacks WorkArn"]


def test_unused_substitution(machine: Any) -> None:
    assert found(machine, ("Partition", "WorkArn", "Spare")) == [
        "M: DefinitionSubstitutions names Spare, which the definition does not use"
    ]


def test_arn_of_one_partition(machine: Any) -> None:
    """AWS China and GovCloud are other partitions, in which such a state fails."""
    machine["States"]["Work"]["Resource"] = "arn:aws:states:::lambda:invoke"
    assert found(machine, ("WorkArn",)) == [
        "M/States/Work/Resource: arn:aws:states:::lambda:invoke works in one partition only; use ${Partition}"
    ]


def test_expression_cut_in_half(machine: Any) -> None:
    machine["States"]["Work"]["Arguments"]["Payload"] = "{% $states.input }"
    assert [line.partition(": ")[0] for line in found(machine)] == ["M/States/Work/Arguments/Payload"]


def test_jsonpath_is_not_spoken_here(machine: Any) -> None:
    del machine["QueryLanguage"]
    assert found(machine) == ["M: QueryLanguage is not JSONata"]
