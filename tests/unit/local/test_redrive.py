"""`tarmac redrive`: what it lists is there for whoever comes next, and what is malformed stops nothing."""

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
CALLBACK = '{"taskId":"t"}'


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
    """Function and payload of each event that is sent again."""
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


def test_what_is_listed_can_be_sent_at_once(deployed: StackOfTests, invoked: list[tuple[str, Any]]) -> None:
    """A message that was received stays hidden for a while, unless somebody says that it shall not."""
    deployed.send("AsyncFailureQueue", failed_event())
    deployed.send("WebhookDeadLetters", CALLBACK)
    deployed.send("BatchDeadLetters", *LINES)
    for _ in range(2):
        listed = tarmac("--dry-run")
        assert listed.exit_code == 0, listed.output
        assert "1 event, 1 callback and 12 parts of batches waiting" in listed.stderr
        assert listed.stdout.count("\n") == 14
    assert "AcceptUpload  no such bucket" in listed.stdout
    assert invoked == []

    sent = tarmac()

    assert "1 event, 1 callback and 12 parts of batches sent again" in sent.stderr
    assert invoked == [("arn:aws:lambda:eu-central-1:123456789012:function:AcceptUpload", {"detail": {}})]
    assert deployed.waiting("WebhookQueue") == [CALLBACK]
    assert set(deployed.waiting("BatchQueue")) <= set(LINES)
    assert json.loads(tarmac("--json").stdout) == {"redriven": True, "messages": [], "left": []}


@pytest.mark.parametrize(
    ("queue", "body", "words"),
    [
        ("AsyncFailureQueue", "<xml/>", "no JSON object"),
        ("AsyncFailureQueue", '["a"]', "no JSON object"),
        ("AsyncFailureQueue", '{"requestContext": 7, "requestPayload": {}}', "no failed event"),
        ("AsyncFailureQueue", '{"requestContext": {"functionArn": "arn"}, "requestPayload": {}}', "no failed event"),
        ("AsyncFailureQueue", failed_event().replace("requestPayload", "payload"), "no failed event"),
        ("AsyncFailureQueue", failed_event("Gone"), "Function not found"),
        ("WebhookDeadLetters", '{"batch": "b"}', "names no taskId"),
        ("BatchDeadLetters", '{"batch": 7}', "names no batch"),
    ],
)
def test_a_message_that_cannot_be_sent_is_named_and_left_and_stops_no_other(
    deployed: StackOfTests, invoked: list[tuple[str, Any]], queue: str, body: str, words: str
) -> None:
    [message_id] = deployed.send(queue, body)
    deployed.send("AsyncFailureQueue", failed_event())
    deployed.send("WebhookDeadLetters", CALLBACK)

    sent = tarmac()

    assert sent.exit_code == 1
    assert f"left in {queue}: {message_id}: " in sent.stderr
    assert words in sent.stderr
    assert "1 event, 1 callback and 0 parts of batches sent again" in sent.stderr
    assert deployed.waiting(queue) == [body]
    again = tarmac("--json")
    assert (again.exit_code, again.stderr) == (1, "")
    [left] = json.loads(again.stdout)["left"]
    assert (left["queue"], left["messageId"]) == (queue, message_id)


def test_a_listing_ends_though_its_messages_come_again(deployed: StackOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they do when it takes longer than they are hidden."""
    monkeypatch.setattr(redrive, "HELD_SECONDS", 0)
    deployed.send("BatchDeadLetters", *LINES[:3])
    listed = tarmac("--dry-run", "--json")
    assert sorted(each["message"] for each in json.loads(listed.stdout)["messages"]) == sorted(LINES[:3])


def test_an_interrupted_listing_leaves_everything_where_it_can_be_seen(
    deployed: StackOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(one: dict[str, str]) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(redrive, "_told", interrupt)
    deployed.send("WebhookDeadLetters", CALLBACK)
    assert tarmac("--dry-run").exit_code == 130
    assert deployed.waiting("WebhookDeadLetters") == [CALLBACK]
