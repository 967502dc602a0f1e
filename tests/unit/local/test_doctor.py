"""`tarmac doctor`: finds overdue rows and dead letters in every place where they can be."""

from __future__ import annotations

import json
import time

import pytest
from typer.testing import CliRunner

from local.cli import app
from local.commands.redrive import QUEUES
from tarmac.ports import Put
from tests.unit.local.conftest import StackOfTests


def problems() -> dict[str, str | None]:
    """Problems by check. The checks of the API and of Runway fail here, where neither runs."""
    answer = CliRunner().invoke(app, ["doctor", "--json"])
    assert answer.exit_code == 1
    return {each["check"]: each["problem"] for each in json.loads(answer.stdout)}


BACKLOG = "no task, session or batch is overdue"
DEAD_LETTERS = "the dead-letter queues are empty"
SIGNED = "webhooks can be signed"
MACHINES = "the state machines are active"


def test_a_healthy_stack_has_no_problems(deployed: StackOfTests) -> None:
    found = problems()
    assert {name: found[name] for name in (BACKLOG, DEAD_LETTERS, SIGNED, MACHINES)} == dict.fromkeys(
        (BACKLOG, DEAD_LETTERS, SIGNED, MACHINES)
    )


@pytest.mark.parametrize("queue", QUEUES)
def test_a_dead_letter_is_reported(deployed: StackOfTests, queue: str) -> None:
    """Messages that another reader is receiving count too, and none is removed."""
    deployed.send(queue, "one", "two")
    deployed.client("sqs").receive_message(QueueUrl=deployed.resource(queue), MaxNumberOfMessages=1)
    for _ in range(2):
        problem = problems()[DEAD_LETTERS]
        assert problem is not None
        assert f"{queue} 2:" in problem
        assert "tarmac redrive" in problem


@pytest.mark.parametrize(
    ("pk", "shard", "words"),
    [
        ("task#t1", "due#3", "task t1"),
        ("batch#b1", "due#0", "batch b1"),
        ("session#s1", "session-due#2", "session s1"),
        ("session-attempt#a1", "session-due#1", "session's create a1"),
    ],
)
def test_a_row_that_the_sweeper_has_not_handled_is_reported(
    deployed: StackOfTests, pk: str, shard: str, words: str
) -> None:
    """Reported after five minutes; until then the sweeper may still handle it."""

    def due(number: int, seconds_ago: float) -> None:
        row = {"pk": f"{pk}{'x' * number}", "sk": "row", "version": 1, "due": shard}
        deployed.table.write(Put(row | {"nextCheckAt": time.time() - seconds_ago}))

    due(2, 200)
    assert problems()[BACKLOG] is None
    due(0, 500)
    due(1, 400)
    problem = problems()[BACKLOG]
    assert problem is not None
    assert f": {words} and 1 more:" in problem


def test_a_weak_or_missing_webhook_secret_is_reported(deployed: StackOfTests) -> None:
    secrets, arn = deployed.client("secretsmanager"), deployed.resource("WebhookSecret")
    secrets.put_secret_value(SecretId=arn, SecretString="short")
    assert "at least 32 characters" in str(problems()[SIGNED])
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert "ResourceNotFound" in str(problems()[SIGNED])


@pytest.mark.parametrize("machine", ["Generation", "Session"])
def test_a_missing_state_machine_is_reported(deployed: StackOfTests, machine: str) -> None:
    arn = deployed.outputs[f"{machine}StateMachineArn"]
    deployed.client("stepfunctions").delete_state_machine(stateMachineArn=arn)
    assert "DoesNotExist" in str(problems()[MACHINES])
