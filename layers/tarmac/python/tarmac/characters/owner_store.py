"""Store of the owners of avatars, documents, voices and conversations.

An item without a row was created outside Tarmac, in Runway's portal, and is shared by all clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.characters.kinds import Kind
from tarmac.clock import from_iso, to_iso
from tarmac.ids import is_id
from tarmac.ports import ConditionFailed, Put, Row, Table

DELETED_KEPT_SECONDS = 3600.0
"""Minimum time for which the row of a deleted item is stored: longer than a request takes to list Runway's items."""


class AlreadyOwned(Exception):
    """The item has an owner already."""


@dataclass(frozen=True, slots=True)
class Owned:
    """One row. Times are Runway's, in epoch seconds. content_bytes: size of a document as UTF-8; None for other kinds.

    is_deleted: the item was deleted. Its row still prevents other clients from using it, but no list includes it.
    """

    kind: Kind
    id: str
    client: str
    created_at: float
    updated_at: float
    content_bytes: int | None = None
    version: int = 1
    is_deleted: bool = False

    def belongs_to(self, client: str) -> bool:
        return self.client == client and not self.is_deleted


def owned_item(kind: Kind, item: Mapping[str, Any], client: str, now: float) -> Owned:
    """Return the row of an item in Runway's shape. now: the creation time if Runway returns none."""
    created_at = moment(item.get("createdAt"), now)
    size = len(str(item.get("content", "")).encode()) if kind is Kind.DOCUMENT else None
    return Owned(kind, str(item["id"]), client, created_at, moment(item.get("updatedAt"), created_at), size)


def moment(text: Any, otherwise: float) -> float:
    """Return the epoch seconds of an ISO-8601 time, or `otherwise` if the text is invalid."""
    try:
        return from_iso(text)
    except (TypeError, ValueError, OverflowError):
        return otherwise


class OwnerStore:
    """Owner rows in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, owned: Owned) -> None:
        """Write a new row. Has no effect if the same client owns the item already. Raises AlreadyOwned."""
        try:
            self._table.write(Put(_to_row(owned)))
        except ConditionFailed:
            found = self.find(owned.kind, owned.id)
            if found is None or found.client != owned.client:
                raise AlreadyOwned(owned.id) from None

    def find(self, kind: Kind, item_id: str) -> Owned | None:
        """Return the row of an item, also if it was deleted. None if there is no row or the id is invalid."""
        row = self._table.get(_pk(kind, item_id), "owner") if is_id(item_id) else None
        return _from_row(row) if row else None

    def change(self, owned: Owned, updated_at: float, content_bytes: int | None) -> None:
        """Update the time and size of a document. Of two concurrent changes only the first is recorded."""
        after = replace(owned, updated_at=updated_at, content_bytes=content_bytes, version=owned.version + 1)
        try:
            self._table.write(Put(_to_row(after), over=owned.version))
        except ConditionFailed:
            return

    def delete(self, owned: Owned, now: float) -> None:
        """Mark an item as deleted. DynamoDB removes the row some time after DELETED_KEPT_SECONDS."""
        row: Owned | None = owned
        while row is not None and not row.is_deleted:
            after = replace(row, content_bytes=None, version=row.version + 1, is_deleted=True)
            try:
                self._table.write(Put(_to_row(after) | {"ttl": int(now + DELETED_KEPT_SECONDS)}, over=row.version))
            except ConditionFailed:
                row = self.find(owned.kind, owned.id)
            else:
                return

    def of_client(
        self,
        kind: Kind,
        client: str,
        limit: int,
        *,
        after: tuple[float, str] | None = None,
        newest_first: bool = True,
        until: float | None = None,
    ) -> list[Owned]:
        """Return the client's items in the order of their creation.

        after: creation time and id of the last item of the previous page. until: latest creation time, in epoch
        seconds.
        """
        start: Row | None = None
        if after is not None:
            created_at, item_id = after
            keys = {"client": _partition(kind, client), "listKey": _list_key(created_at, item_id)}
            start = {"pk": _pk(kind, item_id), "sk": "owner"} | keys
        page = self._table.query(
            "byClient",
            _partition(kind, client),
            up_to=None if until is None else to_iso(until),
            descending=newest_first,
            limit=limit,
            start=start,
        )
        return [_from_row(row) for row in page.rows]


def _pk(kind: Kind, item_id: str) -> str:
    return f"owner#{kind}#{item_id}"


def _partition(kind: Kind, client: str) -> str:
    """Return the key in the index byClient. It cannot collide with a client's tasks: client names contain no `#`."""
    return f"{kind}#{client}"


def _list_key(created_at: float, item_id: str) -> str:
    return f"{to_iso(created_at)}#{item_id}"


def _to_row(owned: Owned) -> Row:
    row: Row = {
        "pk": _pk(owned.kind, owned.id),
        "sk": "owner",
        "version": owned.version,
        "kind": owned.kind.value,
        "itemId": owned.id,
        "clientId": owned.client,
        "createdAt": to_iso(owned.created_at),
        "updatedAt": to_iso(owned.updated_at),
    }
    if owned.is_deleted:
        return row | {"deleted": True}
    row |= {"client": _partition(owned.kind, owned.client), "listKey": _list_key(owned.created_at, owned.id)}
    return row if owned.content_bytes is None else row | {"contentBytes": owned.content_bytes}


def _from_row(row: Row) -> Owned:
    return Owned(
        Kind(row["kind"]),
        row["itemId"],
        row["clientId"],
        from_iso(row["createdAt"]),
        from_iso(row["updatedAt"]),
        row.get("contentBytes"),
        row["version"],
        row.get("deleted", False),
    )
