"""`python -m local.checks` on the repository as it stands, and on broken copies of it."""

import json

import pytest

from local.aws.template import Template
from local.checks import machines
from local.checks.template import TEMPLATES, Deployment, findings, is_caught, lint

BREAKAGES = [
    "a misspelt Type",
    "a dangling Next",
    "a dangling StartAt",
    "an orphaned state",
    "an unknown field",
    "an unknown placeholder",
]


@pytest.mark.parametrize("name", TEMPLATES)
def test_deployment_is_sound(name: str) -> None:
    """No finding of cfn-lint on the template or its translation, and none of our own."""
    assert [str(finding) for finding in findings(Deployment.read(name=name))] == []


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_broken_machine_is_caught(deployment: Deployment, breakage: str) -> None:
    """The check looks into the definitions: with one of them broken, it fails."""
    for name, definition in deployment.definitions.items():
        broken = dict(machines.broken_copies(definition))[breakage]
        assert broken != definition
        assert is_caught(deployment, name, broken)


def test_every_breakage_is_tested(deployment: Deployment) -> None:
    for definition in deployment.definitions.values():
        assert [what for what, _ in machines.broken_copies(definition)] == BREAKAGES


def test_cfn_lint_reads_inlined_definitions(deployment: Deployment, translation: Template) -> None:
    """E3601 speaks of the state that is wrong, so it is the definition that it reads."""
    machine = translation["Resources"]["GenerationStateMachine"]["Properties"]["Definition"]
    machine["States"][machine["StartAt"]]["Type"] = "Tsk"
    found = [str(finding) for finding in lint(json.dumps(translation), "broken", {"W2001": "as in the check"})]
    assert any("E3601" in line and "Tsk" in line for line in found)
    # Put back: the fixture shares the deployment's definition.
    assert deployment.definitions["GenerationStateMachine"]["States"][machine["StartAt"]]["Type"] != "Tsk"


def test_needless_suppression_is_a_finding() -> None:
    """A rule that is ignored for a reason which is gone does not stay ignored."""
    found = list(lint('{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}', "tiny", {"W2001": "no reason"}))
    assert [finding.what for finding in found] == ["W2001 finds nothing any more: remove it from the ignored rules"]
