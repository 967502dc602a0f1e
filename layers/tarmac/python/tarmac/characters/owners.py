"""Ownership: who may use what was made at Runway. Another client's is as one that does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.characters.kinds import Kind, references
from tarmac.characters.owner_store import moment, owned_item
from tarmac.effects import Effects
from tarmac.requests.validation import Issue

UNSETTLED_SECONDS = 60.0
"""What is younger and has no row may be another client's, whose create is being answered just now. A function that
serves a request is alive for half as long; the rest is for clocks that differ."""


class NoSuchItem(LookupError):
    """There is none, or it is another client's. The message is for the caller."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.not_found)


class SharedItem(Exception):
    """It was made in Runway's portal, and this client may only use it."""


class NotRecorded(Exception):
    """Runway has made it, and whose it is could not be written down. The message names it for the operator."""


def own(kind: Kind, item_id: str, client: str, effects: Effects) -> None:
    """Make it the client's; doing so twice is once. Raises AlreadyOwned.

    A conversation has its session's id: whoever starts a session owns what is said in it.
    """
    effects.owners.add(owned_item(kind, {"id": item_id}, client, effects.clock.now()))


def may_use(client: str, kind: Kind, item_id: str, effects: Effects) -> bool:
    """Whether it is the client's, or nobody's and so everybody's. Whether it is there at all, Runway knows.

    For an id that a caller names: nobody has been told one whose row is still to be written. What Runway shows by
    itself is also judged by `is_shared`.
    """
    owned = effects.owners.find(kind, item_id)
    return owned is None or owned.belongs_to(client)


def is_shared(item: Mapping[str, Any], asked_at: float) -> bool:
    """Whether something without a row is everybody's already. asked_at: when the row was looked for.

    One whose age Runway does not tell is.
    """
    return asked_at - moment(item.get("createdAt"), 0.0) >= UNSETTLED_SECONDS


def foreign_references(body: Any, client: str, effects: Effects) -> list[Issue]:
    """An issue for each place of a request that names another client's avatar, voice or document."""
    return [
        Issue("custom", named.path, named.kind.not_found)
        for named in references(body)
        if not may_use(client, named.kind, named.id, effects)
    ]
