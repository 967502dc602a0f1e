"""Deliver: one try of a task's webhook, and when to retry. The queue repeats it, the row records the result."""

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
from tarmac.webhooks.sender import CallbackFailed
from tarmac.webhooks.signing import secret_of, signed_headers

CONTENT_TYPE = "application/json"
USER_AGENT = "Tarmac"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a try came to.

    outcome: `delivered`, `gone` (the receiver wants no more), `failed` (again after `wait_seconds`, whole), `given up`
    (wait_seconds 0: the queue's next look moves the message to the dead letters), `settled` (nothing to send, or not
    any more). wait_seconds None: the message is done with.
    """

    outcome: Literal["delivered", "gone", "failed", "given up", "settled"]
    status: int | None = None
    wait_seconds: int | None = None
    reason: str | None = None


def deliver(task_id: str, receives: int, effects: Effects) -> Delivery:
    """Post the task's notice to its webhook URL, signed for its client. `receives`: how often the queue gave this
    message, now included.

    Safe to repeat: a callback that has arrived is not sent again, and one that is sent twice has the same event id
    and the same bytes.
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
    """The answer's status; or None, and why there was no answer."""
    message, _ = notice_of(task)
    body = message.encode()
    secret = secret_of(effects.signing_root(), task.client)
    headers = signed_headers(secret, task.event_id, effects.clock.now(), body)
    try:
        return effects.callbacks.post(
            url, {"content-type": CONTENT_TYPE, "user-agent": USER_AGENT, **headers}, body
        ), None
    except CallbackFailed as problem:
        return None, str(problem)


def _record(task: Task, status: int | None, effects: Effects, is_final: bool = False) -> None:
    # Refused: another copy of the message has delivered it meanwhile, and what has arrived stays so.
    with suppress(TransitionRefused):
        effects.tasks.move(task.id, Moves.called_back, status, is_final)
