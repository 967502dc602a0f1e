"""Checks of the templates by this project's conventions. Each exception is listed here with its reason.

of_template() checks the template as written, of_translation() what SAM makes of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.aws.template import Template, resources
from local.checks.finding import Finding

# "role, Sid" of statements with the resource "*", with the reason.
WILDCARDS = {
    "GenerationStateMachineRole, DeliverLogs": "log delivery belongs to the account, its actions take no resource",
    "FilmStateMachineRole, DeliverLogs": "as above",
    "SessionStateMachineRole, DeliverLogs": "as above",
}
# Managed policies that SAM adds to roles, with the reason to accept them.
MANAGED_POLICIES = {
    "AWSLambdaBasicExecutionRole": "SAM adds it to each function's role, for log lines",
    "AWSXrayWriteOnlyAccess": "SAM adds it where tracing is on, for trace segments",
}
# (method, path) of routes without a client key, with the reason.
PUBLIC_ROUTES: dict[tuple[str, str], str] = {
    ("get", "/health"): "for probes; contains nothing about the account",
    ("get", "/openapi.json"): "equal for all callers",
    ("get", "/docs"): "a page that reads /openapi.json",
    ("post", "/v1/realtime_sessions/{id}/consume"): "its bearer token is the session's key, which Runway checks",
    ("post", "/api/avatar/connect"): "checks a client key or a client token itself",
    ("post", "/api/avatar/session"): "the same function under the path of Runway's samples",
}
PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}
# Resources that a function must have both in its environment and in its policy, or in neither.
RESOURCES = {
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
# Properties that give a resource a fixed name.
NAMES = ("BucketName", "TableName", "Name", "TopicName", "QueueName", "LogGroupName")


def of_template(template: Template) -> Iterator[Finding]:
    """Yield findings in the template as written."""
    for name, properties in resources(template, "AWS::Serverless::Function"):
        yield from _function(name, template["Resources"][name], properties)
    for name, resource in template["Resources"].items():
        if str(resource.get("DeletionPolicy", "")).startswith("Retain"):
            for key in NAMES:
                if key in resource["Properties"]:
                    yield Finding(name, f"is retained with a fixed {key}: a second stack could not be created")
    for name, parameter in template["Parameters"].items():
        if not parameter.get("Description"):
            yield Finding(name, "has no Description")
        if isinstance(parameter.get("Default"), int) and parameter["Default"] >= EXPONENT_FROM:
            yield Finding(name, "needs a quoted Default: CloudFormation may write this number with an exponent")
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    if sorted(grouped) != sorted(template["Parameters"]):
        yield Finding("Metadata", "ParameterGroups must list every parameter once")


def _function(name: str, resource: Mapping[str, Any], properties: Mapping[str, Any]) -> Iterator[Finding]:
    folder = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    if properties.get("CodeUri") != f"functions/{folder}/":
        yield Finding(name, f"must have its code in functions/{folder}/")
    if resource.get("Metadata") != {"SkipBuild": True}:
        yield Finding(name, "lacks SkipBuild: without it, sam requires a Python 3.13 to build nothing")
    if "FunctionName" in properties:
        yield Finding(name, "has a fixed name")
    if "Timeout" not in properties or "MemorySize" not in properties:
        yield Finding(name, "must set Timeout and MemorySize")
    sids = []
    for policy in properties.get("Policies", []):
        if not isinstance(policy, Mapping) or "Statement" not in policy:
            yield Finding(name, f"uses a policy template: {policy}")
            continue
        sids += [statement.get("Sid") for statement in statements(policy)]
    if None in sids or len(set(sids)) < len(sids):
        yield Finding(name, "needs policy statements with unique Sids")
    known = named_resources(properties.get("Environment", {})) & RESOURCES
    for resource_name in sorted(known ^ (named_resources(properties.get("Policies", [])) & RESOURCES)):
        yield Finding(name, f"has {resource_name} in its environment but not in its policy, or the reverse")


def named_resources(value: Any) -> set[str]:
    """Return the logical ids that a part of the template refers to; state machines also by their composed names."""
    text = json.dumps(value)
    names = set(re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)"', text)) | set(re.findall(r"\$\{(\w+)[.}]", text))
    composed = {"-generation": "GenerationStateMachine", "-session": "SessionStateMachine"}
    return names | {machine for end, machine in composed.items() if f"${{AWS::StackName}}{end}" in text}


def of_translation(template: Template) -> Iterator[Finding]:
    """Yield findings in the plain CloudFormation that is deployed."""
    yield from _log_groups(template)
    yield from _roles(template)
    yield from _buckets(template)
    yield from _queues(template)
    yield from _routes(template)
    yield from _api_bodies(template)
    for name, properties in resources(template, "AWS::Lambda::Function"):
        if properties.get("TracingConfig") != {"Mode": "Active"}:
            yield Finding(name, "has no tracing")


def _log_groups(template: Template) -> Iterator[Finding]:
    kept = {name for name, group in resources(template, "AWS::Logs::LogGroup") if "RetentionInDays" in group}
    for name, properties in resources(template, "AWS::Lambda::Function"):
        if properties.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref") not in kept:
            yield Finding(name, "has no log group with a retention")
    for name, properties in resources(template, "AWS::StepFunctions::StateMachine"):
        logging = properties.get("LoggingConfiguration", {})
        destinations = logging.get("Destinations", [{}])
        arn = destinations[0].get("CloudWatchLogsLogGroup", {}).get("LogGroupArn", {}).get("Fn::GetAtt", [""])
        if arn[0] not in kept:
            yield Finding(name, "has no log group with a retention")
        if logging.get("IncludeExecutionData") is not False:
            yield Finding(name, "logs execution data, which can contain prompts")
    for name, properties in resources(template, "AWS::ApiGatewayV2::Stage"):
        settings = properties.get("AccessLogSettings", {})
        if settings.get("DestinationArn", {}).get("Fn::GetAtt", [""])[0] not in kept:
            yield Finding(name, "has no log group with a retention")
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
                    yield Finding(name, f"{sid} allows a wildcard action")
                if "*" in listed(statement["Resource"]):
                    if f"{name}, {sid}" not in WILDCARDS:
                        yield Finding(name, f"{sid} allows every resource")
                    unused.discard(f"{name}, {sid}")
    for exception in sorted(unused):
        yield Finding(exception, "is listed as an exception but needs none")


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
            yield Finding(name, f"{method.upper()} {path} is public in the template or in PUBLIC_ROUTES, not in both")


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
    """Yield the statements of a policy, including conditional ones."""
    for statement in policy["Statement"]:
        for branch in statement["Fn::If"][1:] if "Fn::If" in statement else [statement]:
            if branch != {"Ref": "AWS::NoValue"}:
                yield branch


def listed(value: Any) -> list[Any]:
    """Return a list: IAM accepts a single value or a list."""
    return value if isinstance(value, list) else [value]
