"""Rows of upload slots: the owner of a `runway://tarmac/…` URI, and the object in the upload bucket that it names."""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.clock import to_iso
from tarmac.media.keys import upload_token, upload_uri
from tarmac.ports import Put, Row, Table

KEPT_SECONDS = 24 * 3600.0
"""For how long a create may name an upload. Same as at Runway."""


@dataclass(frozen=True, slots=True)
class UploadSlot:
    """The slot of one file. content_type: the type of the file name's extension."""

    token: str
    client: str
    key: str
    content_type: str

    @property
    def uri(self) -> str:
        return upload_uri(self.token)


class UploadStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def open(self, slot: UploadSlot, now: float) -> None:
        """Store a new slot for a day."""
        row: Row = {
            "pk": _pk(slot.token),
            "sk": "upload",
            "version": 1,
            # Not named `client`, because that is a key of the index of tasks.
            "clientId": slot.client,
            "key": slot.key,
            "contentType": slot.content_type,
            "createdAt": to_iso(now),
            "ttl": int(now + KEPT_SECONDS),
        }
        self._table.write(Put(row))

    def find(self, uri: str, client: str, now: float) -> UploadSlot | None:
        """The client's slot, or None if it does not exist, belongs to another client, or has expired.

        DynamoDB deletes expired rows late, so the time is compared here.
        """
        token = upload_token(uri)
        row = self._table.get(_pk(token), "upload") if token else None
        if row is None or row["clientId"] != client or row["ttl"] <= now:
            return None
        return UploadSlot(token or "", row["clientId"], row["key"], row["contentType"])


def _pk(token: str) -> str:
    return f"upload#{token}"
