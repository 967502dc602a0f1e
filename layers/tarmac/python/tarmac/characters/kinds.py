"""What a client can own at Runway, and where a request names such things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tarmac.requests.conditions import Path


class Kind(StrEnum):
    """What belongs to one client, or to all of them where nobody has made it through Tarmac."""

    AVATAR = "avatar"
    DOCUMENT = "document"
    VOICE = "voice"
    CONVERSATION = "conversation"

    @property
    def path(self) -> str:
        """Runway's, below /v1."""
        return "avatar_conversations" if self is Kind.CONVERSATION else f"{self.value}s"

    @property
    def noun(self) -> str:
        """As it begins a sentence."""
        return self.value.capitalize()

    @property
    def not_found(self) -> str:
        """What is said of one that is not there, and of another client's."""
        return f"{self.noun} not found"


@dataclass(frozen=True, slots=True)
class Reference:
    """A place of a body that names something by its id."""

    kind: Kind
    id: str
    path: Path


def references(body: Any, path: Path = ()) -> Iterator[Reference]:
    """Every avatar, voice and document that a body names, wherever it stands.

    `{type: "custom", avatarId}` is an avatar, `voice: {type: "custom", id}` a voice, `documentIds` are documents: in
    all of Runway's requests alike. Presets belong to everybody.
    """
    if isinstance(body, list):
        for index, part in enumerate(body):
            yield from references(part, (*path, index))
    if not isinstance(body, Mapping):
        return
    if body.get("type") == "custom":
        name, kind = ("avatarId", Kind.AVATAR) if "avatarId" in body else ("id", Kind.VOICE)
        if isinstance(named := body.get(name), str) and (kind is Kind.AVATAR or path[-1:] == ("voice",)):
            yield Reference(kind, named, (*path, name))
    documents = body.get("documentIds")
    if isinstance(documents, list):
        for index, document in enumerate(documents):
            if isinstance(document, str):
                yield Reference(Kind.DOCUMENT, document, (*path, "documentIds", index))
    for name, part in body.items():
        yield from references(part, (*path, name))
