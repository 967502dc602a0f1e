"""boto3 clients for the local AWS, independent of the developer's own AWS settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import boto3
from botocore.client import BaseClient
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class Clients:
    """Clients of one local AWS. Each is created at first use; all are closed at the end of a `with` block."""

    endpoint_url: str
    region: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for made in vars(self).values():
            if isinstance(made, BaseClient):
                made.close()

    @cached_property
    def session(self) -> boto3.Session:
        # The local AWS accepts any credentials; without some, boto3 would use the developer's own.
        return boto3.Session("test", "test", region_name=self.region)

    @cached_property
    def config(self) -> Config:
        # proxies={}: a proxy from the developer's shell cannot reach this machine's loopback addresses.
        return Config(proxies={}, retries={"max_attempts": 1}, connect_timeout=5, s3={"addressing_style": "path"})

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return self.session.client("cloudformation", endpoint_url=self.endpoint_url, config=self.config)

    @cached_property
    def s3(self) -> S3Client:
        return self.session.client("s3", endpoint_url=self.endpoint_url, config=self.config)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        return self.session.client("secretsmanager", endpoint_url=self.endpoint_url, config=self.config)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self.session.client("dynamodb", endpoint_url=self.endpoint_url, config=self.config)

    @cached_property
    def sqs(self) -> SQSClient:
        return self.session.client("sqs", endpoint_url=self.endpoint_url, config=self.config)

    @cached_property
    def states(self) -> SFNClient:
        return self.session.client("stepfunctions", endpoint_url=self.endpoint_url, config=self.config)
