"""Creates that Runway answers while the caller waits: which was sent already, and what it has made.

A record is written before the create is sent, so that a repeat of it finds more than Runway would tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tarmac.idempotency import KEY_LIFETIME_SECONDS, RETRY_WINDOW_SECONDS, RequestIdentity, digest
from tarmac.ports import ConditionFailed, Put, Row, Table


class SentByAnother(Exception):
    """The same create was begun by somebody else in the meantime."""


@dataclass(frozen=True, slots=True)
class Send:
    """item_id: what it has made; None while that is not known, be it under way or lost. Times: epoch seconds."""

    body_sha256: str
    began_at: float
    forgotten_at: float
    version: int = 1
    item_id: str | None = None


class SendStore:
    """TTL is lazy, so every reader compares the time itself."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, repeat: RequestIdentity) -> Send | None:
        """The last send of this create, forgotten or not."""
        row = self._table.get(_pk(repeat), "send")
        if row is None:
            return None
        return Send(row["bodySha256"], row["beganAt"], row["ttl"], row["version"], row.get("itemId"))

    def begin(self, repeat: RequestIdentity, now: float, over: Send | None) -> Send:
        """over: an older send of the same, to be replaced. Raises SentByAnother."""
        kept = RETRY_WINDOW_SECONDS if repeat.key is None else KEY_LIFETIME_SECONDS
        send = Send(repeat.body_sha256, now, int(now + kept), over.version + 1 if over else 1)
        try:
            self._table.write(Put(_to_row(repeat, send), over.version if over else None))
        except ConditionFailed:
            raise SentByAnother from None
        return send

    def made(self, repeat: RequestIdentity, send: Send, item_id: str) -> None:
        """What the send has made. One that was replaced since is left alone."""
        try:
            self._table.write(
                Put(_to_row(repeat, replace(send, version=send.version + 1, item_id=item_id)), send.version)
            )
        except ConditionFailed:
            return

    def forget(self, repeat: RequestIdentity) -> None:
        """Nothing was made: the same create may be sent again."""
        self._table.delete(_pk(repeat), "send")


def _to_row(repeat: RequestIdentity, send: Send) -> Row:
    row: Row = {
        "pk": _pk(repeat),
        "sk": "send",
        "version": send.version,
        "bodySha256": send.body_sha256,
        "beganAt": send.began_at,
        "ttl": int(send.forgotten_at),
    }
    return row if send.item_id is None else row | {"itemId": send.item_id}


def _pk(repeat: RequestIdentity) -> str:
    if repeat.key is not None:
        return f"send#{digest(repeat.client, repeat.path, 'key', repeat.key)}"
    return f"send#{digest(repeat.client, repeat.path, 'body', repeat.body_sha256)}"
