"""Was this create sent before? Then its first task is the answer, and nothing new is bought.

With an `Idempotency-Key`: the same key and body give the first answer, another body is an error. Without one: an SDK's
own retry (`X-Stainless-Retry-Count` > 0) takes the newest task that the same bytes have made within ten minutes, that
its client has never read, and that no retry of this number or a later one has taken. Why so, and what it cannot know:
docs/decisions.md, "Idempotent creates".
"""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.effects import Effects
from tarmac.idempotency import RETRY_WINDOW_SECONDS, KeyRecord, KeyReused, Repeat
from tarmac.ports import Put
from tarmac.rows import TransitionRefused
from tarmac.tasks.moves import Moves
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of earlier sends: the task they made, if any, and a key's expired record, to be replaced."""

    task: Task | None = None
    expired: KeyRecord | None = None


def find_earlier(repeat: Repeat, effects: Effects) -> Earlier:
    """Raises KeyReused. A retry without key that finds a task has claimed it."""
    if repeat.key is not None:
        return _by_key(repeat, effects)
    return Earlier(_claimed(repeat, effects)) if repeat.is_retry else Earlier()


def put_repeat(repeat: Repeat, task_id: str, now: float, earlier: Earlier, effects: Effects) -> Put:
    """What the task is written with, so that the next send of the same create finds it."""
    return effects.idempotency.put(repeat, task_id, now, earlier.expired)


def _by_key(repeat: Repeat, effects: Effects) -> Earlier:
    record = effects.idempotency.by_key(repeat, effects.clock.now())
    if record is None:
        return Earlier()
    if record.is_expired:
        return Earlier(expired=record)
    if record.body_sha256 != repeat.body_sha256:
        raise KeyReused
    return Earlier(task=effects.tasks.get(record.task_id))


def _claimed(repeat: Repeat, effects: Effects) -> Task | None:
    since, claim = effects.clock.now() - RETRY_WINDOW_SECONDS, effects.new_id()
    for task_id in effects.idempotency.recent(repeat, since):
        try:
            return effects.tasks.move(task_id, Moves.take, repeat.retry, claim)
        except (TransitionRefused, NoSuchTask):
            continue
    return None
