"""The stack that a command uses: `--stack NAME` is a CloudFormation stack on AWS, the default is the local stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

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
        help="Name of a stack on AWS; region and credentials as for the AWS CLI. Default: the local stack.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Target:
    """A deployed stack. outputs: those of template.yaml. endpoint_url: None on AWS."""

    name: str
    outputs: Mapping[str, str]
    session: boto3.Session
    endpoint_url: str | None = None

    @property
    def is_local(self) -> bool:
        return self.endpoint_url is not None

    @property
    def is_simulated(self) -> bool:
        """Whether Runway is simulated, so that tasks cost nothing."""
        return self.is_local and urlsplit(self.runway_base_url).hostname in ("127.0.0.1", "localhost")

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    def resource(self, logical_id: str) -> str:
        """Return the physical id of a resource of template.yaml, such as a queue's URL or a function's name."""
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
        """The stored Runway key, which may be invalid."""
        secrets = self.client("secretsmanager")
        value: str = secrets.get_secret_value(SecretId=self.outputs["RunwaySecretArn"])["SecretString"]
        return value.strip()

    @property
    def runway_base_url(self) -> str:
        if self.is_local:
            from local.stack import Stack

            return Stack.from_environment().info().runway_base_url
        return self.parameters["RunwayBaseUrl"].rstrip("/")

    @property
    def upstream_flavor(self) -> str:
        """The parameter UpstreamFlavor of a stack on AWS; the local stack always uses Runway's own shapes."""
        return "runway" if self.is_local else self.parameters["UpstreamFlavor"]

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of the deployed stack, defaults included."""
        stacks = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {each["ParameterKey"]: each["ParameterValue"] for each in stacks[0].get("Parameters", [])}


def find_target(stack: str | None) -> Target:
    """Return the stack, and make `import tarmac` work. Raise Unreachable if it or AWS cannot be reached."""
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
        raise Unreachable(f"AWS cannot be reached for the stack {stack}: {error}") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0].get("Outputs", [])}
    if "TasksTable" not in outputs:
        raise Unreachable(f"the stack {stack} was not deployed from Tarmac's template")
    return Target(stack, outputs, session)
