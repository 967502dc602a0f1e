"""Deliver: the request, the record in the row, and the response to the queue, also after retries."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from local.paths import ROOT
from tarmac.rows import TransitionRefused, check_step
from tarmac.tasks.moves import FOLLOWS, Moves
from tarmac.tasks.notices import notice_of
from tarmac.tasks.responses import task_view
from tarmac.tasks.task import State, Task
from tarmac.tasks.webhook import Webhook, WebhookState
from tarmac.telemetry import metrics
from tarmac.webhooks.deliver import Delivery, deliver
from tarmac.webhooks.retries import MAX_TRIES, WAITS_SECONDS
from tarmac.webhooks.sender import WebhookUnanswered
from tarmac.webhooks.signing import secret_of
from tests.fakes import World
from tests.fakes.composed import announce, finish, sweep
from tests.fakes.samples import TASK_ID, a_task, event
from tests.fakes.stories import standing, succeeded
from tests.fakes.webhooks import FakeWebhookSender, Posted

URL = "https://hooks.example.com/tarmac?token=secret"
MESSAGE = f'{{"taskId":"{TASK_ID}"}}'


@pytest.fixture
def task(world: World) -> Task:
    """An ended task with a published notice and a webhook in the queue."""
    ended = a_task(State.SUCCEEDED, webhook=Webhook(URL), cost_credits=25.0, metadata={"ort": "Zürich"})
    world.tasks.create(ended, {})
    return announce(ended, world)


def record(world: World) -> Webhook:
    webhook = world.tasks.get(TASK_ID).webhook
    assert webhook is not None
    return webhook


class TestTry:
    def test_posts_the_notice_signed_for_the_client(self, world: World, task: Task) -> None:
        world.clock.advance(7)
        assert deliver(task.id, 1, world) == Delivery("delivered", 204)
        [posted] = world.webhook_sender.posted
        assert posted.url == URL
        assert posted.body.decode() == notice_of(task)[0] == world.topic.published[0][0]
        assert json.loads(posted.body)["metadata"] == {"ort": "Zürich"}
        assert set(posted.headers) == {
            "content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature",
        }  # fmt: skip
        assert posted.headers["content-type"] == "application/json"
        assert posted.headers["webhook-id"] == f"{TASK_ID}-ended" == json.loads(posted.body)["eventId"]
        assert posted.headers["webhook-timestamp"] == str(int(world.clock.now()))
        assert signature_is_good(posted, world)

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.AMBIGUOUS_FAILED])
    def test_is_made_for_every_ending(self, state: State, world: World) -> None:
        world.tasks.create(a_task(state, webhook=Webhook(URL)), {})
        assert deliver(TASK_ID, 1, world).outcome == "delivered"
        assert json.loads(world.webhook_sender.posted[0].body)["status"] == state

    def test_is_made_for_a_hidden_task_too(self, world: World, task: Task) -> None:
        world.tasks.move(task.id, Moves.hide)
        assert deliver(task.id, 1, world).outcome == "delivered"

    def test_that_is_delivered_is_recorded_and_not_retried(self, world: World, task: Task) -> None:
        deliver(task.id, 1, world)
        now = world.clock.now()
        assert record(world) == Webhook(URL, WebhookState.DELIVERED, 1, 204, now, now)
        assert deliver(task.id, 2, world) == Delivery("settled")
        assert len(world.webhook_sender.posted) == 1

    def test_with_a_410_is_the_last(self, world: World, task: Task) -> None:
        world.webhook_sender.script = [410]
        assert deliver(task.id, 1, world) == Delivery("gone", 410)
        assert record(world) == Webhook(URL, WebhookState.FAILED, 1, 410, world.clock.now())
        assert deliver(task.id, 1, world) == Delivery("settled")
        assert len(world.webhook_sender.posted) == 1

    @pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500, 503])
    def test_with_an_error_status_is_retried(self, status: int, world: World, task: Task) -> None:
        world.webhook_sender.script = [status]
        assert deliver(task.id, 1, world) == Delivery("failed", status, 5)
        assert record(world) == Webhook(URL, WebhookState.PENDING, 1, status, world.clock.now())

    def test_without_a_response_is_retried_and_gives_the_reason(self, world: World, task: Task) -> None:
        world.webhook_sender.script = [500, WebhookUnanswered("hooks.example.com does not resolve")]
        deliver(task.id, 1, world)
        found = deliver(task.id, 2, world)
        assert found == Delivery("failed", None, 30, "hooks.example.com does not resolve")
        assert record(world) == Webhook(URL, WebhookState.PENDING, 2, None, world.clock.now())

    def test_is_signed_again_with_the_same_id_and_bytes(self, world: World, task: Task) -> None:
        """Receivers reject old timestamps and detect duplicates by the id."""
        world.webhook_sender.script = [500] * (MAX_TRIES - 1)
        for receives in range(1, MAX_TRIES + 1):
            delivery = deliver(task.id, receives, world)
            world.clock.advance(delivery.wait_seconds or 0)
        assert delivery.outcome == "delivered"
        posted = world.webhook_sender.posted
        assert len({each.body for each in posted}) == len({each.headers["webhook-id"] for each in posted}) == 1
        stamps = [int(each.headers["webhook-timestamp"]) for each in posted]
        assert [later - sooner for sooner, later in pairwise(stamps)] == [int(wait) for wait in WAITS_SECONDS]
        assert all(signature_is_good(each, world) for each in posted)
        assert (record(world).tries, record(world).state) == (MAX_TRIES, WebhookState.DELIVERED)

    def test_that_is_the_last_fails_the_webhook(self, world: World, task: Task) -> None:
        world.webhook_sender.script = [503]
        assert deliver(task.id, MAX_TRIES, world) == Delivery("given up", 503, 0)
        assert record(world).state is WebhookState.FAILED

    def test_may_follow_after_a_redrive(self, world: World, task: Task) -> None:
        """A redrive of the dead-letter queue resets the count of receives."""
        world.webhook_sender.script = [503, 503]
        deliver(task.id, MAX_TRIES, world)
        assert deliver(task.id, 1, world).outcome == "failed"
        assert record(world).state is WebhookState.PENDING
        assert deliver(task.id, 2, world).outcome == "delivered"

    def test_waits_in_real_seconds(self, world: World, task: Task) -> None:
        world.clock.scale = 0.02
        world.webhook_sender.script = [500] * 3
        assert [deliver(task.id, receives, world).wait_seconds for receives in (1, 3, 5)] == [1, 3, 72]

    @pytest.mark.parametrize(
        "row",
        [None, a_task(State.SUCCEEDED), a_task(State.SUBMITTED, webhook=Webhook(URL))],
        ids=["none", "plain", "open"],
    )
    def test_without_a_due_webhook_is_settled(self, row: Task | None, world: World) -> None:
        if row:
            world.tasks.create(row, {})
        assert deliver(TASK_ID, 1, world) == Delivery("settled")
        assert world.webhook_sender.posted == []

    def test_concurrent_with_a_delivery_changes_nothing(self, world: World, task: Task) -> None:
        """Another copy of the message is delivered while this one waits for its response."""

        class Slow(FakeWebhookSender):
            def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
                world.tasks.move(task.id, Moves.record_delivery, 200)
                return super().post(url, headers, body)

        world.webhook_sender = Slow(script=[500])
        deliver(task.id, 1, world)
        assert (record(world).state, record(world).tries, record(world).last_status) == (WebhookState.DELIVERED, 1, 200)


class TestQueueing:
    """The webhook is queued before the notice is marked as published, also after failures."""

    def test_of_a_success_queues_one_message_of_ids_only(self, world: World) -> None:
        task = self.with_webhook(world, succeeded(world))
        finish(task.id, world, 10**6)
        assert world.webhook_queue.sent == [f'{{"taskId":"{task.id}"}}']
        finish(task.id, world, 10**6)
        assert len(world.webhook_queue.sent) == 1

    def test_without_a_webhook_queues_none(self, world: World) -> None:
        finish(succeeded(world).id, world, 10**6)
        assert world.webhook_queue.sent == []

    @pytest.mark.parametrize("at", ["webhook_queue.send", "topic.publish", "tasks.move"])
    @pytest.mark.parametrize("is_done", [False, True])
    def test_that_fails_anywhere_is_retried_by_the_sweeper(
        self, at: str, is_done: bool, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task = a_task(State.FAILED, webhook=Webhook(URL))
        world.tasks.create(task, {})
        self.fail_once(world, at, is_done, monkeypatch)
        with pytest.raises(OSError, match="lost"):
            announce(task, world)
        world.clock.advance(1)
        sweep(world)
        assert world.tasks.get(TASK_ID).notice_state == "SENT"
        assert set(world.webhook_queue.sent) == {MESSAGE}
        for _ in world.webhook_queue.sent:
            deliver(TASK_ID, 1, world)
        assert len(world.webhook_sender.posted) == 1
        assert {message.encode() for message, _ in world.topic.published} == {world.webhook_sender.posted[0].body}

    @staticmethod
    def with_webhook(world: World, task: Task) -> Task:
        return standing(world, task, task.state, webhook=Webhook(URL))

    @staticmethod
    def fail_once(world: World, at: str, is_done: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        name, _, method = at.partition(".")
        port = type(world.tasks) if name == "tasks" else getattr(world, name)
        real: Callable[..., Any] = getattr(port, method)
        left = [1]

        def fail(*args: Any, **kwargs: Any) -> Any:
            if left and left.pop():
                if is_done:
                    real(*args, **kwargs)
                raise OSError("the answer was lost")
            return real(*args, **kwargs)

        monkeypatch.setattr(port, method, fail)


class TestMove:
    @pytest.mark.parametrize("state", State)
    def test_is_possible_for_ended_tasks_only_and_leaves_the_state(self, state: State) -> None:
        before = a_task(state, webhook=Webhook(URL))
        if not state.is_terminal:
            with pytest.raises(TransitionRefused):
                Moves(before.updated_at).record_delivery(before, 200)
            return
        after = Moves(before.updated_at + 1).record_delivery(before, 500)
        check_step(FOLLOWS, before, after)
        assert replace(after, webhook=before.webhook, version=before.version, updated_at=before.updated_at) == before

    def test_needs_a_webhook(self) -> None:
        with pytest.raises(TransitionRefused):
            Moves(0.0).record_delivery(a_task(State.SUCCEEDED), 200)

    def test_never_changes_a_delivered_webhook(self) -> None:
        delivered = a_task(State.SUCCEEDED, webhook=Webhook(URL, WebhookState.DELIVERED, 1, 200))
        for status in (200, 410, 500, None):
            with pytest.raises(TransitionRefused):
                Moves(0.0).record_delivery(delivered, status)


class TestView:
    def test_shows_the_record_without_the_token(self, world: World, task: Task) -> None:
        world.webhook_sender.script = [500]
        deliver(task.id, 1, world)
        deliver(task.id, 2, world)
        view = task_view(world.tasks.get(task.id), str)
        assert view["webhook"] == {
            "url": "https://hooks.example.com/tarmac",
            "state": "DELIVERED",
            "tries": 2,
            "lastStatus": 204,
            "lastTriedAt": "2023-11-14T22:13:20.000Z",
            "deliveredAt": "2023-11-14T22:13:20.000Z",
        }

    def test_shows_that_nothing_was_tried_yet(self) -> None:
        view = task_view(a_task(webhook=Webhook(URL)), str)
        assert view["webhook"] == {
            "url": "https://hooks.example.com/tarmac",
            "state": "PENDING",
            "tries": 0,
            "lastStatus": None,
            "lastTriedAt": None,
            "deliveredAt": None,
        }

    def test_is_omitted_without_a_webhook(self) -> None:
        assert "webhook" not in task_view(a_task(), str)


class TestFunction:
    """The response to SQS: which messages are deleted and which are retried."""

    @pytest.fixture
    def function(self, world: World, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        for name in ("TABLE_NAME", "WEBHOOK_QUEUE_URL", "WEBHOOK_SECRET_ARN", "WEBHOOK_ORIGINS"):
            monkeypatch.setenv(name, "")
        monkeypatch.setattr(metrics.provider, "namespace", "Tarmac")
        spec = importlib.util.spec_from_file_location("deliver_webhook_app", ROOT / "functions/deliver_webhook/app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.__dict__["effects"] = world
        return module

    def test_deletes_a_delivered_message(self, function: ModuleType, world: World, task: Task) -> None:
        assert function.handler(event("sqs-webhook-delivery"), None) == {"batchItemFailures": []}
        assert record(world).state is WebhookState.DELIVERED
        assert world.webhook_queue.postponed == []

    def test_returns_a_failed_message(self, function: ModuleType, world: World, task: Task) -> None:
        world.webhook_sender.script = [500, 204]
        sample = event("sqs-webhook-delivery")
        [message] = sample["Records"]
        sample["Records"].append({**message, "messageId": "another"})
        returned = {"batchItemFailures": [{"itemIdentifier": message["messageId"]}]}
        assert function.handler(sample, None) == returned
        assert world.webhook_queue.postponed == [(message["receiptHandle"], 5)]

    def test_moves_the_last_failure_to_the_dead_letter_queue_at_once(
        self, function: ModuleType, world: World, task: Task
    ) -> None:
        world.webhook_sender.script = [500]
        sample = event("sqs-webhook-delivery")
        sample["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(MAX_TRIES)
        assert len(function.handler(sample, None)["batchItemFailures"]) == 1
        assert world.webhook_queue.postponed == [(sample["Records"][0]["receiptHandle"], 0)]

    def test_logs_only_the_host_of_the_url(
        self, function: ModuleType, world: World, task: Task, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.webhook_sender.script = [WebhookUnanswered("hooks.example.com does not resolve")]
        function.handler(event("sqs-webhook-delivery"), None)
        assert caplog.records
        logged = " ".join(str(vars(line)) for line in caplog.records)
        assert "hooks.example.com does not resolve" in logged
        assert not [word for word in ("secret", "token", "/tarmac?", "whsec") if word in logged]


def signature_is_good(posted: Posted, world: World) -> bool:
    """Verify with the official library at the time in the headers, not at the current time."""
    sent_at = datetime.fromtimestamp(int(posted.headers["webhook-timestamp"]), UTC)
    library = Verifier(secret_of(world.signing_root(), "acme"))
    signature = library.sign(posted.headers["webhook-id"], sent_at, posted.body.decode())
    return posted.headers["webhook-signature"] == signature
