"""`tarmac redrive`: listed messages stay available, and an invalid message stops no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from local.cli import app
from local.commands import redrive
from local.commands.target import Target
from tests.unit.local.conftest import StackOfTests

LINES = [json.dumps({"batch": "b", "chunk": number}) for number in range(1, 13)]
WEBHOOK = '{"taskId":"t"}'


def tarmac(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["redrive", *arguments])


def failed_event(function: str = "AcceptUpload") -> str:
    arn = f"arn:aws:lambda:eu-central-1:123456789012:function:{function}:$LATEST"
    return json.dumps(
        {
            "timestamp": "2026-11-20T12:00:00Z",
            "requestContext": {"functionArn": arn, "condition": "RetriesExhausted"},
            "requestPayload": {"detail": {}},
            "responsePayload": {"errorMessage": "no such bucket"},
        }
    )


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Function and payload of each redriven event."""
    calls: list[tuple[str, Any]] = []

    class Lambda:
        def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> None:
            if FunctionName.endswith("Gone"):
                raise LookupError("Function not found")
            calls.append((FunctionName, json.loads(Payload)))

    client = Target.client
    monkeypatch.setattr(
        Target, "client", lambda target, service: Lambda() if service == "lambda" else client(target, service)
    )
    return calls


def test_a_listed_message_can_be_redriven_at_once(deployed: StackOfTests, invoked: list[tuple[str, Any]]) -> None:
    """A received message would stay hidden for minutes if the command did not release it."""
    deployed.send("AsyncFailureQueue", failed_event())
    deployed.send("WebhookDeadLetters", WEBHOOK)
    deployed.send("BatchDeadLetters", *LINES)
    for _ in range(2):
        listed = tarmac("--dry-run")
        assert listed.exit_code == 0, listed.output
        assert "1 event, 1 webhook and 12 batch parts waiting" in listed.stderr
        assert listed.stdout.count("\n") == 14
    assert "AcceptUpload  no such bucket" in listed.stdout
    assert invoked == []

    sent = tarmac()

    assert "1 event, 1 webhook and 12 batch parts sent again" in sent.stderr
    assert invoked == [("arn:aws:lambda:eu-central-1:123456789012:function:AcceptUpload", {"detail": {}})]
    assert deployed.waiting("WebhookQueue") == [WEBHOOK]
    assert set(deployed.waiting("BatchQueue")) <= set(LINES)
    assert json.loads(tarmac("--json").stdout) == {"redriven": True, "messages": [], "left": []}


UNDELIVERED = {
    "detail-type": "Object Created",
    "source": "aws.s3",
    "time": "2026-11-20T12:00:00Z",
    "detail": {"bucket": {"name": "uploads"}, "object": {"key": "inbox/a.png"}},
}
"""A message in a dead-letter queue of EventBridge: the body is the event, the error is in the attributes."""


def test_an_event_that_was_never_delivered(deployed: StackOfTests, invoked: list[tuple[str, Any]]) -> None:
    """The function gets the event as the rule would have delivered it."""
    deployed.send("UploadDeadLetters", json.dumps(UNDELIVERED))
    listed = tarmac("--dry-run")
    assert "AcceptUpload  not delivered: inbox/a.png" in listed.stdout
    assert invoked == []

    assert tarmac().exit_code == 0

    assert invoked == [("tarmac-AcceptUpload", UNDELIVERED)]
    assert deployed.waiting("UploadDeadLetters") == []


@pytest.mark.parametrize(
    ("queue", "body", "words"),
    [
        ("UploadDeadLetters", "[]", "not a JSON object"),
        ("UploadDeadLetters", '{"detail-type": "Scheduled Event", "detail": {}}', "not an S3 event"),
        ("AsyncFailureQueue", "<xml/>", "not a JSON object"),
        ("AsyncFailureQueue", '["a"]', "not a JSON object"),
        ("AsyncFailureQueue", '{"requestContext": 7, "requestPayload": {}}', "not a Lambda failure event"),
        (
            "AsyncFailureQueue",
            '{"requestContext": {"functionArn": "arn"}, "requestPayload": {}}',
            "not a Lambda failure event",
        ),
        ("AsyncFailureQueue", failed_event().replace("requestPayload", "payload"), "not a Lambda failure event"),
        ("AsyncFailureQueue", failed_event("Gone"), "Function not found"),
        ("WebhookDeadLetters", '{"batch": "b"}', "lacks taskId"),
        ("BatchDeadLetters", '{"batch": 7}', "lacks batch"),
    ],
)
def test_a_message_that_cannot_be_redriven_is_reported_and_stays_in_its_queue(
    deployed: StackOfTests, invoked: list[tuple[str, Any]], queue: str, body: str, words: str
) -> None:
    [message_id] = deployed.send(queue, body)
    deployed.send("AsyncFailureQueue", failed_event())
    deployed.send("WebhookDeadLetters", WEBHOOK)

    sent = tarmac()

    assert sent.exit_code == 1
    assert f"left in {queue}: {message_id}: " in sent.stderr
    assert words in sent.stderr
    assert "1 event, 1 webhook and 0 batch parts sent again" in sent.stderr
    assert deployed.waiting(queue) == [body]
    again = tarmac("--json")
    assert (again.exit_code, again.stderr) == (1, "")
    [left] = json.loads(again.stdout)["left"]
    assert (left["queue"], left["messageId"]) == (queue, message_id)


def test_a_listing_ends_even_if_messages_are_delivered_again(
    deployed: StackOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As happens when a listing takes longer than messages are hidden."""
    monkeypatch.setattr(redrive, "HIDDEN_SECONDS", 0)
    deployed.send("BatchDeadLetters", *LINES[:3])
    listed = tarmac("--dry-run", "--json")
    assert sorted(each["message"] for each in json.loads(listed.stdout)["messages"]) == sorted(LINES[:3])


def test_an_interrupted_listing_makes_its_messages_visible_again(
    deployed: StackOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_message: dict[str, str]) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(redrive, "_line", interrupt)
    deployed.send("WebhookDeadLetters", WEBHOOK)
    assert tarmac("--dry-run").exit_code == 130
    assert deployed.waiting("WebhookDeadLetters") == [WEBHOOK]
