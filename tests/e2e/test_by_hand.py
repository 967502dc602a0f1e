"""StartExecution with a request, as a person does in the console: the machine accepts and runs it like any task."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tarmac.tasks.task import State, Task
from tests.e2e.api import Api
from tests.e2e.aws_cli import AwsCli
from tests.e2e.deployment import Deployment
from tests.e2e.notices import Notices
from tests.e2e.requests import QUICK, mark_of, text_to_video
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually
from tests.fakes.samples import event


@pytest.fixture
def console(deployment: Deployment) -> Iterator[Api]:
    """The built-in client that owns tasks started by hand."""
    with Api.of_new_client(deployment, "console") as client:
        yield client


@pytest.fixture
def name() -> str:
    """Return a unique name of an execution."""
    return f"by-hand-{uuid.uuid4().hex[:8]}"


def test_an_execution_started_by_hand_ends_like_any_other(
    console: Api, deployment: Deployment, simulator: Simulator, notices: Notices, name: str
) -> None:
    """`aws stepfunctions start-execution`, nothing of Tarmac's own around it. Its name is the task's id; the client
    `console` owns it. The request is in the input and in what Accept was given, and nowhere later."""
    aws = AwsCli(deployment.info)
    body = text_to_video()
    wanted = {"operation": "text_to_video", "request": body, "metadata": {"order": "A-18"}}
    machine = ("--state-machine-arn", deployment.info.generation_state_machine_arn)
    started = aws.run_json("stepfunctions", "start-execution", *machine, "--name", name, "--input", json.dumps(wanted))

    deployment.execution(name)

    execution = aws.run_json("stepfunctions", "describe-execution", "--execution-arn", started["executionArn"])
    assert execution["status"] == "SUCCEEDED", execution
    row = deployment.announced(name)
    summary = json.loads(execution["output"])
    assert summary == {
        "taskId": name,
        "ending": "succeeded",
        "status": "SUCCEEDED",
        "outputs": [{"bucket": deployment.info.archive_bucket, "key": key} for key in deployment.archived(name)],
        "credits": 60,
        "polls": row.polls,
        "seconds": summary["seconds"],
    }
    assert len(summary["outputs"]) == 1
    assert deployment.visited(name)[:4] == ["Enter", "Accept", "Submit", "Route"]
    events = [json.dumps(event, default=str) for event in deployment.history(name)]
    submitted = next(number for number, text in enumerate(events) if '"Submit"' in text)
    assert not [text for text in events[submitted:] if mark_of(body) in text]
    assert (row.client, row.source) == ("console", {"kind": "console", "execution": name})
    task = console.read(name)
    assert (task["status"], task["metadata"]) == ("SUCCEEDED", {"order": "A-18"})
    assert [notice.body["client"] for notice in notices.of(name)] == ["console"]
    assert len(simulator.creates(mark_of(body))) == 1


def test_the_sample_input_works_as_it_stands(deployment: Deployment, name: str) -> None:
    deployment.start(name, event("execution-input-by-hand"))
    assert deployment.execution(name)["status"] == "SUCCEEDED"
    assert deployment.row(name).metadata == {"order": "A-18"}


@pytest.mark.parametrize(
    ("execution_input", "words"),
    [
        ({"operation": "text_to_video", "request": {"model": "gen4.5", "ratio": "1:1"}}, "promptText: Required"),
        ({"operation": "text_to_video", "request": {"model": "gen4.5", "ratio": "1:1"}}, "ratio: Expected one of"),
        ({"operation": "text_to_video", "request": {"promptText": "no model"}}, "model: Required"),
        ({"operation": "text_to_gold", "request": {"model": "gen4.5"}}, "Unknown operation 'text_to_gold'"),
        ({"request": {"model": "gen4.5"}}, "operation: Required"),
        ({"operation": "text_to_video"}, "request: Required"),
        ({"operation": "text_to_video", "request": "a string"}, "request: Required"),
        ({"operation": "text_to_video", "request": {}, "metadata": {"order": 7}}, "metadata.order"),
        ({}, "operation: Required"),
    ],
)
def test_an_invalid_request_by_hand_fails_the_execution_with_the_reason(
    deployment: Deployment, name: str, execution_input: dict[str, Any], words: str
) -> None:
    """The execution fails at Accept, with the field in the cause; no row, nothing bought."""
    deployment.start(name, execution_input)

    execution = deployment.execution(name)

    assert execution["status"] == "FAILED"
    assert words in execution["cause"]
    assert deployment.visited(name) == ["Enter", "Accept"]
    assert name not in [row.id for row in deployment.rows_of("console")]


def test_a_name_in_use_is_rejected_before_anything_is_bought(
    api: Api, deployment: Deployment, simulator: Simulator, name: str
) -> None:
    """By Step Functions while it remembers the execution, for 90 days; by Accept as long as there is the task."""
    aws = AwsCli(deployment.info)
    body = text_to_video()
    wanted = json.dumps({"operation": "text_to_video", "request": body})
    start = ("stepfunctions", "start-execution", "--state-machine-arn", deployment.info.generation_state_machine_arn)

    task_id = api.create("text_to_video", text_to_video())
    deployment.announced(task_id)
    assert "ExecutionAlreadyExists" in aws.error(*start, "--name", task_id, "--input", wanted)

    now = time.time()
    old = Task(name, "console", "text_to_video", "gen4.5", created_at=now, deadline_at=now + 600)
    deployment.tasks.create(replace(old, state=State.CANCELLED, ended_at=now), {"body": {}, "inputs": []})
    aws.run(*start, "--name", name, "--input", wanted)
    execution = deployment.execution(name)
    assert execution["status"] == "FAILED"
    assert f"The name {name} belongs to another task" in execution["cause"]
    assert deployment.visited(name) == ["Enter", "Accept"]
    assert simulator.creates(mark_of(body)) == []


def test_another_machine_runs_a_generation_as_its_child(
    deployment: Deployment, simulator: Simulator, name: str
) -> None:
    """`startExecution.sync:2`: the parent waits, and continues with the summary; it fails when its child fails."""
    states = deployment.clients.states
    shot = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {
            "StateMachineArn": deployment.info.generation_state_machine_arn,
            "Name": "{% $states.context.Execution.Name & '-child' %}",
            "Input": {"operation": "text_to_video", "request": "{% $states.input %}"},
        },
        "Output": "{% $states.result.Output %}",
        "End": True,
    }
    definition = {"QueryLanguage": "JSONata", "StartAt": "Shot", "States": {"Shot": shot}}
    role = states.describe_state_machine(stateMachineArn=deployment.info.generation_state_machine_arn)["roleArn"]
    parent = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    good, bad = text_to_video(), text_to_video(f"{QUICK}, fail=SAFETY.INPUT.TEXT")
    try:
        for number, body in enumerate((good, bad)):
            states.start_execution(stateMachineArn=parent, name=f"{name}-{number}", input=json.dumps(body))
        done, red = (deployment.execution(f"{name}-{number}", parent) for number in range(2))
    finally:
        states.delete_state_machine(stateMachineArn=parent)

    summary = json.loads(done["output"])
    assert (summary["taskId"], summary["status"]) == (f"{name}-0-child", "SUCCEEDED")
    assert [output["key"] for output in summary["outputs"]] == deployment.archived(summary["taskId"])
    assert red["status"] == "FAILED"
    assert deployment.announced(f"{name}-1-child").failure_code == "SAFETY.INPUT.TEXT"
    assert [len(simulator.creates(mark_of(body))) for body in (good, bad)] == [1, 1]


def test_the_sweeper_repairs_a_task_that_failed_at_finish_without_buying_again(
    deployment: Deployment, simulator: Simulator, name: str
) -> None:
    """The execution failed at Finish and the row is open: paid, not archived. The sweeper's execution continues."""
    # One try and six retries in the first execution; the next one meets a good link.
    body = text_to_video("seconds=3, output=redirect, outputs_bad=7")
    deployment.start(name, {"operation": "text_to_video", "request": body})
    assert deployment.execution(name)["status"] == "FAILED"
    assert deployment.visited(name)[-1] == "Finish"
    (bought,) = simulator.creates(mark_of(body))

    def swept() -> str:
        deployment.sweep()
        return str(deployment.row(name).state)

    eventually(swept, lambda state: state == "SUCCEEDED", f"the sweeper to bring {name} to its end")

    row = deployment.announced(name)
    assert deployment.execution(row.execution_name)["status"] == "SUCCEEDED"
    assert row.execution_name == f"{name}-{row.run}" != f"{name}-1"
    assert "Accept" not in deployment.visited(row.execution_name)
    assert (row.attempt, len(deployment.archived(name))) == (1, 1)
    assert [entry["id"] for entry in simulator.creates(mark_of(body))] == [bought["id"]]


def test_a_failed_generation_fails_its_execution_with_code_and_cause(deployment: Deployment, name: str) -> None:
    body = text_to_video(f"{QUICK}, fail=SAFETY.INPUT.TEXT")
    deployment.start(name, {"operation": "text_to_video", "request": body})
    execution = deployment.execution(name)
    assert (execution["status"], execution["error"]) == ("FAILED", "SAFETY.INPUT.TEXT")
    assert execution["cause"] == deployment.row(name).failure
    assert " " in execution["cause"]
