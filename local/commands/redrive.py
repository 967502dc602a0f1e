"""`tarmac redrive`: give events that a function could not handle, callbacks that were given up, and lines of batches
that could not be accepted another chance."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from local.commands.target import StackOption, Target, find_target
from local.errors import LocalError, plain_errors

HELD_SECONDS = 300
"""For how long a message that was received is hidden, from this command's own next look too: a listing takes less."""

WAIT_SECONDS = 1
"""For how long SQS looks for messages: at all its servers, which a look without waiting does not."""

UPLOADS = "AcceptUpload"
"""The function that the rule of uploads calls."""

_MOST_AT_ONCE = 10
"""Messages in one call to SQS."""


def redrive(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what is there, and leave it there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    stack: StackOption = None,
) -> None:
    """Send what has failed for good again: uploads that no task came of, callbacks that no receiver took, lines of
    batches that Tarmac could not accept.

    All wait for fourteen days. Sending one twice does no harm: an object version and a line make one task each, and a
    callback that has arrived is not sent again. Tasks themselves need no redrive, the sweeper looks after them.
    Exit code 1 if one cannot be sent: it is named, and left where it is.
    """
    with plain_errors(as_json):
        target = find_target(stack)
        found: list[dict[str, str]] = []
        left: list[dict[str, str]] = []
        for source in _SOURCES:
            with _look_into(target, source.queue) as look:
                for message in look.messages():
                    try:
                        content = source.read(message["Body"])
                        if not dry_run:
                            source.send(target, content)
                            look.delete(message)
                    # Whatever is wrong with one message, the others are not held up.
                    except Exception as problem:
                        reason = str(problem) if isinstance(problem, LocalError) else repr(problem)
                        left.append({"queue": source.queue, "messageId": message["MessageId"], "reason": reason})
                        if not as_json:
                            print(f"left in {source.queue}: {message['MessageId']}: {reason}", file=sys.stderr)
                    else:
                        found.append({"kind": source.kind, **source.about(content)})
                        if not as_json:
                            print(_told(found[-1]))
        if as_json:
            print(json.dumps({"redriven": not dry_run, "messages": found, "left": left}))
        else:
            kinds = Counter(one["kind"] for one in found)
            verb = "waiting" if dry_run else "sent again"
            counted = f"{_counted(kinds['event'], 'event')}, {_counted(kinds['callback'], 'callback')}"
            print(f"{counted} and {_counted(kinds['lines'], 'part')} of batches {verb}", file=sys.stderr)
        if left:
            raise typer.Exit(1)


@dataclass(frozen=True)
class _Source:
    """A queue of what was given up. `read` raises LocalError for a message that nobody could handle again, `about` is
    what people are told of its content, `send` gives that another chance."""

    kind: str
    queue: str
    read: Callable[[str], dict[str, Any]]
    about: Callable[[dict[str, Any]], dict[str, str]]
    send: Callable[[Target, dict[str, Any]], None]


def _read_event(body: str) -> dict[str, Any]:
    event = _object(body)
    context = event.get("requestContext")
    arn = context.get("functionArn") if isinstance(context, dict) else None
    if not isinstance(arn, str) or ":function:" not in arn or "requestPayload" not in event:
        raise LocalError("this is no failed event of a function")
    return event


def _read_undelivered(body: str) -> dict[str, Any]:
    event = _object(body)
    if event.get("detail-type") != "Object Created" or not isinstance(event.get("detail"), dict):
        raise LocalError("not an S3 event of EventBridge")
    return event


def _about_undelivered(event: dict[str, Any]) -> dict[str, str]:
    stored = event["detail"].get("object")
    key = stored.get("key", "?") if isinstance(stored, dict) else "?"
    return {"failedAt": str(event.get("time", "?")), "function": UPLOADS, "reason": f"not delivered: {key}"[:120]}


def _deliver(target: Target, event: dict[str, Any]) -> None:
    name = target.resource(UPLOADS)
    target.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())


def _about_event(event: dict[str, Any]) -> dict[str, str]:
    response = event.get("responsePayload")
    reason = response.get("errorMessage") if isinstance(response, dict) else None
    return {
        "failedAt": str(event.get("timestamp", "?")),
        "function": _function_of(event).rpartition(":")[2],
        "reason": str(reason or event["requestContext"].get("condition", "unknown reason"))[:120],
    }


def _invoke_again(target: Target, event: dict[str, Any]) -> None:
    payload = json.dumps(event["requestPayload"]).encode()
    target.client("lambda").invoke(FunctionName=_function_of(event), InvocationType="Event", Payload=payload)


def _function_of(event: dict[str, Any]) -> str:
    """The function's ARN without the qualifier that destinations append."""
    return ":".join(event["requestContext"]["functionArn"].split(":")[:7])


def _given_up(kind: str, queue: str, destination: str, name: str) -> _Source:
    """A queue's dead letters, each of which names something by its id: back to where they came from."""

    def read(body: str) -> dict[str, Any]:
        if not isinstance(_object(body).get(name), str):
            raise LocalError(f"this names no {name}")
        return {"message": body}

    def send(target: Target, content: dict[str, Any]) -> None:
        target.client("sqs").send_message(QueueUrl=target.resource(destination), MessageBody=content["message"])

    return _Source(kind, queue, read, lambda content: content, send)


_SOURCES = (
    _Source("event", "AsyncFailureQueue", _read_event, _about_event, _invoke_again),
    _Source("event", "UploadDeadLetters", _read_undelivered, _about_undelivered, _deliver),
    _given_up("callback", "WebhookDeadLetters", "WebhookQueue", "taskId"),
    _given_up("lines", "BatchDeadLetters", "BatchQueue", "batch"),
)
QUEUES: Sequence[str] = [source.queue for source in _SOURCES]


def _object(body: str) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise LocalError("this is no JSON object")
    return content


def _told(one: dict[str, str]) -> str:
    if "message" in one:
        return f"{one['kind']}  {one['message']}"
    return f"{one['failedAt']}  {one['function']}  {one['reason']}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


@dataclass
class _Look:
    """A look into a queue. What was received, and is not deleted, is held until the end of the look."""

    sqs: Any
    queue_url: str
    held: dict[str, str] = field(default_factory=dict)

    def messages(self) -> Iterator[dict[str, Any]]:
        """Each message once, by its id: SQS may give one out again, and the look has to end."""
        seen: set[str] = set()
        while True:
            received = self.sqs.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=_MOST_AT_ONCE,
                VisibilityTimeout=HELD_SECONDS,
                WaitTimeSeconds=WAIT_SECONDS,
            ).get("Messages", [])
            self.held |= {message["MessageId"]: message["ReceiptHandle"] for message in received}
            new = {message["MessageId"]: message for message in received if message["MessageId"] not in seen}
            if not new:
                return
            seen |= set(new)
            yield from new.values()

    def delete(self, message: dict[str, Any]) -> None:
        self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        del self.held[message["MessageId"]]

    def release(self) -> None:
        """Let everybody see what is still there. A receipt that SQS takes no more is of one that can be seen."""
        receipts = list(self.held.values())
        for start in range(0, len(receipts), _MOST_AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts[start : start + _MOST_AT_ONCE])
            ]
            self.sqs.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)


@contextmanager
def _look_into(target: Target, queue: str) -> Iterator[_Look]:
    look = _Look(target.client("sqs"), target.resource(queue))
    try:
        yield look
    finally:
        # However it ends: whoever comes next, be it this command without --dry-run, finds them at once.
        look.release()
