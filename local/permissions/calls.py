"""The calls that functions make in their roles: recorded ones, those of AWS's services, and rare ones.

calls.json is the record of the end-to-end tests on the local AWS (`make calls`), one call for each distinct role,
action, resource and condition; local/aws/permissions.py writes it. Every value from a caller is replaced by `x`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.aws.template import Template, resources
from local.permissions.policies import STACK, Resolver, principal

FILE = Path(__file__).with_name("calls.json")
READS = ("s3:GetObject", "s3:GetObjectVersion")


@dataclass(frozen=True, order=True)
class Call:
    """One action of a principal on a resource. link: a signed link made the call, so S3 answers its holder."""

    principal: str
    action: str
    resource: str
    conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    link: bool = False

    @property
    def key(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Record:
    """What a stack's calls file holds."""

    allowed: list[Call]
    denied: list[Call]


def recorded(file: Path = FILE) -> list[Call]:
    """Return the committed calls."""
    return [_call(each) for each in json.loads(file.read_text(encoding="utf-8"))]


def write(calls: Iterable[Call], file: Path = FILE) -> None:
    """Replace the committed calls, one a line."""
    lines = sorted({call.key for call in calls})
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def read_record(file: Path) -> Record:
    """Return the calls of the functions of the stack `tarmac` in a record of local/aws/permissions.py."""
    found = Record([], [])
    for line in sorted(set(file.read_text(encoding="utf-8").splitlines())) if file.exists() else ():
        entry = json.loads(line)
        stack, _, role = entry.pop("role").partition("-")
        if stack == STACK:
            kept = found.allowed if entry.pop("allowed") else found.denied
            kept.append(_call({**entry, "principal": principal(role.removesuffix("-x"))}))
    return found


def _call(entry: Mapping[str, Any]) -> Call:
    conditions = {name: tuple(values) for name, values in entry["conditions"].items()}
    return Call(**{**entry, "conditions": conditions})


def checked_calls(resolver: Resolver, calls: Iterable[Call]) -> list[Call]:
    """Return calls with the ListBucket that each read of an object requires, and all calls that are not recorded."""
    every = [*calls, *calls_of_services(resolver), *(call for call, _ in rare_calls(resolver))]
    every += [
        Call(call.principal, "s3:ListBucket", call.resource.partition("/")[0])
        for call in every
        if call.action in READS and not call.link
    ]
    return list({call.key: call for call in every}.values())


def calls_of_services(resolver: Resolver) -> Iterator[Call]:
    """Yield the calls that Lambda, Step Functions and EventBridge make in roles of the template."""
    template = resolver.template
    for _, source in resources(template, "AWS::Lambda::EventSourceMapping"):
        function = source["FunctionName"]["Ref"]
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
            yield Call(function, f"sqs:{action}", resolver.value(source["EventSourceArn"]))
    for _, config in resources(template, "AWS::Lambda::EventInvokeConfig"):
        failed = config.get("DestinationConfig", {}).get("OnFailure")
        if failed:
            yield Call(config["FunctionName"]["Ref"], "sqs:SendMessage", resolver.value(failed["Destination"]))
    for machine, properties in resources(template, "AWS::StepFunctions::StateMachine"):
        for value in resolver.value(properties.get("DefinitionSubstitutions", {})).values():
            if ":function:" in str(value):
                yield Call(machine, "lambda:InvokeFunction", value)
        for action in _LOG_DELIVERY if "LoggingConfiguration" in properties else ():
            yield Call(machine, f"logs:{action}", "*")
    yield from _calls_of_schedules(resolver, template)


def _calls_of_schedules(resolver: Resolver, template: Template) -> Iterator[Call]:
    for _, schedule in resources(template, "AWS::Scheduler::Schedule"):
        [role, _] = schedule["Target"]["RoleArn"]["Fn::GetAtt"]
        yield Call(principal(role), "lambda:InvokeFunction", resolver.value(schedule["Target"]["Arn"]))


_LOG_DELIVERY = (
    "CreateLogDelivery",
    "GetLogDelivery",
    "UpdateLogDelivery",
    "DeleteLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "DescribeResourcePolicies",
    "DescribeLogGroups",
)


def rare_calls(resolver: Resolver) -> Iterator[tuple[Call, str]]:
    """Yield the calls that no end-to-end test makes, each with the case in which the function makes it."""
    yield from ()  # filled below
