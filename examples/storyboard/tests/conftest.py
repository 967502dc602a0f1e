"""The functions as Lambda loads them, with moto in the place of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws

from tests.fakes.loading import load_function

REGION: Final = "eu-central-1"
FILM_BUCKET = "films-of-tests"
ARCHIVE_BUCKET = "archive-of-tests"
FUNCTIONS = Path(__file__).parents[1] / "functions"

Load = Callable[[str], ModuleType]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.fixture
def s3(aws: None) -> Any:
    """An S3 client; both buckets exist."""
    client = boto3.client("s3")
    for bucket in (FILM_BUCKET, ARCHIVE_BUCKET):
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


@pytest.fixture
def topic(aws: None) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """The topic's ARN, and a function that returns the messages published since its last call."""
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    arn = sns.create_topic(Name="notices")["TopicArn"]
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)

    def published() -> list[dict[str, Any]]:
        return [json.loads(message["Body"]) for message in sqs.receive_message(QueueUrl=url).get("Messages", [])]

    return arn, published


@pytest.fixture
def load(s3: Any, topic: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> Load:
    environment = {"FILM_BUCKET": FILM_BUCKET, "NOTICE_TOPIC_ARN": topic[0]}
    return lambda name: load_function(name, monkeypatch, environment=environment, folder=FUNCTIONS)
