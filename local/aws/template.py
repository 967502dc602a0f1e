"""Converts template.yaml to a template that ministack can deploy. Pure: dictionaries in, dictionaries out.

The template is the one that is deployed to AWS. AWS's own translator expands SAM, an API's OpenAPI body becomes
routes, and a state machine's YAML becomes JSON, because ministack 1.5.33 reads none of these. Logical ids depend on
the template alone, so that a stack is updated in place.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Template = dict[str, Any]

# ministack takes the API's id from a tag, so its URL is the same in every stack.
API_ID = "tarmac"
NOTICE_QUEUE_OUTPUT = "LocalNoticeQueueName"
ANY_METHOD = "x-amazon-apigateway-any-method"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", ANY_METHOD)
PACKAGES = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


class CloudFormationLoader(yaml.SafeLoader):
    """A YAML loader that expands CloudFormation's short tags (!Ref, !Sub, …) to their long form."""


def _tag(loader: CloudFormationLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


CloudFormationLoader.add_multi_constructor("!", _tag)
# 2010-09-09 is a version here, not a date.
CloudFormationLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str) -> Template:
    """Parse a CloudFormation template or a state machine definition. Raise ValueError if it is not a mapping."""
    loaded = yaml.load(text, Loader=CloudFormationLoader)  # noqa: S506 (a SafeLoader with more tags)
    if not isinstance(loaded, dict):
        raise ValueError("a template must be a mapping")
    return loaded


def resources(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (logical id, properties) of each resource of a type, in the template's order."""
    for logical_id, resource in template.get("Resources", {}).items():
        if resource.get("Type") == kind:
            yield logical_id, resource.setdefault("Properties", {})


def point_at_packages(template: Template, locate: Callable[[str, Path], str]) -> Template:
    """Return the template with every CodeUri and ContentUri replaced by the URI locate(logical id, folder)."""
    result = copy.deepcopy(template)
    for kind, name in PACKAGES.items():
        for logical_id, properties in resources(result, kind):
            properties[name] = locate(logical_id, Path(properties[name]))
    return result


def inline_definitions(template: Template, read: Callable[[Path], str]) -> Template:
    """Return the template with every DefinitionUri replaced by the definition that read(path) returns, YAML or JSON.

    ${Placeholders} remain: DefinitionSubstitutions replaces them at deployment.
    """
    result = copy.deepcopy(template)
    for _, properties in resources(result, "AWS::Serverless::StateMachine"):
        if "DefinitionUri" in properties:
            properties["Definition"] = parse(read(Path(properties.pop("DefinitionUri"))))
    return result


def parameter_values(template: Template, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of every parameter, given or default, as a list if its type is a list.

    The translator writes the values into the template, and would otherwise write a list as one string.
    """
    values: dict[str, Any] = {}
    for name, parameter in template.get("Parameters", {}).items():
        value = given.get(name, parameter.get("Default"))
        if value is not None:
            is_list = parameter["Type"] == "CommaDelimitedList" or parameter["Type"].startswith("List<")
            values[name] = [part.strip() for part in str(value).split(",")] if is_list else value
    return values


def translate_sam(template: Template, parameters: Mapping[str, str], region: str) -> Template:
    """Return plain CloudFormation, from aws-sam-translator. Raise its own exceptions for an invalid template."""
    transform = importlib.import_module("samtranslator.translator.transform").transform

    # The translator warns at a second translation that the metrics of the first were not published.
    logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)

    class NoManagedPolicies:
        def load(self) -> dict[str, str]:
            return {}

    # The translator reads the region only from the environment.
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = region
    try:
        translated: Template = transform(
            copy.deepcopy(template), parameter_values(template, parameters), NoManagedPolicies()
        )
    finally:
        if before is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = before
    translated.pop("Transform", None)
    return json.loads(json.dumps(translated))  # type: ignore[no-any-return]


def expand_http_apis(template: Template) -> Template:
    """Return the template with each HTTP API's OpenAPI Body as Integration, Authorizer and Route resources."""
    result = copy.deepcopy(template)
    for api_id, properties in list(resources(result, "AWS::ApiGatewayV2::Api")):
        body = properties.pop("Body", None)
        if body is None:
            continue
        properties.pop("FailOnWarnings", None)
        properties["Name"] = body.get("info", {}).get("title", api_id)
        properties["ProtocolType"] = "HTTP"
        properties["Tags"] = {**properties.get("Tags", {}), "ms-custom-id": API_ID}
        cors = body.get("x-amazon-apigateway-cors") or properties.get("CorsConfiguration")
        if cors:
            # ministack expects the spelling of the API: allowOrigins and so on.
            properties["CorsConfiguration"] = {name[:1].lower() + name[1:]: value for name, value in cors.items()}
        result["Resources"].update(_authorizers(api_id, body))
        result["Resources"].update(_routes(api_id, body))
    return result


def _authorizers(api_id: str, body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    schemes = body.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        settings = scheme.get("x-amazon-apigateway-authorizer")
        if not settings:
            continue
        source = settings.get("identitySource", "$request.header.Authorization")
        if isinstance(source, str):
            source = [part.strip() for part in source.split(",")]
        properties: dict[str, Any] = {
            "ApiId": {"Ref": api_id},
            "Name": name,
            "AuthorizerType": settings["type"].upper(),
            "IdentitySource": source,
        }
        optional = {
            "AuthorizerUri": settings.get("authorizerUri"),
            "AuthorizerPayloadFormatVersion": settings.get("authorizerPayloadFormatVersion"),
            "AuthorizerResultTtlInSeconds": settings.get("authorizerResultTtlInSeconds"),
            "EnableSimpleResponses": settings.get("enableSimpleResponses"),
        }
        properties.update({key: value for key, value in optional.items() if value is not None})
        resource = {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": properties}
        yield authorizer_id(api_id, name), resource


def _routes(api_id: str, body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in body.get("paths", {}).items():
        for method in METHODS:
            operation = operations.get(method)
            integration = (operation or {}).get("x-amazon-apigateway-integration")
            if not operation or not integration:
                continue
            verb = "ANY" if method == ANY_METHOD else method.upper()
            key = "$default" if path == "/$default" else f"{verb} {path}"
            stem = route_id(api_id, key)
            yield (
                f"{stem}Integration",
                {
                    "Type": "AWS::ApiGatewayV2::Integration",
                    "Properties": {
                        "ApiId": {"Ref": api_id},
                        "IntegrationType": integration["type"].upper(),
                        "IntegrationMethod": integration.get("httpMethod", "POST"),
                        "IntegrationUri": integration["uri"],
                        "PayloadFormatVersion": integration.get("payloadFormatVersion", "2.0"),
                    },
                },
            )
            route: dict[str, Any] = {
                "ApiId": {"Ref": api_id},
                "RouteKey": key,
                "Target": {"Fn::Sub": f"integrations/${{{stem}Integration}}"},
            }
            guards = [name for need in operation.get("security", []) for name in need if name != "NONE"]
            if guards:
                route["AuthorizationType"] = "CUSTOM"
                route["AuthorizerId"] = {"Ref": authorizer_id(api_id, guards[0])}
            yield f"{stem}Route", {"Type": "AWS::ApiGatewayV2::Route", "Properties": route}


def authorizer_id(api_id: str, name: str) -> str:
    """Return the logical id of an authorizer."""
    return f"{api_id}{re.sub(r'[^A-Za-z0-9]', '', name)}Authorizer"


def route_id(api_id: str, key: str) -> str:
    """Return the logical id of a route key. A hash keeps paths with the same letters apart.

    >>> route_id("HttpApi", "GET /v1/tasks/{id}")
    'HttpApiGETV1TasksId262c'
    """
    words = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", key))
    return f"{api_id}{words}{hashlib.sha256(key.encode()).hexdigest()[:4]}"


def topic_may_send(queue_arn: Any, topic_arn: Any) -> dict[str, Any]:
    """Return the policy of a queue to which a topic may send."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def add_notice_queue(template: Template, topic_output: str = "NoticeTopicArn") -> Template:
    """Return the template with a queue that receives every notice, which the demo and the tests read."""
    result = copy.deepcopy(template)
    topic = result.get("Outputs", {}).get(topic_output)
    if topic is None:
        return result
    result["Resources"]["LocalNoticeQueue"] = {"Type": "AWS::SQS::Queue", "Properties": {}}
    result["Resources"]["LocalNoticeQueuePolicy"] = {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": "LocalNoticeQueue"}],
            "PolicyDocument": topic_may_send({"Fn::GetAtt": ["LocalNoticeQueue", "Arn"]}, topic["Value"]),
        },
    }
    result["Resources"]["LocalNoticeSubscription"] = {
        "Type": "AWS::SNS::Subscription",
        "Properties": {
            "TopicArn": topic["Value"],
            "Protocol": "sqs",
            "Endpoint": {"Fn::GetAtt": ["LocalNoticeQueue", "Arn"]},
            "RawMessageDelivery": True,
        },
    }
    result["Outputs"][NOTICE_QUEUE_OUTPUT] = {"Value": {"Fn::GetAtt": ["LocalNoticeQueue", "QueueName"]}}
    return result


def secrets_by_arn(template: Template) -> Template:
    """Return the template with each Ref to a secret as its ARN, which is what Ref returns on AWS.

    ministack 1.5.33 returns the secret's name, which no policy may name as a resource.
    """
    secrets = {logical_id for logical_id, _ in resources(template, "AWS::SecretsManager::Secret")}

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            if len(value) == 1 and value.get("Ref") in secrets:
                return {"Fn::GetAtt": [value["Ref"], "Arn"]}
            return {name: replaced(part) for name, part in value.items()}
        return [replaced(part) for part in value] if isinstance(value, list) else value

    return {name: replaced(section) for name, section in template.items()}


def known_parameters(template: Template, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return those of the wanted parameters that the template declares."""
    return {name: value for name, value in wanted.items() if name in template.get("Parameters", {})}


def localise(template: Template, parameters: Mapping[str, str], region: str) -> Template:
    """Return the template for the local CloudFormation, from one with located packages and inlined definitions."""
    return secrets_by_arn(add_notice_queue(expand_http_apis(translate_sam(template, parameters, region))))
