"""Webhooks from the create to the receiver, on a separate stack that allows the origin of the receiver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from local.paths import ROOT
from local.stack import running_stack
from tarmac.rows import NoticeState
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment, log_lines
from tests.e2e.requests import text_to_video
from tests.e2e.shared import TIME_SCALE
from tests.e2e.waiting import eventually
from tests.fakes.servers import Behaviour, Received, TinyServer, answer, tiny_server

OK = answer(204)


@dataclass(frozen=True)
class Receiver:
    """A customer's server: each test has a path of its own, with a token in the query."""

    server: TinyServer
    path: str

    @property
    def url(self) -> str:
        return f"{self.server.url}{self.path}?token=t0k3n"

    def answers(self, *behaviours: Behaviour) -> None:
        """Set the responses; the last one repeats."""
        self.server.answers(*behaviours)

    def received(self) -> list[Received]:
        return [request for request in self.server.requests if request.path.startswith(self.path)]


@pytest.fixture(scope="module")
def server() -> Iterator[TinyServer]:
    with tiny_server() as running:
        running.answers(OK)
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webhooks")


@pytest.fixture(scope="module")
def deployment(server: TinyServer, home: Path) -> Iterator[Deployment]:
    """A stack that allows webhooks to the receiver's origin only."""
    parameters = {"WebhookOrigins": server.url, "AuthorizerCacheSeconds": "0"}
    with running_stack(home, time_scale=TIME_SCALE, parameters=parameters) as info, Deployment.of(info) as opened:
        yield opened


@pytest.fixture
def api(deployment: Deployment) -> Iterator[Api]:
    with Api.of_new_client(deployment) as client:
        yield client


@pytest.fixture
def receiver(server: TinyServer) -> Receiver:
    server.answers(OK)
    return Receiver(server, f"/hook-{uuid.uuid4().hex}")


@pytest.fixture(scope="module")
def tarmac(home: Path) -> Any:
    """The operator's command with this stack's settings."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TARMAC_")}
        return subprocess.run(
            [sys.executable, "-m", "local.cli", *arguments],
            env=environment | {"TARMAC_HOME": str(home), "NO_PROXY": "127.0.0.1"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    return run


def record(api: Api, task_id: str) -> dict[str, Any]:
    """The delivery record as the API shows it."""
    found: dict[str, Any] = api.read(task_id)["webhook"]
    return found


def settled(api: Api, task_id: str, state: str) -> dict[str, Any]:
    return eventually(
        lambda: record(api, task_id), lambda seen: seen["state"] == state, f"the webhook of {task_id} to be {state}"
    )


def test_an_ending_is_posted_once_and_the_official_library_verifies_it(
    api: Api, deployment: Deployment, receiver: Receiver, tarmac: Any
) -> None:
    """The body is the notice, signed with the secret that the operator gives to this client only."""
    task_id = api.create("text_to_video", text_to_video(webhookUrl=receiver.url, metadata={"ort": "Zürich"}))
    shown = settled(api, task_id, "DELIVERED")
    assert (shown["url"], shown["tries"], shown["lastStatus"]) == (f"{receiver.server.url}{receiver.path}", 1, 204)
    assert shown["deliveredAt"] == shown["lastTriedAt"]

    [request] = receiver.received()
    assert (request.method, request.path) == ("POST", receiver.path + "?token=t0k3n")
    secret = tarmac("clients", "webhook-secret", api.client).stdout.strip()
    notice = Verifier(secret).verify(request.body, dict(request.headers))
    assert (notice["type"], notice["taskId"], notice["client"]) == ("task.succeeded", task_id, api.client)
    assert (notice["eventId"], notice["metadata"]) == (request.headers["webhook-id"], {"ort": "Zürich"})
    assert [output["key"] for output in notice["outputs"]] == deployment.archived(task_id)
    other = tarmac("clients", "webhook-secret", "another-client").stdout.strip()
    with pytest.raises(WebhookVerificationError):
        Verifier(other).verify(request.body, dict(request.headers))


def test_failures_and_cancels_are_posted_too(api: Api, receiver: Receiver) -> None:
    failing = api.create("text_to_video", text_to_video("fail=SAFETY.INPUT.TEXT", webhookUrl=receiver.url))
    running = api.create("text_to_video", text_to_video("seconds=600", webhookUrl=receiver.url))
    assert record(api, running) == {
        "url": f"{receiver.server.url}{receiver.path}",
        "state": "PENDING",
        "tries": 0,
        "lastStatus": None,
        "lastTriedAt": None,
        "deliveredAt": None,
    }
    api.delete(running)
    for task_id in (failing, running):
        settled(api, task_id, "DELIVERED")
    kinds = {request.json()["taskId"]: request.json()["type"] for request in receiver.received()}
    assert kinds == {failing: "task.failed", running: "task.cancelled"}


def test_a_failed_webhook_is_retried_with_the_same_event(api: Api, receiver: Receiver) -> None:
    receiver.answers(answer(500), answer(302, b"", {"location": receiver.server.url + "/elsewhere"}), OK)
    task_id = api.create("text_to_video", text_to_video(webhookUrl=receiver.url))
    shown = settled(api, task_id, "DELIVERED")
    assert (shown["tries"], shown["lastStatus"]) == (3, 204)
    received = receiver.received()
    assert len(received) == 3
    assert len({(request.headers["webhook-id"], request.body) for request in received}) == 1
    assert not [request for request in receiver.server.requests if request.path == "/elsewhere"]


def test_a_receiver_that_answers_410_gets_no_more_webhooks(
    api: Api, deployment: Deployment, receiver: Receiver
) -> None:
    receiver.answers(answer(410))
    task_id = api.create("text_to_video", text_to_video(webhookUrl=receiver.url))
    shown = settled(api, task_id, "FAILED")
    assert (shown["tries"], shown["lastStatus"], shown["deliveredAt"]) == (1, 410, None)
    deployment.clients.sqs.send_message(
        QueueUrl=deployment.physical("WebhookQueue"), MessageBody=json.dumps({"taskId": task_id})
    )
    eventually(lambda: waiting(deployment, "WebhookQueue"), lambda count: count == 0, "the queue to be empty")
    assert len(receiver.received()) == 1


def test_a_message_delivered_twice_is_posted_once(api: Api, deployment: Deployment, receiver: Receiver) -> None:
    """The sweeper finds a notice that is not recorded as sent and publishes it again."""
    task_id = api.create("text_to_video", text_to_video(webhookUrl=receiver.url))
    settled(api, task_id, "DELIVERED")
    announced = deployment.announced(task_id)
    deployment.rewrite(task_id, notice_state=NoticeState.PENDING, next_check_at=announced.updated_at)
    deployment.sweep()
    deployment.announced(task_id)
    eventually(lambda: waiting(deployment, "WebhookQueue"), lambda count: count == 0, "the queue to be empty")
    assert len(receiver.received()) == 1


def test_an_undelivered_webhook_waits_for_a_redrive(
    api: Api, deployment: Deployment, receiver: Receiver, tarmac: Any
) -> None:
    """The queue moves the message to the dead letters, here after two receives, since eight take fifteen hours."""
    sqs, url = deployment.clients.sqs, deployment.physical("WebhookQueue")
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    sooner = json.dumps(json.loads(policy) | {"maxReceiveCount": 2})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": sooner})
    try:
        receiver.answers(answer(503))
        task_id = api.create("text_to_video", text_to_video(webhookUrl=receiver.url))
        eventually(lambda: waiting(deployment, "WebhookDeadLetters"), bool, "the message to be a dead letter")
        assert (record(api, task_id)["tries"], record(api, task_id)["lastStatus"]) == (2, 503)
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    receiver.answers(OK)
    redriven = tarmac("redrive")
    assert task_id in redriven.stdout
    assert "1 webhook" in redriven.stderr
    assert settled(api, task_id, "DELIVERED")["tries"] == 3


def test_an_execution_started_by_hand_may_have_a_webhook(deployment: Deployment, receiver: Receiver) -> None:
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    deployment.start(name, {"operation": "text_to_video", "request": text_to_video(webhookUrl=receiver.url)})
    assert deployment.execution(name)["status"] == "SUCCEEDED"
    [request] = eventually(receiver.received, bool, "the webhook")
    assert (request.json()["taskId"], request.json()["client"]) == (name, "console")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/hook",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "https://hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "{receiver}:80",
        "not a URL",
        "",
        7,
    ],
)
def test_a_webhook_to_another_origin_is_rejected_at_create(api: Api, receiver: Receiver, url: Any) -> None:
    """With one allowed origin, other public hosts are rejected too. A stack without one: tests/unit/webhooks."""
    url = url.replace("{receiver}", receiver.server.url) if isinstance(url, str) else url
    refused = api.post("text_to_video", text_to_video(webhookUrl=url))
    assert refused.status_code == 400, refused.text
    assert [issue["path"] for issue in refused.json()["issues"]] == [["webhookUrl"]]
    assert api.ids() == []


def test_no_log_line_contains_the_webhook_url(api: Api, deployment: Deployment, receiver: Receiver) -> None:
    """Neither path nor token: with the token, anyone may post what the receiver accepts."""
    receiver.answers(answer(500), OK)
    task_id = api.create("text_to_video", text_to_video(webhookUrl=receiver.url))
    settled(api, task_id, "DELIVERED")
    lines = log_lines(deployment.clients)
    tries = [line for line in lines if task_id in line and "webhook tried" in line]
    assert len(tries) == 2
    for secret in (receiver.path, "t0k3n", "whsec_"):
        assert not [line for line in lines if secret in line]


def waiting(deployment: Deployment, queue: str) -> int:
    """The number of messages in a queue, including those in flight."""
    attributes = deployment.clients.sqs.get_queue_attributes(
        QueueUrl=deployment.physical(queue),
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return sum(int(count) for count in attributes.values())
