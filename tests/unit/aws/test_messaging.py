"""The queue on SQS, and the root of the signing secrets in Secrets Manager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tarmac.aws.messaging import SqsQueue
from tarmac.aws.secrets import CACHE_SECONDS, SHORTEST_ROOT, SigningRoot
from tests.fakes import ManualClock


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """AWS in this process, without an account."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            environment.setenv(name, "testing")
        with mock_aws():
            yield


def test_a_postponed_message_is_returned_later(aws: None) -> None:
    sqs: Any = boto3.client("sqs")
    url = sqs.create_queue(QueueName="webhooks", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    queue = SqsQueue(url, sqs)
    queue.send('{"taskId":"t"}')

    def receive() -> list[Any]:
        return list(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages", []))

    [message] = receive()
    assert message["Body"] == '{"taskId":"t"}'
    queue.postpone(message["ReceiptHandle"], 60)
    assert receive() == []
    queue.postpone(message["ReceiptHandle"], 0)
    assert len(receive()) == 1


class TestSigningRoot:
    def test_is_read_once_in_five_minutes(self, aws: None) -> None:
        clock = ManualClock()
        secrets = boto3.client("secretsmanager")
        arn = secrets.create_secret(Name="webhooks", SecretString="a" * 64)["ARN"]
        root = SigningRoot(arn, clock, secrets)
        assert root() == "a" * 64
        secrets.put_secret_value(SecretId=arn, SecretString="b" * 64)
        clock.advance(CACHE_SECONDS)
        assert root() == "a" * 64
        clock.advance(1)
        assert root() == "b" * 64

    @pytest.mark.parametrize("value", ["x", "a" * (SHORTEST_ROOT - 1)])
    def test_that_is_too_short_is_rejected(self, value: str, aws: None) -> None:
        secrets = boto3.client("secretsmanager")
        arn = secrets.create_secret(Name=f"webhooks-{len(value)}", SecretString=value)["ARN"]
        with pytest.raises(RuntimeError, match="at least 32 characters"):
            SigningRoot(arn, ManualClock(), secrets)()
