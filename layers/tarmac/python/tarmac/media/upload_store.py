"""Slots for uploaded files: whose a `runway://tarmac/…` URI is, and which object of the upload bucket it names."""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.clock import to_iso
from tarmac.media.keys import upload_token, upload_uri
from tarmac.ports import Put, Row, Table

KEPT_SECONDS = 24 * 3600.0
"""As long as Runway's own: for how long a create may name an upload."""


@dataclass(frozen=True, slots=True)
class UploadSlot:
    """One slot. `content_type` is what the file's name promised."""

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
        """Keep a new slot for a day."""
        row: Row = {
            "pk": _pk(slot.token),
            "sk": "upload",
            "version": 1,
            # Not `client`: that would be a key of the index of tasks.
            "clientId": slot.client,
            "key": slot.key,
            "contentType": slot.content_type,
            "createdAt": to_iso(now),
            "ttl": int(now + KEPT_SECONDS),
        }
        self._table.write(Put(row))

    def find(self, uri: str, client: str, now: float) -> UploadSlot | None:
        """The client's slot; None for one that never was, is another's or is over. TTL is lazy, so time is compared."""
        token = upload_token(uri)
        row = self._table.get(_pk(token), "upload") if token else None
        if row is None or row["clientId"] != client or row["ttl"] <= now:
            return None
        return UploadSlot(token or "", row["clientId"], row["key"], row["contentType"])


def _pk(token: str) -> str:
    return f"upload#{token}"
