"""`tarmac redrive`: sends failed events, webhooks and batch lines from the dead-letter queues again."""

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

HIDDEN_SECONDS = 300
"""How long a received message is hidden from all readers, this command included. Listing takes less time."""

WAIT_SECONDS = 1
"""Long polling, because only that asks all servers of SQS for messages."""

UPLOADS = "AcceptUpload"
"""The function that the rule of uploads calls."""

_MOST_AT_ONCE = 10
"""Most messages in one call to SQS."""


def redrive(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the messages without sending them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    stack: StackOption = None,
) -> None:
    """Send failed events again: uploads without a task, undelivered webhooks, unaccepted batch lines.

    Messages are stored for fourteen days. Sending one twice is safe: an object version or a line creates one task, and
    a delivered webhook is not sent again. Tasks need no redrive, because the sweeper repairs them. Exit code 1 if a
    message cannot be sent; it is reported and stays in its queue.
    """
    with plain_errors(as_json):
        target = find_target(stack)
        found: list[dict[str, str]] = []
        left: list[dict[str, str]] = []
        for source in _SOURCES:
            with _receiving(target, source.queue) as receiver:
                for message in receiver.messages():
                    try:
                        content = source.read(message["Body"])
                        if not dry_run:
                            source.send(target, content)
                            receiver.delete(message)
                    # A problem with one message does not stop the others.
                    except Exception as problem:
                        reason = str(problem) if isinstance(problem, LocalError) else repr(problem)
                        left.append({"queue": source.queue, "messageId": message["MessageId"], "reason": reason})
                        if not as_json:
                            print(f"left in {source.queue}: {message['MessageId']}: {reason}", file=sys.stderr)
                    else:
                        found.append({"kind": source.kind, **source.about(content)})
                        if not as_json:
                            print(_line(found[-1]))
        if as_json:
            print(json.dumps({"redriven": not dry_run, "messages": found, "left": left}))
        else:
            kinds = Counter(one["kind"] for one in found)
            verb = "waiting" if dry_run else "sent again"
            events, webhooks, parts = (_counted(kinds[kind], noun) for kind, noun in _NOUNS.items())
            print(f"{events}, {webhooks} and {parts} {verb}", file=sys.stderr)
        if left:
            raise typer.Exit(1)


@dataclass(frozen=True)
class _Source:
    """A dead-letter queue. read: parses a message or raises LocalError. about: what is printed. send: retries it."""

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
        raise LocalError("not a Lambda failure event")
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
    """Return the function's ARN without the qualifier that Lambda appends."""
    return ":".join(event["requestContext"]["functionArn"].split(":")[:7])


def _dead_letters(kind: str, queue: str, destination: str, name: str) -> _Source:
    """Return the source of a dead-letter queue whose messages contain an id `name` and return to `destination`."""

    def read(body: str) -> dict[str, Any]:
        if not isinstance(_object(body).get(name), str):
            raise LocalError(f"the message lacks {name}")
        return {"message": body}

    def send(target: Target, content: dict[str, Any]) -> None:
        target.client("sqs").send_message(QueueUrl=target.resource(destination), MessageBody=content["message"])

    return _Source(kind, queue, read, lambda content: content, send)


_SOURCES = (
    _Source("event", "AsyncFailureQueue", _read_event, _about_event, _invoke_again),
    _Source("event", "UploadDeadLetters", _read_undelivered, _about_undelivered, _deliver),
    _dead_letters("callback", "WebhookDeadLetters", "WebhookQueue", "taskId"),
    _dead_letters("lines", "BatchDeadLetters", "BatchQueue", "batch"),
)
# What each kind is called in text.
_NOUNS = {"event": "event", "callback": "webhook", "lines": "batch part"}
QUEUES: Sequence[str] = [source.queue for source in _SOURCES]


def _object(body: str) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise LocalError("the message is not a JSON object")
    return content


def _line(one: dict[str, str]) -> str:
    if "message" in one:
        return f"{_NOUNS[one['kind']]}  {one['message']}"
    return f"{one['failedAt']}  {one['function']}  {one['reason']}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


@dataclass
class _Receiver:
    """Receives the messages of a queue. Those that are not deleted become visible again at release()."""

    sqs: Any
    queue_url: str
    held: dict[str, str] = field(default_factory=dict)

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield each message once: SQS may deliver a message twice, and the loop must end."""
        seen: set[str] = set()
        while True:
            received = self.sqs.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=_MOST_AT_ONCE,
                VisibilityTimeout=HIDDEN_SECONDS,
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
        """Make the remaining messages visible. A receipt that SQS rejects belongs to a visible message."""
        receipts = list(self.held.values())
        for start in range(0, len(receipts), _MOST_AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts[start : start + _MOST_AT_ONCE])
            ]
            self.sqs.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)


@contextmanager
def _receiving(target: Target, queue: str) -> Iterator[_Receiver]:
    receiver = _Receiver(target.client("sqs"), target.resource(queue))
    try:
        yield receiver
    finally:
        # Even after an interruption, so that the next reader finds the messages at once.
        receiver.release()
