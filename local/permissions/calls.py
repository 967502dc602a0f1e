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
    """Return the calls in a record of local/aws/permissions.py, without those of examples, which are other stacks."""
    found = Record([], [])
    for line in sorted(set(file.read_text(encoding="utf-8").splitlines())) if file.exists() else ():
        entry = json.loads(line)
        stack, _, role = entry.pop("role").removesuffix("-x").rpartition("-")
        if stack == STACK:
            kept = found.allowed if entry.pop("allowed") else found.denied
            kept.append(_call({**entry, "principal": principal(role)}))
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


_VERSIONED = "the bucket is versioned"
_OUTPUT_EXISTS = "the archive has the object already, from an attempt whose response was lost"
_NO_PROGRESS = "a batch has made no progress for 15 minutes"
_UPLOAD_FAILS = "a part of an upload to the archive fails"
_RARE: tuple[tuple[str, str, str, str], ...] = (
    ("AcceptUpload", "s3:GetObjectVersion", "{UploadBucket}/inbox/x", _VERSIONED),
    ("AcceptUpload", "s3:GetObjectVersionTagging", "{UploadBucket}/inbox/x", _VERSIONED),
    ("AcceptUpload", "s3:GetObject", "{UploadBucket}/uploads/x", "a request file names an upload"),
    ("AcceptUpload", "s3:GetObject", "{ArchiveBucket}/x", "a request file names an output"),
    ("FinishSession", "s3:GetObject", "{ArchiveBucket}/x", _OUTPUT_EXISTS),
    ("FinishSession", "s3:AbortMultipartUpload", "{ArchiveBucket}/x", _UPLOAD_FAILS),
    ("FinishTask", "s3:GetObject", "{ArchiveBucket}/x", _OUTPUT_EXISTS),
    ("FinishTask", "s3:AbortMultipartUpload", "{ArchiveBucket}/x", _UPLOAD_FAILS),
    ("ManageCharacters", "s3:GetObject", "{ArchiveBucket}/x", "a request names an output"),
    (
        "ManageCharacters",
        "s3:GetObject",
        "arn:aws:s3:::media-of-tests/x",
        "a link names an object of `InputBuckets`",
    ),
    ("ManageCharacters", "s3:GetObjectVersion", "arn:aws:s3:::media-of-tests/x", "the same, with a version"),
    (
        "ReadTasks",
        "s3:DeleteObject",
        "{ArchiveBucket}/x",
        "an ended task is deleted with `DeleteOutputsOnDelete`",
    ),
    ("RunBatch", "s3:PutObject", "{UploadBucket}/inputs/x", "a line has a data URI"),
    ("RunBatch", "sqs:ChangeMessageVisibility", "{BatchQueue}", "a line must be retried later"),
    ("RunBatch", "sqs:SendMessage", "{BatchQueue}", "chunks of a batch are missing"),
    ("SubmitTask", "s3:GetObjectVersion", "{UploadBucket}/inbox/x", _VERSIONED),
    ("SubmitTask", "s3:GetObjectVersion", "arn:aws:s3:::media-of-tests/x", "a link to `InputBuckets` has a version"),
    ("Sweep", "sqs:SendMessage", "{BatchQueue}", _NO_PROGRESS),
)


def rare_calls(resolver: Resolver) -> Iterator[tuple[Call, str]]:
    """Yield the calls that at most slow tests make, each with the case in which the function makes it."""
    arns = {name: resolver.arn(name) for name in ("UploadBucket", "ArchiveBucket", "BatchQueue")}
    for function, action, resource, case in _RARE:
        yield Call(function, action, resource.format(**arns)), case
    forget = Call(
        "ManageCharacters", "dynamodb:DeleteItem", resolver.arn("TasksTable"), {"dynamodb:LeadingKeys": ("send#x",)}
    )
    yield forget, "Runway rejects a create"
    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem"):
        keys = ("client-token#x", "session-attempt#x", "session-minutes#x")
        release = Call("Sweep", action, resolver.arn("TasksTable"), {"dynamodb:LeadingKeys": keys})
        yield release, "the minutes of a rejected session could not be released at once"
    for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
        yield Call("Sweep", action, resolver.arn("TasksTable"), {"dynamodb:LeadingKeys": ("batch#x",)}), _NO_PROGRESS
    tag = Call(
        "AcceptUpload",
        "s3:PutObjectVersionTagging",
        arns["UploadBucket"] + "/inbox/x",
        {"s3:RequestObjectTagKeys": ("tarmac-task",)},
    )
    yield tag, _VERSIONED
