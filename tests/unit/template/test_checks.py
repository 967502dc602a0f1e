"""`python -m local.checks` on the repository, and on broken copies of it."""

import copy
import json
from dataclasses import replace

import pytest

from local.aws.template import Template
from local.checks import machines
from local.checks.template import TEMPLATES, Deployment, findings, lint, uncaught

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


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_broken_copy_of_a_machine_is_caught(name: str) -> None:
    deployment = Deployment.read(name=name)
    for definition in deployment.definitions.values():
        assert [what for what, _ in machines.broken_copies(definition)] == BREAKAGES
    assert [str(finding) for finding in uncaught(deployment)] == []


def test_a_copy_that_no_check_objects_to_is_reported(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "broken_copies", lambda definition: [("nothing broken", definition)])
    assert [finding.where for finding in uncaught(deployment)] == list(deployment.definitions)


def test_a_fault_of_an_intact_machine_is_reported(deployment: Deployment) -> None:
    broken = copy.deepcopy(deployment.definitions)
    broken["GenerationStateMachine"]["States"]["Submit"]["Type"] = "Tsk"
    found = list(uncaught(replace(deployment, definitions=broken)))
    assert [finding.where for finding in found if "is sound" in finding.what] == ["GenerationStateMachine"]


def test_cfn_lint_reads_inlined_definitions(deployment: Deployment, translation: Template) -> None:
    """E3601 speaks of the state that is wrong, so it is the definition that it reads."""
    machine = translation["Resources"]["GenerationStateMachine"]["Properties"]["Definition"]
    machine["States"][machine["StartAt"]]["Type"] = "Tsk"
    found = [str(finding) for finding in lint(json.dumps(translation), "broken", {"W2001": "as in the check"})]
    assert any("E3601" in line and "Tsk" in line for line in found)
    # Put back: the fixture shares the deployment's definition.
    assert deployment.definitions["GenerationStateMachine"]["States"][machine["StartAt"]]["Type"] != "Tsk"


def test_needless_suppression_is_a_finding() -> None:
    """A rule must not stay ignored when its reason no longer applies."""
    found = list(lint('{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}', "tiny", {"W2001": "no reason"}))
    assert [finding.what for finding in found] == ["W2001 finds nothing any more: remove it from the ignored rules"]
