"""Ownership rules: which client may use an item at Runway. Another client's item is answered like a missing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.characters.kinds import Kind
from tarmac.characters.owner_store import moment, owned_item
from tarmac.characters.references import references
from tarmac.effects import Effects
from tarmac.requests.validation import Issue

UNSETTLED_SECONDS = 60.0
"""Age below which an item without a row may belong to another client whose create is still in progress. Twice the
longest run time of a function, to allow for clocks that differ."""


class NoSuchItem(LookupError):
    """The item does not exist or belongs to another client. The message is meant for the caller."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.not_found)


class SharedItem(Exception):
    """The item is shared, and this client may use it but not change it."""


class NotRecorded(Exception):
    """Runway has created the item, but writing its owner failed. The message contains the id for the operator."""


def own(kind: Kind, item_id: str, client: str, effects: Effects) -> None:
    """Record the client as the owner of an item. Idempotent. Raises AlreadyOwned.

    A conversation has the id of its session, so the client that creates a session owns its conversation.
    """
    effects.owners.add(owned_item(kind, {"id": item_id}, client, effects.clock.now()))


def may_use(client: str, kind: Kind, item_id: str, effects: Effects) -> bool:
    """Return whether the item belongs to the client, or has no owner and is therefore shared.

    Runway decides whether the item exists. Sufficient for ids that a caller sends, since ids are returned only after
    their owner is recorded. Items that Runway returns need `is_shared` as well.
    """
    owned = effects.owners.find(kind, item_id)
    return owned is None or owned.belongs_to(client)


def is_shared(item: Mapping[str, Any], asked_at: float) -> bool:
    """Return whether an item without a row is old enough to be shared, or has no creation time.

    asked_at: epoch seconds of the read that did not find the row.
    """
    return asked_at - moment(item.get("createdAt"), 0.0) >= UNSETTLED_SECONDS


def foreign_references(body: Any, client: str, effects: Effects) -> list[Issue]:
    """Return an issue for each reference in a body to another client's avatar, voice or document."""
    return [
        Issue("custom", reference.path, reference.kind.not_found)
        for reference in references(body)
        if not may_use(client, reference.kind, reference.id, effects)
    ]
