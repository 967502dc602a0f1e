"""Everything that the product has written on a stack, as text with its place; and the search through it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from local.stack import NAME
from tests.storm.rig import Rig


@dataclass(frozen=True)
class Straw:
    """One text and where it stands: `log`, `history`, `row`, `message`, `object` or `setting`, then the exact place."""

    kind: str
    place: str
    text: str


@dataclass(frozen=True)
class Canary:
    """A planted text. `allowed`: kinds of row (the first word of their sort key) that it belongs in."""

    name: str
    text: str
    allowed: frozenset[str] = frozenset()


def haystack(rig: Rig) -> list[Straw]:
    """Every log line, execution event, row, message, archived object's name and metadata, and function's setting.

    Messages are taken off their queues. There are no traces: the local AWS records none.
    """
    return [*_logs(rig), *_histories(rig), *_rows(rig), *_messages(rig), *_objects(rig), *_settings(rig)]


def hits(straws: Iterable[Straw], canaries: Iterable[Canary]) -> list[str]:
    """Each canary that was found where it does not belong, with its place."""
    spellings = [(canary, spelling) for canary in canaries for spelling in _spellings(canary.text)]
    return [
        f"{canary.name} in {straw.kind} {straw.place}: …{_around(straw.text, spelling)}…"
        for straw in straws
        for canary, spelling in spellings
        if spelling in straw.text and not _belongs(canary, straw)
    ]


def _belongs(canary: Canary, straw: Straw) -> bool:
    return straw.kind == "row" and straw.place.split(" ")[-1].split("#")[0] in canary.allowed


def _spellings(text: str) -> set[str]:
    """As it is, as in a URL, and, if it is too long to occur by chance, as base64 in its three alignments."""
    spellings = {text, quote(text, safe="")}
    if len(text) >= 16:
        # Less the ends, which depend on the neighbours.
        spellings |= {base64.b64encode(b"\0" * shift + text.encode()).decode()[4:-4] for shift in range(3)}
    return spellings


def _around(text: str, found: str) -> str:
    at = text.index(found)
    return text[max(0, at - 60) : at + len(found) + 20]


def _logs(rig: Rig) -> Iterator[Straw]:
    logs = rig.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                for event in events["events"]:
                    yield Straw("log", f"{name} {event['logStreamName']}", event["message"])


def _histories(rig: Rig) -> Iterator[Straw]:
    states = rig.client("stepfunctions")
    for machine in (rig.info.generation_state_machine_arn, rig.info.session_state_machine_arn):
        for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine):
            for execution in page["executions"]:
                arn, name = execution["executionArn"], execution["name"]
                yield Straw("history", name, _text(states.describe_execution(executionArn=arn)))
                events = states.get_paginator("get_execution_history").paginate(executionArn=arn)
                for part in events:
                    for event in part["events"]:
                        yield Straw("history", f"{name} {event['id']} {event['type']}", _text(event))


def _rows(rig: Rig) -> Iterator[Straw]:
    for row in rig.rows():
        yield Straw("row", f"{row['pk']} {row['sk']}", _text(row))


def _messages(rig: Rig) -> Iterator[Straw]:
    for url in rig.client("sqs").list_queues().get("QueueUrls", []):
        # The address is composed here, since the queue's own address may name another host.
        own = f"{rig.info.aws_endpoint_url}/{url.split('/', 3)[3]}"
        for message in rig.messages(own):
            yield Straw("message", own, message)


def _objects(rig: Rig) -> Iterator[Straw]:
    s3 = rig.client("s3")
    for key in rig.archive_keys():
        head = s3.head_object(Bucket=rig.info.archive_bucket, Key=key)
        yield Straw("object", key, _text([key, head["Metadata"], head["ResponseMetadata"]["HTTPHeaders"]]))


def _settings(rig: Rig) -> Iterator[Straw]:
    for page in rig.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            yield Straw("setting", function["FunctionName"], _text(function))
    described: Mapping[str, Any] = rig.client("cloudformation").describe_stacks(StackName=NAME)
    yield Straw("setting", NAME, _text(described["Stacks"]))
    for page in rig.client("cloudwatch").get_paginator("list_metrics").paginate():
        yield Straw("setting", "metrics", _text(page["Metrics"]))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
