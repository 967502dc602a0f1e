"""A deployed stack on moto, as the operator's commands see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.commands import destroy_check, doctor, redrive
from local.commands.target import Target
from tests.fakes.aws import MemoryTable

REGION = "eu-central-1"
QUEUES = (
    "AsyncFailureQueue",
    "UploadDeadLetters",
    "WebhookQueue",
    "WebhookDeadLetters",
    "BatchQueue",
    "BatchDeadLetters",
)


@dataclass(frozen=True)
class StackOfTests(Target):
    """A stack with resources that are found by their logical ids."""

    resources: dict[str, str] = field(default_factory=dict)

    def resource(self, logical_id: str) -> str:
        return self.resources[logical_id]

    @cached_property
    def table(self) -> Any:
        return MemoryTable()

    def send(self, queue: str, *bodies: str) -> list[str]:
        """Send messages to a queue and return their ids."""
        sqs = self.client("sqs")
        return [sqs.send_message(QueueUrl=self.resources[queue], MessageBody=body)["MessageId"] for body in bodies]

    def waiting(self, queue: str) -> list[str]:
        """Return the bodies of all visible messages."""
        sqs, url = self.client("sqs"), self.resources[queue]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0)
        return [message["Body"] for message in found.get("Messages", [])]


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[StackOfTests]:
    """A healthy stack, which the commands for operators use."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session = boto3.Session("test", "test", region_name=REGION)
        sqs, secrets, states = session.client("sqs"), session.client("secretsmanager"), session.client("stepfunctions")
        resources = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}
        resources["AcceptUpload"] = "tarmac-AcceptUpload"
        resources["WebhookSecret"] = secrets.create_secret(Name="webhooks", SecretString="s" * 64)["ARN"]
        role = "arn:aws:iam::123456789012:role/machine"
        outputs = {
            f"{name}StateMachineArn": states.create_state_machine(name=name, definition="{}", roleArn=role)[
                "stateMachineArn"
            ]
            for name in ("Generation", "Session")
        }
        stack = StackOfTests("tarmac", outputs, session, resources=resources)
        for command in (destroy_check, doctor, redrive):
            monkeypatch.setattr(command, "find_target", lambda name: stack)
        monkeypatch.setattr(redrive, "WAIT_SECONDS", 0)
        yield stack
