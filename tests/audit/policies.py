"""The policies of a translated template as IAM sees them: every intrinsic function replaced by what it yields.

Names and ids are made up; only their form matters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local.aws.template import Template, resources

ACCOUNT, REGION, STACK = "123456789012", "eu-central-1", "tarmac"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
# Values that enable every conditional statement, and those of parameters without a default.
PARAMETERS = {"InputBuckets": "films,other.films", "DeleteOutputsOnDelete": "true", "FilmBucket": "films"}
ARNS = {
    "AWS::DynamoDB::Table": f"dynamodb:{REGION}:{ACCOUNT}:table/",
    "AWS::IAM::Role": f"iam::{ACCOUNT}:role/",
    "AWS::Lambda::Function": f"lambda:{REGION}:{ACCOUNT}:function:",
    "AWS::S3::Bucket": "s3:::",
    "AWS::SNS::Topic": f"sns:{REGION}:{ACCOUNT}:",
    "AWS::SQS::Queue": f"sqs:{REGION}:{ACCOUNT}:",
    "AWS::SecretsManager::Secret": f"secretsmanager:{REGION}:{ACCOUNT}:secret:",
    "AWS::StepFunctions::StateMachine": f"states:{REGION}:{ACCOUNT}:stateMachine:",
}
# Ref yields the ARN of these, and the name of all others.
NAMED_BY_ARN = {"AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine"}
IMPORTS = {
    "ArchiveBucket": "tarmac-archive",
    "NoticeTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:notices",
    "GenerationStateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STACK}-generation",
}


def policies(template: Template) -> dict[str, dict[str, Any]]:
    """Role → its inline policies as one policy document. Raises KeyError for an unknown intrinsic function."""
    resolved = Resolver(template)
    return {
        name: {
            "Version": "2012-10-17",
            "Statement": [
                statement
                for policy in properties.get("Policies", [])
                for statement in resolved(policy["PolicyDocument"]["Statement"])
            ],
        }
        for name, properties in resources(template, "AWS::IAM::Role")
        if properties.get("Policies")
    }


class Resolver:
    """Evaluates the intrinsic functions that policies use."""

    def __init__(self, template: Template) -> None:
        self._template = template
        defaults = {name: str(each.get("Default", "")) for name, each in template.get("Parameters", {}).items()}
        self._parameters = defaults | {name: value for name, value in PARAMETERS.items() if name in defaults}

    def __call__(self, value: Any) -> Any:
        """The value with every intrinsic function below it evaluated."""
        if isinstance(value, list):
            return [part for part in map(self, value) if part is not None]
        if not isinstance(value, Mapping):
            return value
        [(name, argument), *others] = value.items()
        if others or not (name == "Ref" or name.startswith("Fn::")):
            return {key: self(inner) for key, inner in value.items()}
        match name:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                return self._arn(argument[0])
            case "Fn::Sub":
                return self._sub(*([argument] if isinstance(argument, str) else argument))
            case "Fn::If":
                return self(argument[1] if self._holds(self._template["Conditions"][argument[0]]) else argument[2])
            case "Fn::Join":
                return argument[0].join(self(argument[1]))
            case "Fn::Split":
                return self(argument[1]).split(argument[0])
            case "Fn::ImportValue":
                return IMPORTS[self(argument).partition("-")[2]]
        raise KeyError(name)

    def _ref(self, name: str) -> str | None:
        if name == "AWS::NoValue":
            return None
        if name in PSEUDO or name in self._parameters:
            return PSEUDO.get(name) or self._parameters[name]
        is_arn = self._template["Resources"][name]["Type"] in NAMED_BY_ARN
        return self._arn(name) if is_arn else f"{STACK}-{name}".lower()

    def _arn(self, name: str) -> str:
        return f"arn:aws:{ARNS[self._template['Resources'][name]['Type']]}{STACK}-{name}".replace("_", "-")

    def _sub(self, text: str, values: Mapping[str, Any] | None = None) -> str:
        given = {name: str(self(value)) for name, value in (values or {}).items()}

        def filled(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            return given[name] if name in given else str(self._arn(name) if attribute else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", filled, text)

    def _holds(self, condition: Mapping[str, Any]) -> bool:
        [(name, argument)] = condition.items()
        if name == "Fn::Not":
            return not self._holds(argument[0])
        left, right = argument
        return bool(self(left) == self(right))
