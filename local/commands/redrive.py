"""`tarmac redrive`: give events that a function could not handle, callbacks that were given up, and lines of batches
that could not be accepted another chance."""

from __future__ import annotations

import json
import sys
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer

from local.commands.target import StackOption, Target, find_target
from local.errors import LocalError, plain_errors

if TYPE_CHECKING:
    from collections.abc import Iterator


def redrive(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what is there, and leave it there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    stack: StackOption = None,
) -> None:
    """Send what has failed for good again: uploads that no task came of, callbacks that no receiver took, lines of
    batches that Tarmac could not accept.

    All wait for fourteen days. Sending one twice does no harm: an object version and a line make one task each, and a
    callback that has arrived is not sent again. Tasks themselves need no redrive, the sweeper looks after them.
    """
    with plain_errors(as_json):
        target = find_target(stack)
        found = []
        every = chain(
            _redrive_events(target, dry_run),
            _requeue(target, "callback", "WebhookDeadLetters", "WebhookQueue", dry_run),
            _requeue(target, "lines", "BatchDeadLetters", "BatchQueue", dry_run),
        )
        for one in every:
            found.append(one)
            if not as_json:
                print(_told(one))
        if as_json:
            print(json.dumps({"redriven": not dry_run, "messages": found}))
            return
        kinds = Counter(one["kind"] for one in found)
        verb = "waiting" if dry_run else "sent again"
        counted = f"{_counted(kinds['event'], 'event')}, {_counted(kinds['callback'], 'callback')}"
        print(f"{counted} and {_counted(kinds['lines'], 'part')} of batches {verb}", file=sys.stderr)


def _told(one: dict[str, str]) -> str:
    if "message" in one:
        return f"{one['kind']}  {one['message']}"
    return f"{one['failedAt']}  {one['function']}  {one['reason']}"


def _redrive_events(target: Target, dry_run: bool) -> Iterator[dict[str, str]]:
    for queue_url, message in _messages(target, "AsyncFailureQueue"):
        event = json.loads(message["Body"])
        function = _function_of(event)
        yield {
            "kind": "event",
            "failedAt": str(event.get("timestamp", "?")),
            "function": function.rpartition(":")[2],
            "reason": _reason(event),
        }
        if not dry_run:
            payload = json.dumps(event["requestPayload"]).encode()
            target.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload)
            target.client("sqs").delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _requeue(target: Target, kind: str, dead_letters: str, queue: str, dry_run: bool) -> Iterator[dict[str, str]]:
    """From a queue of what was given up back to the one that it came from."""
    for queue_url, message in _messages(target, dead_letters):
        yield {"kind": kind, "message": message["Body"]}
        if not dry_run:
            sqs = target.client("sqs")
            sqs.send_message(QueueUrl=target.resource(queue), MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _messages(target: Target, queue: str) -> Iterator[tuple[str, Any]]:
    """What waits in a queue, each message invisible to others from now on for the queue's visibility timeout."""
    sqs = target.client("sqs")
    queue_url = target.resource(queue)
    while True:
        messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages")
        if not messages:
            return
        for message in messages:
            yield queue_url, message


def _function_of(event: dict[str, Any]) -> str:
    """The function's ARN without the qualifier that destinations append."""
    try:
        arn = str(event["requestContext"]["functionArn"])
    except (KeyError, TypeError):
        raise LocalError("a message in the failure queue is no failed event: look at it by hand") from None
    return ":".join(arn.split(":")[:7])


def _reason(event: dict[str, Any]) -> str:
    response = event.get("responsePayload")
    message = response.get("errorMessage") if isinstance(response, dict) else None
    return str(message or event["requestContext"].get("condition", "unknown reason"))[:120]
