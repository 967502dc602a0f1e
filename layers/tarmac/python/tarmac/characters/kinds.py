"""The kinds of items at Runway that belong to clients."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """A kind of item. Items that were created outside Tarmac are shared by all clients."""

    AVATAR = "avatar"
    DOCUMENT = "document"
    VOICE = "voice"
    CONVERSATION = "conversation"

    @property
    def path(self) -> str:
        """The path of the collection in Runway's API, below /v1."""
        return "avatar_conversations" if self is Kind.CONVERSATION else f"{self.value}s"

    @property
    def noun(self) -> str:
        """The name of the kind, capitalized."""
        return self.value.capitalize()

    @property
    def not_found(self) -> str:
        """The error message for an item that does not exist or belongs to another client."""
        return f"{self.noun} not found"
