"""Was this create, which Runway answers while the caller waits, sent before? Then what it made is the answer.

With an `Idempotency-Key`: the same key and body give what the first has made, another body is an error. Without one: an
SDK's own retry (`X-Stainless-Retry-Count` > 0) gets what the same bytes have made within ten minutes. A send that is
under way is waited for; one whose outcome nobody knows is not repeated. Creates that become tasks:
`tarmac.tasks.idempotency`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from tarmac.characters.create_records import Send, SentByAnother
from tarmac.effects import Effects
from tarmac.idempotency import KeyReused, RequestIdentity

LONGEST_SECONDS = 30.0
"""A function that serves a request is not alive for longer."""


class SendUnderWay(Exception):
    """The first send of this create is being answered just now."""


class SendLost(Exception):
    """The first send of this create may have made something; its answer was lost."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of the last send: what it made, if this create is its repeat, and its record, to be replaced."""

    item_id: str | None = None
    record: Send | None = None


def find_send(repeat: RequestIdentity, effects: Effects) -> Earlier:
    """Raises KeyReused, SendUnderWay, SendLost."""
    record = effects.create_records.find(repeat)
    now = effects.clock.now()
    is_new = repeat.key is None and not repeat.is_retry
    if record is None or record.forgotten_at <= now or is_new:
        return Earlier(record=record)
    if record.body_sha256 != repeat.body_sha256:
        raise KeyReused
    if record.item_id is not None:
        return Earlier(record.item_id, record)
    # Not the clock's elapsed: TIME_SCALE shortens no function's life.
    if now - record.began_at < LONGEST_SECONDS:
        raise SendUnderWay
    raise SendLost


def begin_send(repeat: RequestIdentity, earlier: Earlier, effects: Effects) -> Send | None:
    """Before the create is sent. None where it is one of several alike, at once and without a key: then only the last
    is known to a retry. Raises SendUnderWay."""
    try:
        return effects.create_records.begin(repeat, effects.clock.now(), earlier.record)
    except SentByAnother:
        if repeat.key is not None or repeat.is_retry:
            raise SendUnderWay from None
        return None


def end_send(repeat: RequestIdentity, send: Send | None, item_id: str | None, effects: Effects) -> None:
    """After the answer. item_id: what was made, None where nothing was. A lost answer ends nothing.

    What the record does not learn is told as lost, so a failure here changes nothing.
    """
    if send is None:
        return
    with suppress(Exception):
        if item_id is None:
            effects.create_records.forget(repeat)
        else:
            effects.create_records.made(repeat, send, item_id)
