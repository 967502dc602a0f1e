"""The storyboard's functions as Lambda loads them, over an AWS in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws

from tests.fakes.loading import load_function

REGION: Final = "eu-central-1"
FILM_BUCKET = "films-of-tests"
ARCHIVE_BUCKET = "archive-of-tests"

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
    """With both buckets."""
    client = boto3.client("s3")
    for bucket in (FILM_BUCKET, ARCHIVE_BUCKET):
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


@pytest.fixture
def topic(aws: None) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """Its ARN, and what a subscriber has got since he was asked last."""
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    arn = sns.create_topic(Name="notices")["TopicArn"]
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)

    def heard() -> list[dict[str, Any]]:
        return [json.loads(message["Body"]) for message in sqs.receive_message(QueueUrl=url).get("Messages", [])]

    return arn, heard


@pytest.fixture
def load(s3: Any, topic: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> Load:
    environment = {"FILM_BUCKET": FILM_BUCKET, "NOTICE_TOPIC_ARN": topic[0]}
    return lambda name: load_function(name, monkeypatch, environment=environment)
