"""`tarmac doctor`: stuck tasks, messages and secrets are found wherever they are."""

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
    """By check; those on the API and on Runway are of no interest here, where neither is."""
    answer = CliRunner().invoke(app, ["doctor", "--json"])
    assert answer.exit_code == 1
    return {each["check"]: each["problem"] for each in json.loads(answer.stdout)}


BACKLOG = "no task, session or batch is left behind"
GIVEN_UP = "no event, callback or part of a batch was given up"
SIGNED = "callbacks can be signed"
MACHINES = "the state machines are active"


def test_a_stack_that_is_well(deployed: StackOfTests) -> None:
    found = problems()
    assert {name: found[name] for name in (BACKLOG, GIVEN_UP, SIGNED, MACHINES)} == dict.fromkeys(
        (BACKLOG, GIVEN_UP, SIGNED, MACHINES)
    )


@pytest.mark.parametrize("queue", QUEUES)
def test_a_message_that_was_given_up(deployed: StackOfTests, queue: str) -> None:
    """Also one that somebody looks at just now; and it is only counted."""
    deployed.send(queue, "one", "two")
    deployed.client("sqs").receive_message(QueueUrl=deployed.resource(queue), MaxNumberOfMessages=1)
    for _ in range(2):
        problem = problems()[GIVEN_UP]
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
def test_what_the_sweeper_has_not_looked_after(deployed: StackOfTests, pk: str, shard: str, words: str) -> None:
    """After five minutes; until then it may be about to."""

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


def test_a_webhook_secret_that_somebody_could_guess_or_that_is_gone(deployed: StackOfTests) -> None:
    secrets, arn = deployed.client("secretsmanager"), deployed.resource("WebhookSecret")
    secrets.put_secret_value(SecretId=arn, SecretString="short")
    assert "not the random text" in str(problems()[SIGNED])
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert "ResourceNotFound" in str(problems()[SIGNED])


@pytest.mark.parametrize("machine", ["Generation", "Session"])
def test_a_machine_that_is_gone(deployed: StackOfTests, machine: str) -> None:
    arn = deployed.outputs[f"{machine}StateMachineArn"]
    deployed.client("stepfunctions").delete_state_machine(stateMachineArn=arn)
    assert "DoesNotExist" in str(problems()[MACHINES])
