"""Which stack a command talks to: `--stack NAME` is CloudFormation's on AWS, otherwise the local one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from local.errors import Unreachable
from local.paths import import_domain

if TYPE_CHECKING:
    import boto3

    from tarmac.aws.dynamodb import DynamoTable

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        envvar="TARMAC_STACK",
        help="Name of a stack on AWS (region and credentials as for the AWS CLI). Without it: the local stack.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Target:
    """A deployed stack. `name` is CloudFormation's, `outputs` are those of template.yaml; `endpoint_url` is None on
    AWS."""

    name: str
    outputs: Mapping[str, str]
    session: boto3.Session
    endpoint_url: str | None = None

    @property
    def is_local(self) -> bool:
        return self.endpoint_url is not None

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource of template.yaml: a queue's URL, a function's name."""
        answer = self.client("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    @cached_property
    def table(self) -> DynamoTable:
        from tarmac.aws.dynamodb import DynamoTable

        return DynamoTable(self.outputs["TasksTable"], self.client("dynamodb"))

    @property
    def runway_key(self) -> str:
        """What is stored as Runway's key, be it one or not."""
        secrets = self.client("secretsmanager")
        value: str = secrets.get_secret_value(SecretId=self.outputs["RunwaySecretArn"])["SecretString"]
        return value.strip()

    @property
    def runway_base_url(self) -> str:
        if self.is_local:
            from local.stack import Stack

            return Stack.from_environment().info().runway_base_url
        return self._parameters["RunwayBaseUrl"].rstrip("/")

    @property
    def upstream_flavor(self) -> str:
        """Of the stack on AWS; the local one has Runway's own shapes."""
        return "runway" if self.is_local else self._parameters["UpstreamFlavor"]

    @cached_property
    def _parameters(self) -> dict[str, str]:
        stacks = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {each["ParameterKey"]: each["ParameterValue"] for each in stacks[0].get("Parameters", [])}


def find_target(stack: str | None) -> Target:
    """Also makes `import tarmac` work. Raises Unreachable where there is no such stack, or no way to ask."""
    import_domain()
    return _on_aws(stack) if stack else _on_this_machine()


def _on_this_machine() -> Target:
    import boto3

    from local.stack import NAME, Stack

    info = Stack.from_environment().info()
    outputs = {
        "ApiUrl": info.api_url,
        "UploadBucket": info.upload_bucket,
        "ArchiveBucket": info.archive_bucket,
        "NoticeTopicArn": info.topic_arn,
        "GenerationStateMachineArn": info.generation_state_machine_arn,
        "SessionStateMachineArn": info.session_state_machine_arn,
        "TasksTable": info.tasks_table,
        "RunwaySecretArn": info.runway_secret_arn,
    }
    return Target(NAME, outputs, boto3.Session("test", "test", region_name=info.region), info.aws_endpoint_url)


def _on_aws(stack: str) -> Target:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session()
    try:
        answer = session.client("cloudformation").describe_stacks(StackName=stack)
    except ClientError as error:
        raise Unreachable(f"stack {stack}: {error.response['Error']['Message']}") from error
    except BotoCoreError as error:
        raise Unreachable(f"AWS cannot be asked for the stack {stack}: {error}") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0].get("Outputs", [])}
    if "TasksTable" not in outputs:
        raise Unreachable(f"the stack {stack} is not one of Tarmac's")
    return Target(stack, outputs, session)
