"""Deliver the webhook of a task: one try, its record in the row, and the wait before the next try."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from tarmac.effects import Effects
from tarmac.rows import TransitionRefused
from tarmac.tasks.moves import Moves
from tarmac.tasks.notices import notice_of
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.task import Task
from tarmac.tasks.webhook import verdict_of
from tarmac.webhooks.retries import wait_after
from tarmac.webhooks.sender import WebhookUnanswered
from tarmac.webhooks.signing import secret_of, signed_headers

CONTENT_TYPE = "application/json"
USER_AGENT = "Tarmac"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of one try.

    outcome: `delivered`; `gone` (the receiver answered 410); `failed` (retry after `wait_seconds`, a whole number);
    `given up` (the last try failed; with wait_seconds 0 the queue moves the message to the dead-letter queue at once);
    `settled` (there is nothing to deliver). wait_seconds: None if the message can be deleted.
    """

    outcome: Literal["delivered", "gone", "failed", "given up", "settled"]
    status: int | None = None
    wait_seconds: int | None = None
    reason: str | None = None


def deliver(task_id: str, receives: int, effects: Effects) -> Delivery:
    """Post the task's notice to its webhook URL, signed with the client's secret.

    receives: how often the queue has returned this message, including this time. Safe to retry: a delivered webhook is
    not posted again, and two posts of a webhook have the same event id and the same bytes.
    """
    try:
        task = effects.tasks.get(task_id)
    except NoSuchTask:
        return Delivery("settled")
    if task.webhook is None or task.webhook.is_settled or not task.state.is_terminal:
        return Delivery("settled")
    status, reason = _post(task, task.webhook.url, effects)
    verdict = verdict_of(status)
    if verdict == "delivered":
        _record(task, status, effects)
        return Delivery("delivered", status)
    if verdict == "gone":
        _record(task, status, effects, is_final=True)
        return Delivery("gone", status)
    wait = wait_after(receives, effects.chance())
    _record(task, status, effects, is_final=wait is None)
    if wait is None:
        return Delivery("given up", status, 0, reason)
    return Delivery("failed", status, math.ceil(wait * effects.clock.scale), reason)


def _post(task: Task, url: str, effects: Effects) -> tuple[int | None, str | None]:
    """Return the status code of the response; or None, and the reason why there was no response."""
    message, _ = notice_of(task)
    body = message.encode()
    secret = secret_of(effects.signing_root(), task.client)
    headers = signed_headers(secret, task.event_id, effects.clock.now(), body)
    try:
        return effects.webhook_sender.post(
            url, {"content-type": CONTENT_TYPE, "user-agent": USER_AGENT, **headers}, body
        ), None
    except WebhookUnanswered as problem:
        return None, str(problem)


def _record(task: Task, status: int | None, effects: Effects, is_final: bool = False) -> None:
    # Refused if a copy of the message has delivered the webhook meanwhile. Delivered is final.
    with suppress(TransitionRefused):
        effects.tasks.move(task.id, Moves.record_delivery, status, is_final)
