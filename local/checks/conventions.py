"""This project's habits in its templates, as assertions. Each exception is listed here with its reason.

Those on the template see what people write; those on its translation also see what SAM makes of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.aws.template import Template, resources
from local.checks.finding import Finding

# "role, Sid": why its Resource must be "*".
WILDCARDS = {
    "GenerationStateMachineRole, DeliverLogs": "log delivery is the account's, its actions name no resource",
    "FilmStateMachineRole, DeliverLogs": "as above",
    "SessionStateMachineRole, DeliverLogs": "as above",
}
# What SAM adds to roles by itself, and why that is accepted.
MANAGED_POLICIES = {
    "AWSLambdaBasicExecutionRole": "SAM adds it to each function's role: writing log lines",
    "AWSXrayWriteOnlyAccess": "SAM adds it wherever tracing is on: writing trace segments",
}
# Routes that need no client key: (method, path) → why.
PUBLIC_ROUTES: dict[tuple[str, str], str] = {
    ("get", "/health"): "for probes, says nothing of the account",
    ("get", "/openapi.json"): "the same for everybody",
    ("get", "/docs"): "a page that reads /openapi.json",
    ("post", "/v1/realtime_sessions/{id}/consume"): "its bearer is the session's key, which Runway checks",
    ("post", "/api/avatar/connect"): "guards itself: a key, or a client token in the query",
    ("post", "/api/avatar/session"): "the same under the path of Runway's samples",
}
PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}
# What functions are told of in their environment, and may then use by their policy.
WORLD = {
    "TasksTable",
    "UploadBucket",
    "ArchiveBucket",
    "NoticeTopic",
    "WebhookQueue",
    "BatchQueue",
    "RunwaySecret",
    "WebhookSecret",
    "GenerationStateMachine",
    "SessionStateMachine",
}
# The smallest number that CloudFormation may write with an exponent, as Java does.
EXPONENT_FROM = 10_000_000
# Properties that would give a resource a name of its own.
NAMES = ("BucketName", "TableName", "Name", "TopicName", "QueueName", "LogGroupName")


def of_template(template: Template) -> Iterator[Finding]:
    """Habits in what people write."""
    for name, properties in resources(template, "AWS::Serverless::Function"):
        yield from _function(name, template["Resources"][name], properties)
    for name, resource in template["Resources"].items():
        if str(resource.get("DeletionPolicy", "")).startswith("Retain"):
            for key in NAMES:
                if key in resource["Properties"]:
                    yield Finding(name, f"is retained, and its {key} is fixed: no second stack could be made")
    for name, parameter in template["Parameters"].items():
        if not parameter.get("Description"):
            yield Finding(name, "is a parameter without a description")
        if isinstance(parameter.get("Default"), int) and parameter["Default"] >= EXPONENT_FROM:
            yield Finding(name, "needs a quoted Default: CloudFormation may write this number with an exponent")
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    if sorted(grouped) != sorted(template["Parameters"]):
        yield Finding("Metadata", "ParameterGroups do not list every parameter once")


def _function(name: str, resource: Mapping[str, Any], properties: Mapping[str, Any]) -> Iterator[Finding]:
    folder = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    if properties.get("CodeUri") != f"functions/{folder}/":
        yield Finding(name, f"has its code elsewhere than in functions/{folder}/")
    if resource.get("Metadata") != {"SkipBuild": True}:
        yield Finding(name, "lacks SkipBuild: sam would look for a Python 3.13 to build nothing")
    if "FunctionName" in properties:
        yield Finding(name, "has a fixed name")
    if "Timeout" not in properties or "MemorySize" not in properties:
        yield Finding(name, "does not state its Timeout and MemorySize")
    sids = []
    for policy in properties.get("Policies", []):
        if not isinstance(policy, Mapping) or "Statement" not in policy:
            yield Finding(name, f"uses a ready-made policy: {policy}")
            continue
        sids += [statement.get("Sid") for statement in statements(policy)]
    if None in sids or len(set(sids)) < len(sids):
        yield Finding(name, "needs policy statements, each with a Sid of its own")
    told = named_resources(properties.get("Environment", {})) & WORLD
    for resource_name in sorted(told ^ (named_resources(properties.get("Policies", [])) & WORLD)):
        yield Finding(name, f"is told of {resource_name} and may not use it, or the reverse")


def named_resources(value: Any) -> set[str]:
    """Logical ids that a part of the template refers to, the state machines by their composed names too."""
    text = json.dumps(value)
    names = set(re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)"', text)) | set(re.findall(r"\$\{(\w+)[.}]", text))
    composed = {"-generation": "GenerationStateMachine", "-session": "SessionStateMachine"}
    return names | {machine for end, machine in composed.items() if f"${{AWS::StackName}}{end}" in text}


def of_translation(template: Template) -> Iterator[Finding]:
    """Habits in what is deployed."""
    yield from _log_groups(template)
    yield from _roles(template)
    yield from _buckets(template)
    yield from _queues(template)
    yield from _routes(template)
    yield from _api_bodies(template)
    for name, properties in resources(template, "AWS::Lambda::Function"):
        if properties.get("TracingConfig") != {"Mode": "Active"}:
            yield Finding(name, "is not traced")


def _log_groups(template: Template) -> Iterator[Finding]:
    kept = {name for name, group in resources(template, "AWS::Logs::LogGroup") if "RetentionInDays" in group}
    for name, properties in resources(template, "AWS::Lambda::Function"):
        if properties.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref") not in kept:
            yield Finding(name, "has no log group with a retention of its own")
    for name, properties in resources(template, "AWS::StepFunctions::StateMachine"):
        logging = properties.get("LoggingConfiguration", {})
        destinations = logging.get("Destinations", [{}])
        arn = destinations[0].get("CloudWatchLogsLogGroup", {}).get("LogGroupArn", {}).get("Fn::GetAtt", [""])
        if arn[0] not in kept:
            yield Finding(name, "has no log group with a retention of its own")
        if logging.get("IncludeExecutionData") is not False:
            yield Finding(name, "logs execution data: prompts come in by hand")
    for name, properties in resources(template, "AWS::ApiGatewayV2::Stage"):
        settings = properties.get("AccessLogSettings", {})
        if settings.get("DestinationArn", {}).get("Fn::GetAtt", [""])[0] not in kept:
            yield Finding(name, "has no log group with a retention of its own")
        for secret in ("querystring", "authorization", "rawPath", "$context.protocol"):
            if secret in settings.get("Format", ""):
                yield Finding(name, f"logs {secret}")


def _roles(template: Template) -> Iterator[Finding]:
    unused = {exception for exception in WILDCARDS if exception.partition(",")[0] in template["Resources"]}
    for name, properties in resources(template, "AWS::IAM::Role"):
        for arn in properties.get("ManagedPolicyArns", []):
            if str(arn).rsplit("/", 1)[-1] not in MANAGED_POLICIES:
                yield Finding(name, f"has the managed policy {arn}")
        for policy in properties.get("Policies", []):
            for statement in statements(policy["PolicyDocument"]):
                sid = statement.get("Sid", policy["PolicyName"])
                on_table = any(action.startswith("dynamodb:") for action in listed(statement["Action"]))
                if on_table and "dynamodb:LeadingKeys" not in json.dumps(statement.get("Condition", {})):
                    yield Finding(name, f"{sid} reaches every row: it needs a condition on dynamodb:LeadingKeys")
                if any("*" in action for action in listed(statement["Action"])):
                    yield Finding(name, f"{sid} allows more actions than it names")
                if "*" in listed(statement["Resource"]):
                    if f"{name}, {sid}" not in WILDCARDS:
                        yield Finding(name, f"{sid} reaches every resource")
                    unused.discard(f"{name}, {sid}")
    for exception in sorted(unused):
        yield Finding(exception, "needs no exception any more")


def _tls_only(template: Template, policies: str, of: str) -> set[str]:
    """Logical ids of the resources that a policy of a type forbids to reach without TLS."""
    return {
        reference["Ref"]
        for _, properties in resources(template, policies)
        for statement in statements(properties["PolicyDocument"])
        if (statement["Effect"], statement.get("Condition")) == ("Deny", PLAIN_HTTP)
        for reference in listed(properties[of])
    }


def _queues(template: Template) -> Iterator[Finding]:
    tls_only = _tls_only(template, "AWS::SQS::QueuePolicy", "Queues")
    for name, properties in resources(template, "AWS::SQS::Queue"):
        if name not in tls_only:
            yield Finding(name, "accepts plain HTTP")
        if properties.get("SqsManagedSseEnabled") is not True:
            yield Finding(name, "does not state its encryption")


def _buckets(template: Template) -> Iterator[Finding]:
    tls_only = _tls_only(template, "AWS::S3::BucketPolicy", "Bucket")
    for name, properties in resources(template, "AWS::S3::Bucket"):
        block = properties.get("PublicAccessBlockConfiguration", {})
        if sorted(block.values()) != [True] * 4:
            yield Finding(name, "does not block all public access")
        if "BucketEncryption" not in properties:
            yield Finding(name, "does not state its encryption")
        if name not in tls_only:
            yield Finding(name, "accepts plain HTTP")


def _routes(template: Template) -> Iterator[Finding]:
    for name, properties in resources(template, "AWS::ApiGatewayV2::Api"):
        open_routes = {
            (method, path)
            for path, methods in properties["Body"]["paths"].items()
            for method, operation in methods.items()
            if not {name for need in operation.get("security", []) for name in need} - {"NONE"}
        }
        for method, path in sorted(open_routes ^ set(PUBLIC_ROUTES)):
            yield Finding(name, f"{method.upper()} {path} is public here or in PUBLIC_ROUTES, not in both")


def _api_bodies(template: Template) -> Iterator[Finding]:
    numbers = {name for name, each in template.get("Parameters", {}).items() if each["Type"] == "Number"}
    for name, properties in resources(template, "AWS::ApiGatewayV2::Api"):
        for path, parameter in _refs("Body", properties.get("Body")):
            if parameter in numbers:
                yield Finding(name, f"{path} is a Ref to the Number parameter {parameter}, which arrives as a string")


def _refs(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each Ref below value that supplies a value, with its path. Keys of a Mapping are strings, so they may be Refs."""
    if isinstance(value, Mapping):
        if isinstance(value.get("Ref"), str):
            yield path, value["Ref"]
        for key, inner in value.items():
            if key != "Fn::FindInMap":
                yield from _refs(f"{path}/{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _refs(f"{path}[{number}]", inner)


def statements(policy: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A policy's statements, conditional ones included."""
    for statement in policy["Statement"]:
        for branch in statement["Fn::If"][1:] if "Fn::If" in statement else [statement]:
            if branch != {"Ref": "AWS::NoValue"}:
                yield branch


def listed(value: Any) -> list[Any]:
    """IAM takes one or many; here it is always many."""
    return value if isinstance(value, list) else [value]
