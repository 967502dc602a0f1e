"""`tarmac destroy-check`: a stack with running executions is not deleted by mistake."""

from __future__ import annotations

import subprocess

import pytest
from typer.testing import CliRunner

from local.cli import app
from local.paths import ROOT
from tests.unit.local.conftest import StackOfTests


def start(deployed: StackOfTests, machine: str, count: int = 1) -> None:
    states = deployed.client("stepfunctions")
    for _ in range(count):
        states.start_execution(stateMachineArn=deployed.outputs[f"{machine}StateMachineArn"])


def test_a_stack_without_executions_may_be_deleted(deployed: StackOfTests) -> None:
    answer = CliRunner().invoke(app, ["destroy-check"])
    assert answer.exit_code == 0, answer.output


def test_executions_that_have_ended_do_not_count(deployed: StackOfTests) -> None:
    states = deployed.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=deployed.outputs["GenerationStateMachineArn"])["executionArn"]
    states.stop_execution(executionArn=arn)
    assert CliRunner().invoke(app, ["destroy-check"]).exit_code == 0


@pytest.mark.parametrize("machine", ["Generation", "Session"])
def test_a_running_execution_fails_the_check(deployed: StackOfTests, machine: str) -> None:
    start(deployed, machine)
    answer = CliRunner().invoke(app, ["destroy-check"])
    assert answer.exit_code == 1
    assert f"1 {machine.lower()} execution still running" in answer.stderr


def test_both_machines_are_counted_page_after_page(deployed: StackOfTests) -> None:
    start(deployed, "Generation", 120)
    start(deployed, "Session", 2)
    answer = CliRunner().invoke(app, ["destroy-check"])
    assert "120 generation executions and 2 session executions" in answer.stderr


@pytest.mark.parametrize(("said", "exit_code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_force_needs_a_confirmation(deployed: StackOfTests, said: str, exit_code: int) -> None:
    start(deployed, "Generation")
    answer = CliRunner().invoke(app, ["destroy-check", "--force"], input=said)
    assert answer.exit_code == exit_code
    assert "1 generation execution still running" in answer.stdout


def test_make_destroy_checks_before_it_deletes() -> None:
    printed = subprocess.run(
        ["make", "--dry-run", "destroy", "STACK=mine", "FORCE=1"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    check = next(number for number, line in enumerate(printed) if "destroy-check --stack mine --force" in line)
    delete = next(number for number, line in enumerate(printed) if "delete --stack-name mine" in line)
    assert check < delete
