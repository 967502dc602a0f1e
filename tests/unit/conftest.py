"""Fixtures of many packages: the world of the fakes, and tables and buckets both in memory and on moto.

What holds for a fake must hold for the AWS that it stands for: `table` and `objects` run a test with both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.aws import template
from local.paths import ROOT
from tarmac.aws.dynamodb import DynamoTable
from tarmac.aws.s3 import S3Objects
from tarmac.ports import Objects, Table
from tests.fakes import MemoryObjects, MemoryTable, World
from tests.fakes.servers import TinyServer, tiny_server

numbers = itertools.count(1)
"""One AWS serves a whole module. Every test has its own table or bucket there."""


@pytest.fixture
def world() -> World:
    """All effects in memory, with a clock that a test advances."""
    return World()


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """An HTTP server in this process, in the place of Runway, its storage or the receiver of a webhook."""
    with tiny_server() as running:
        yield running


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


@pytest.fixture(scope="module")
def dynamodb(aws: None) -> Any:
    return boto3.client("dynamodb")


@pytest.fixture(scope="module")
def s3(aws: None) -> Any:
    return boto3.client("s3")


@pytest.fixture(scope="session")
def table_properties() -> dict[str, Any]:
    """The tasks table as template.yaml has it."""
    deployment = template.parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    properties: dict[str, Any] = deployment["Resources"]["TasksTable"]["Properties"]
    return properties


@pytest.fixture
def dynamo_table(dynamodb: Any, table_properties: dict[str, Any]) -> DynamoTable:
    name = f"tasks-{next(numbers)}"
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    dynamodb.create_table(TableName=name, **{name: table_properties[name] for name in wanted})
    return DynamoTable(name, dynamodb)


@pytest.fixture(params=["memory", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "memory":
        return MemoryTable()
    found: Table = request.getfixturevalue("dynamo_table")
    return found


@pytest.fixture
def s3_objects(s3: Any) -> S3Objects:
    bucket = f"uploads-{next(numbers)}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return S3Objects(bucket, s3)


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Objects:
    if request.param == "memory":
        return MemoryObjects("uploads-in-memory")
    found: Objects = request.getfixturevalue("s3_objects")
    return found
