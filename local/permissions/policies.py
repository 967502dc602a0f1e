"""The policies of a translated template with concrete ARNs. Pure: dictionaries in, dictionaries out.

Names follow the local AWS, with `x` as the random part: the table of a stack `tarmac` is `tarmac-TasksTable-x`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.aws.template import Template, resources

Statement = dict[str, Any]

ACCOUNT, REGION, STACK = "000000000000", "us-east-1", "tarmac"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": None,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{name}-x",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
# Resources whose Ref is their ARN; that of any other resource is taken as its name.
REF_IS_ARN = ("AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine")


@dataclass(frozen=True)
class Resolver:
    """Evaluates intrinsic functions. parameters: the value of every parameter, lists as lists."""

    template: Template
    parameters: Mapping[str, Any]
    _values: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_values", {**PSEUDO, **self.parameters})

    def name(self, logical_id: str) -> str:
        """Return the physical name of a resource."""
        resource = self.template["Resources"][logical_id]
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            return str(self.value(resource["Properties"]["StateMachineName"]))
        name = f"{STACK}-{logical_id}-x"
        return name.lower() if resource["Type"] == "AWS::S3::Bucket" else name

    def arn(self, logical_id: str) -> str:
        """Return the ARN of a resource; its name if its type has no ARN here."""
        form = ARNS.get(self.template["Resources"][logical_id]["Type"])
        name = self.name(logical_id)
        return name if form is None else "arn:aws:" + form.format(region=REGION, account=ACCOUNT, name=name)

    def value(self, node: Any) -> Any:
        """Return a value of the template without intrinsic functions, and without parts that are AWS::NoValue."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(function, argument)] = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(function.removeprefix("Fn::"), argument)
        values = {name: self.value(part) for name, part in node.items()}
        return {name: value for name, value in values.items() if value is not None}

    def _call(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._ref(argument)
            case "GetAtt":
                logical_id, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                return self.arn(logical_id) if attribute == "Arn" else self.name(logical_id)
            case "Sub":
                return self._substitute(argument)
            case "If":
                condition, chosen, otherwise = argument
                return self.value(chosen if self._holds(self.template["Conditions"][condition]) else otherwise)
            case "Join":
                return argument[0].join(self.value(argument[1]))
            case "Split":
                return self.value(argument[1]).split(argument[0])
        raise ValueError(f"Fn::{function} is not supported")

    def _ref(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        is_arn = self.template["Resources"][name]["Type"] in REF_IS_ARN
        return self.arn(name) if is_arn else self.name(name)

    def _substitute(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def replaced(found: re.Match[str]) -> str:
            name = found[1]
            if name in given:
                return str(self.value(given[name]))
            return str(self.arn(name.removesuffix(".Arn")) if name.endswith(".Arn") else self._ref(name))

        return re.sub(r"\$\{([^}!]+)\}", replaced, text)

    def _holds(self, condition: Any) -> bool:
        [(function, argument)] = condition.items()
        if function == "Fn::Equals":
            return bool(self.value(argument[0]) == self.value(argument[1]))
        if function == "Fn::Not":
            return not self._holds(argument[0])
        raise ValueError(f"{function} is not supported in a condition")


def policies(resolver: Resolver) -> dict[str, list[Statement]]:
    """Return the inline statements of each role by the name of its function or state machine, each with a Sid."""
    found = {}
    for logical_id, properties in resources(resolver.template, "AWS::IAM::Role"):
        statements = list(_statements(resolver, properties.get("Policies", ())))
        if statements:
            found[principal(logical_id)] = statements
    return found


def principal(role: str) -> str:
    """Return the logical id of what acts in a role: SAM names the role of CreateTask CreateTaskRole."""
    return role.removesuffix("Role")


def _statements(resolver: Resolver, inline: Any) -> Iterator[Statement]:
    for policy in inline:
        for number, statement in enumerate(resolver.value(policy["PolicyDocument"]["Statement"])):
            yield {"Sid": f"{resolver.value(policy['PolicyName'])}{number}", **statement}


def actions_of(statement: Mapping[str, Any]) -> list[str]:
    """Return the actions of a statement as a list."""
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)
