"""Deploys a template to the local AWS, as `sam deploy` does to AWS. Unchanged stacks are left as they are."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.aws import package, template
from local.errors import LocalError

if TYPE_CHECKING:
    from local.aws.clients import Clients

BUCKET = "tarmac-deploy"
FINGERPRINT_TAG = "tarmac:fingerprint"
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
# A stack in one of these states cannot be updated, only deleted.
NOT_UPDATABLE = ("ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED")
PATIENCE_SECONDS = 120

Say = Callable[[str], None]


@dataclass(frozen=True)
class Project:
    """The folder with a template.yaml to deploy, and the folder for its built layers."""

    root: Path
    builds: Path

    def read(self, path: Path) -> str:
        try:
            return (self.root / path).read_text()
        except FileNotFoundError as error:
            raise LocalError(f"{self.root / path} is missing") from error


@dataclass(frozen=True)
class Bundle:
    """Everything that one deployment consists of."""

    template: template.Template
    packages: Mapping[str, bytes]
    parameters: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """A hash that is equal for equal deployments. Computed before the translation of SAM, which is slow."""
        total = hashlib.sha256(version("aws-sam-translator").encode())
        total.update(Path(template.__file__).read_bytes())
        total.update(json.dumps([self.template, dict(self.parameters)], sort_keys=True).encode())
        return total.hexdigest()


def prepare(project: Project, parameters: Mapping[str, str], say: Say) -> Bundle:
    """Package all code and inline all definitions. Raise LocalError if a file is missing."""
    packages: dict[str, bytes] = {}

    def locate(logical_id: str, folder: Path) -> str:
        source = project.root / folder
        if not source.is_dir():
            raise LocalError(f"the folder of {logical_id} is missing: {source}")
        if declared["Resources"][logical_id]["Type"] == "AWS::Serverless::LayerVersion":
            content = package.zip_pointer(package.build_layer(source, source.name, project.builds, say))
        else:
            content = package.zip_folder(source)
        key = f"{logical_id}/{hashlib.sha256(content).hexdigest()[:16]}.zip"
        packages[key] = content
        return f"s3://{BUCKET}/{key}"

    declared = template.parse(project.read(Path("template.yaml")))
    located = template.inline_definitions(template.point_at_packages(declared, locate), project.read)
    return Bundle(located, packages, template.known_parameters(declared, parameters))


def deploy(clients: Clients, stack_name: str, bundle: Bundle, say: Say) -> dict[str, str]:
    """Create or update the stack and return its outputs. Raise LocalError with CloudFormation's reasons."""
    current = describe(clients, stack_name)
    if current is not None and current["StackStatus"] in SETTLED and deployed(current) == bundle.fingerprint:
        return outputs(current)
    say(f"deploying the stack {stack_name}" if current is None else f"updating the stack {stack_name}")
    upload(clients, bundle.packages)
    body = json.dumps(template.localise(bundle.template, bundle.parameters, clients.region))
    # By URL, because a template in the request may have at most 51,200 bytes.
    key = f"templates/{hashlib.sha256(body.encode()).hexdigest()[:16]}.json"
    upload(clients, {key: body.encode()})
    request: dict[str, Any] = {
        "StackName": stack_name,
        "TemplateURL": f"{clients.endpoint_url}/{BUCKET}/{key}",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in bundle.parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Tags": [{"Key": FINGERPRINT_TAG, "Value": bundle.fingerprint}],
    }
    if current is not None and current["StackStatus"] in NOT_UPDATABLE:
        clients.cloudformation.delete_stack(StackName=stack_name)
        wait(clients, stack_name, gone=True)
        current = None
    if current is None:
        clients.cloudformation.create_stack(**request)
    else:
        clients.cloudformation.update_stack(**request)
    return outputs(wait(clients, stack_name))


def describe(clients: Clients, stack_name: str) -> dict[str, Any] | None:
    """Return CloudFormation's description of the stack, or None if it does not exist."""
    try:
        found = clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except clients.cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    stack = dict(found[0])
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def deployed(stack: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of the bundle that a stack was deployed from."""
    return next((str(tag["Value"]) for tag in stack.get("Tags", []) if tag["Key"] == FINGERPRINT_TAG), None)


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return the stack's outputs by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def wait(clients: Clients, stack_name: str, gone: bool = False) -> dict[str, Any]:
    """Wait for the deployment, or with `gone` for the deletion, and return the stack.

    Raise LocalError if it fails, with the reason of each resource.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        stack = describe(clients, stack_name)
        if stack is None:
            if gone:
                return {}
            raise LocalError(f"the stack {stack_name} was deleted during its deployment")
        status = stack["StackStatus"]
        if not status.endswith("IN_PROGRESS") and not gone:
            if status in SETTLED:
                return stack
            raise LocalError(f"the deployment ended as {status}:\n{reasons(clients, stack_name)}")
        time.sleep(0.05)
    raise LocalError(f"the deployment of {stack_name} did not end within {PATIENCE_SECONDS} s")


def reasons(clients: Clients, stack_name: str) -> str:
    """Return one line for each failed resource, with its reason."""
    events = clients.cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]
    return "\n".join(failed) or "  CloudFormation reports no reason"


def upload(clients: Clients, objects: Mapping[str, bytes]) -> None:
    """Upload the objects that the deploy bucket lacks. Their keys contain a content hash."""
    with contextlib.suppress(clients.s3.exceptions.BucketAlreadyOwnedByYou):
        clients.s3.create_bucket(Bucket=BUCKET)
    there = {found["Key"] for found in clients.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}
    for key, content in objects.items():
        if key not in there:
            clients.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
