"""The key in Secrets Manager, notices on SNS, executions on Step Functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from tarmac.aws.messaging import SnsTopic, StateMachineExecutions
from tarmac.aws.s3 import is_local, s3_client
from tarmac.aws.secrets import CACHE_SECONDS, SecretKey
from tarmac.ports import ExecutionNameTaken
from tarmac.runway.errors import KeyUnavailable
from tests.fakes import ManualClock

numbers = count(1)
KEY = "key_" + "ab" * 64


class Secrets:
    """Secrets Manager that counts, and may be down."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.reads = 0

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:
        self.reads += 1
        if "error" in self.answer:
            raise self.answer["error"]
        return self.answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestSecretKey:
    def test_is_read_once_in_five_minutes(self, clock: ManualClock) -> None:
        secrets = Secrets(SecretString=KEY)
        key = SecretKey("arn", clock, secrets)
        assert key() == KEY
        clock.advance(CACHE_SECONDS)
        assert key() == KEY
        assert secrets.reads == 1
        clock.advance(1)
        secrets.answer = {"SecretString": "key_new"}
        assert key() == "key_new"
        assert secrets.reads == 2

    def test_is_read_again_when_asked(self, clock: ManualClock) -> None:
        secrets = Secrets(SecretString=KEY)
        key = SecretKey("arn", clock, secrets)
        key()
        secrets.answer = {"SecretString": "key_rotated"}
        assert key() == KEY
        assert key(True) == "key_rotated"
        assert key() == "key_rotated"

    def test_has_no_white_space_around(self, clock: ManualClock) -> None:
        assert SecretKey("arn", clock, Secrets(SecretString=f" {KEY}\n"))() == KEY

    @pytest.mark.parametrize(
        "answer",
        [
            {},
            {"SecretString": ""},
            {"SecretString": "  \n"},
            {"SecretString": "unset"},
            {"SecretBinary": b"x"},
            {"error": RuntimeError("AccessDenied for arn:…")},
            {"SecretString": "key_with\nline break"},
            {"SecretString": "“key_in_quotes”"},
        ],
    )
    def test_that_is_unusable_is_reported_without_its_value(self, answer: dict[str, Any], clock: ManualClock) -> None:
        with pytest.raises(KeyUnavailable) as caught:
            SecretKey("arn", clock, Secrets(**answer))()
        assert "arn:" not in str(caught.value)
        assert "key_" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_that_could_not_be_read_is_tried_again_at_once(self, clock: ManualClock) -> None:
        secrets = Secrets(error=RuntimeError())
        key = SecretKey("arn", clock, secrets)
        with pytest.raises(KeyUnavailable):
            key()
        secrets.answer = {"SecretString": KEY}
        assert key() == KEY

    def test_comes_from_secrets_manager(self, aws: None, clock: ManualClock) -> None:
        secretsmanager = boto3.client("secretsmanager")
        arn = secretsmanager.create_secret(Name="runway", SecretString="unset")["ARN"]
        key = SecretKey(arn, clock, secretsmanager)
        with pytest.raises(KeyUnavailable, match="tarmac secret set"):
            key()
        secretsmanager.put_secret_value(SecretId=arn, SecretString=KEY)
        assert key() == KEY


def test_a_notice_has_attributes_to_filter_by(aws: None) -> None:
    sns: Any = boto3.client("sns")
    arn = sns.create_topic(Name="notices")["TopicArn"]
    SnsTopic(arn, sns).publish('{"type":"task.failed"}', {"type": "task.failed", "client": "acme", "model": ""})
    [sent] = sns_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].topics[arn].sent_notifications
    _, message, _, attributes, *_ = sent
    assert message == '{"type":"task.failed"}'
    assert {name: value["Value"] for name, value in attributes.items()} == {"type": "task.failed", "client": "acme"}


@pytest.fixture(scope="module")
def stepfunctions(aws: None) -> Any:
    return boto3.client("stepfunctions")


class TestExecutions:
    @pytest.fixture
    def executions(self, stepfunctions: Any) -> StateMachineExecutions:
        definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
        arn = stepfunctions.create_state_machine(
            name=f"tarmac-{next(numbers)}",
            definition=json.dumps(definition),
            roleArn=f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/machine",
        )["stateMachineArn"]
        return StateMachineExecutions(arn, stepfunctions)

    def test_run_under_their_name(self, executions: StateMachineExecutions) -> None:
        executions.start("task-1", '{"taskId":"task-1"}')
        assert executions.is_running("task-1")

    def test_spend_a_name(self, executions: StateMachineExecutions) -> None:
        executions.start("task-1", '{"taskId":"task-1"}')
        with pytest.raises(ExecutionNameTaken):
            executions.start("task-1", '{"taskId":"another"}')

    def test_do_not_run_before_they_are_started(self, executions: StateMachineExecutions) -> None:
        assert not executions.is_running("task-1")

    def test_do_not_run_once_they_were_stopped(self, executions: StateMachineExecutions, stepfunctions: Any) -> None:
        executions.start("task-1", "{}")
        machine = stepfunctions.list_state_machines()["stateMachines"][-1]
        [execution] = stepfunctions.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        stepfunctions.stop_execution(executionArn=execution["executionArn"])
        assert not executions.is_running("task-1")


class TestS3Client:
    @pytest.fixture(autouse=True)
    def fresh(self, aws: None) -> Iterator[None]:
        s3_client.cache_clear()
        yield
        s3_client.cache_clear()

    def test_is_made_once(self) -> None:
        assert s3_client() is s3_client()

    def test_speaks_to_aws_itself_unless_an_endpoint_is_set(self) -> None:
        assert s3_client().meta.endpoint_url == "https://s3.eu-central-1.amazonaws.com"
        assert not is_local()

    def test_speaks_to_the_local_aws_with_paths_for_buckets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        assert s3_client().meta.endpoint_url == "http://127.0.0.1:4566"
        link = s3_client().generate_presigned_url("get_object", Params={"Bucket": "archive", "Key": "a"})
        assert link.startswith("http://127.0.0.1:4566/archive/a?")
        assert is_local()
