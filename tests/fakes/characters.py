"""Runway's avatars, documents, voices and conversations in memory."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.clock import to_iso
from tarmac.runway.errors import CreateRejected, UpstreamGone
from tarmac.runway.ports import UpstreamPage


@dataclass
class FakeCharacters:
    """Items by collection and id. `refuse` is raised before anything is made, `lose` after.

    Each thing that is made is a second younger than the one before; began: when the first one was, a day before a
    `World` begins. page_size: of its lists.
    """

    items: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    queries: list[Mapping[str, str]] = field(default_factory=list)
    refuse: list[Exception] = field(default_factory=list)
    lose: list[Exception] = field(default_factory=list)
    unreadable: list[Exception] = field(default_factory=list)
    page_size: int = 100
    began: float = 1_699_913_600.0
    made: int = 0

    def there(self, collection: str, item_id: str, **about: Any) -> None:
        """Add an item as if a user had made it in Runway's portal."""
        self.made += 1
        at = to_iso(self.began + self.made)
        self._of(collection)[item_id] = {"id": item_id, "createdAt": at, "updatedAt": at} | about

    def create(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if self.refuse:
            raise self.refuse.pop(0)
        item_id = f"{collection}-{self.made + 1}"
        self.there(collection, item_id, **body)
        self.bodies.append(body)
        if self.lose:
            raise self.lose.pop(0)
        return {"id": item_id} if collection == "voices" else self.read(collection, item_id)

    def preview(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.bodies.append(body)
        return {"url": "https://cdn.example/preview.mp3", "durationSecs": 3.0}

    def read(self, collection: str, item_id: str) -> dict[str, Any]:
        if self.unreadable:
            raise self.unreadable.pop(0)
        if item_id not in self._of(collection):
            raise UpstreamGone("Runway does not know it")
        item = copy.deepcopy(self._of(collection)[item_id])
        if collection == "documents":
            users = [each for each in self._of("avatars").values() if item_id in each.get("documentIds", ())]
            item["usedBy"] = [{"id": each["id"], "name": each.get("name"), "imageUrl": None} for each in users]
        return item

    def page(self, collection: str, query: Mapping[str, str]) -> UpstreamPage:
        self.queries.append(query)
        sort = query.get("sort", "createdAt")
        ids = sorted(self._of(collection), key=lambda each: (self._of(collection)[each][sort], each))
        if query.get("order", "desc") == "desc":
            ids.reverse()
        start = int(query.get("cursor", "0"))
        end = start + min(self.page_size, int(query["limit"]))
        items = [self.read(collection, item_id) for item_id in ids[start:end]]
        for item in items:
            item.pop("content", None)
        return UpstreamPage(items, str(end) if end < len(ids) else None)

    def change(self, collection: str, item_id: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        if self.refuse:
            raise self.refuse.pop(0)
        if item_id not in self._of(collection):
            raise CreateRejected("Nothing there", status=404)
        self._of(collection)[item_id] |= body
        self.bodies.append(body)
        return None if collection == "documents" else self.read(collection, item_id)

    def delete(self, collection: str, item_id: str) -> None:
        self.read(collection, item_id)
        del self._of(collection)[item_id]
        if self.lose:
            raise self.lose.pop(0)

    def usage(self, query: Mapping[str, str]) -> dict[str, Any]:
        self.queries.append(query)
        if self.unreadable:
            raise self.unreadable.pop(0)
        return {"totalSeconds": 0, "totalSessions": 0, "avgDurationSeconds": 0, "byDay": []}

    def _of(self, collection: str) -> dict[str, dict[str, Any]]:
        return self.items.setdefault(collection, {})
