"""Idempotency of creates that become tasks: a retried create returns the task of the first one.

With an `Idempotency-Key`, the same key and body return the first task; another body is an error. Without a key, a retry
by an SDK (`X-Stainless-Retry-Count` > 0) returns the newest task that the same body has created within ten minutes,
unless its client has read that task or a retry with the same or a higher count has claimed it. Reasons and limits:
docs/decisions/0007-idempotent-creates.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.effects import Effects
from tarmac.idempotency import RETRY_WINDOW_SECONDS, IdempotencyRecord, KeyReused, RequestIdentity
from tarmac.rows import TransitionRefused
from tarmac.tasks.moves import Moves
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.task import Task


@dataclass(frozen=True, slots=True)
class EarlierRequest:
    """The task that an earlier request has created, if any; or the expired record of its key, to be replaced."""

    task: Task | None = None
    expired: IdempotencyRecord | None = None


def find_earlier_request(request_identity: RequestIdentity, effects: Effects) -> EarlierRequest:
    """Return the earlier request with this identity, empty if there is none. Raises KeyReused.

    A retry without a key claims the task that it finds.
    """
    if request_identity.key is not None:
        return _by_key(request_identity, effects)
    if request_identity.is_retry:
        return EarlierRequest(_claimed_task(request_identity, effects))
    return EarlierRequest()


def _by_key(request_identity: RequestIdentity, effects: Effects) -> EarlierRequest:
    record = effects.idempotency.by_key(request_identity, effects.clock.now())
    if record is None:
        return EarlierRequest()
    if record.is_expired:
        return EarlierRequest(expired=record)
    if record.body_sha256 != request_identity.body_sha256:
        raise KeyReused
    return EarlierRequest(task=effects.tasks.get(record.task_id))


def _claimed_task(request_identity: RequestIdentity, effects: Effects) -> Task | None:
    since, claim = effects.clock.now() - RETRY_WINDOW_SECONDS, effects.new_id()
    for task_id in effects.idempotency.recent(request_identity, since):
        try:
            return effects.tasks.move(task_id, Moves.claim_for_retry, request_identity.retry, claim)
        except (TransitionRefused, NoSuchTask):
            continue
    return None
