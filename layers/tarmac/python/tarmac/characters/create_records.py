"""Idempotency records of creates that Runway answers synchronously: one row for each create, with what it created.

A record is written before the request to Runway, so a retry finds it even when the response was lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tarmac.idempotency import KEY_LIFETIME_SECONDS, RETRY_WINDOW_SECONDS, RequestIdentity, digest
from tarmac.ports import ConditionFailed, Put, Row, Table


class RecordConflict(Exception):
    """A concurrent request has written the record of the same create first."""


@dataclass(frozen=True, slots=True)
class CreateRecord:
    """One create. item_id: the created item; None while the create is in progress or its response is lost.

    Times are epoch seconds.
    """

    body_sha256: str
    began_at: float
    expires_at: float
    version: int = 1
    item_id: str | None = None


class CreateRecordStore:
    """The records in the table. DynamoDB deletes expired rows late, so callers compare `expires_at` themselves."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, request_identity: RequestIdentity) -> CreateRecord | None:
        """Return the latest record of this create, also if it has expired."""
        row = self._table.get(_pk(request_identity), "send")
        if row is None:
            return None
        return CreateRecord(row["bodySha256"], row["beganAt"], row["ttl"], row["version"], row.get("itemId"))

    def begin(self, request_identity: RequestIdentity, now: float, over: CreateRecord | None) -> CreateRecord:
        """Write the record of a create that is about to be sent. Raises RecordConflict.

        over: the older record that it replaces.
        """
        lifetime = RETRY_WINDOW_SECONDS if request_identity.key is None else KEY_LIFETIME_SECONDS
        record = CreateRecord(request_identity.body_sha256, now, int(now + lifetime), over.version + 1 if over else 1)
        try:
            self._table.write(Put(_to_row(request_identity, record), over.version if over else None))
        except ConditionFailed:
            raise RecordConflict from None
        return record

    def complete(self, request_identity: RequestIdentity, record: CreateRecord, item_id: str) -> None:
        """Add the id of the created item. A record that was replaced in the meantime stays unchanged."""
        try:
            self._table.write(
                Put(
                    _to_row(request_identity, replace(record, version=record.version + 1, item_id=item_id)),
                    record.version,
                )
            )
        except ConditionFailed:
            return

    def delete(self, request_identity: RequestIdentity) -> None:
        """Delete the record of a create that Runway rejected, so that a retry is sent."""
        self._table.delete(_pk(request_identity), "send")


def _to_row(request_identity: RequestIdentity, record: CreateRecord) -> Row:
    row: Row = {
        "pk": _pk(request_identity),
        "sk": "send",
        "version": record.version,
        "bodySha256": record.body_sha256,
        "beganAt": record.began_at,
        "ttl": int(record.expires_at),
    }
    return row if record.item_id is None else row | {"itemId": record.item_id}


def _pk(request_identity: RequestIdentity) -> str:
    if request_identity.key is not None:
        return f"send#{digest(request_identity.client, request_identity.path, 'key', request_identity.key)}"
    return f"send#{digest(request_identity.client, request_identity.path, 'body', request_identity.body_sha256)}"
