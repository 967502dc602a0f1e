"""Idempotency of creates that Runway answers synchronously.

With an `Idempotency-Key`, a second request with the same body returns the item of the first; another body is an error.
Without a key, an SDK's own retry (`X-Stainless-Retry-Count` > 0) returns the item that the same bytes created within
ten minutes. While the first request is in progress the caller must retry later. A create with a lost response is never
retried. Creates that become tasks: `tarmac.tasks.idempotency`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from tarmac.characters.create_records import CreateRecord, RecordConflict
from tarmac.effects import Effects
from tarmac.idempotency import KeyReused, RequestIdentity

REQUEST_SECONDS = 30.0
"""Longest run time of a function that serves a request (template.yaml): no create is in progress for longer."""


class CreateInProgress(Exception):
    """The first request of this create is still in progress."""


class CreateResponseLost(Exception):
    """The response to the first request of this create was lost: it may have created an item."""


@dataclass(frozen=True, slots=True)
class EarlierCreate:
    """What is known of an earlier request.

    item_id: the item that it created, if this request is its retry. record: its record, which a new create replaces.
    """

    item_id: str | None = None
    record: CreateRecord | None = None


def find_create(request_identity: RequestIdentity, effects: Effects) -> EarlierCreate:
    """Return what is known of an earlier request of this create.

    Raises KeyReused, CreateInProgress, CreateResponseLost.
    """
    record = effects.create_records.find(request_identity)
    now = effects.clock.now()
    is_new = request_identity.key is None and not request_identity.is_retry
    if record is None or record.expires_at <= now or is_new:
        return EarlierCreate(record=record)
    if record.body_sha256 != request_identity.body_sha256:
        raise KeyReused
    if record.item_id is not None:
        return EarlierCreate(record.item_id, record)
    # In real seconds, since TIME_SCALE does not shorten a function's timeout.
    if now - record.began_at < REQUEST_SECONDS:
        raise CreateInProgress
    raise CreateResponseLost


def begin_create(request_identity: RequestIdentity, earlier: EarlierCreate, effects: Effects) -> CreateRecord | None:
    """Write the record of a create before it is sent to Runway, and return it. Raises CreateInProgress.

    None for one of several identical creates that arrive at the same time without a key: each creates an item, and a
    retry finds the one that wrote the record.
    """
    try:
        return effects.create_records.begin(request_identity, effects.clock.now(), earlier.record)
    except RecordConflict:
        if request_identity.key is not None or request_identity.is_retry:
            raise CreateInProgress from None
        return None


def end_create(
    request_identity: RequestIdentity, record: CreateRecord | None, item_id: str | None, effects: Effects
) -> None:
    """Record the result of a create. Not called after a lost response, which leaves the record without an item.

    item_id: None if Runway rejected the create. A failed write is ignored: a retry then gets CreateResponseLost.
    """
    if record is None:
        return
    with suppress(Exception):
        if item_id is None:
            effects.create_records.delete(request_identity)
        else:
            effects.create_records.complete(request_identity, record, item_id)
