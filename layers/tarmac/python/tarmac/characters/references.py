"""Find the ids of avatars, voices and documents in request bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.characters.kinds import Kind
from tarmac.requests.conditions import Path


@dataclass(frozen=True, slots=True)
class Reference:
    """One id in a body, and its path."""

    kind: Kind
    id: str
    path: Path


def references(body: Any, path: Path = ()) -> Iterator[Reference]:
    """Yield each avatar, voice and document that a body references, at any depth.

    In all of Runway's requests `{type: "custom", avatarId}` is an avatar, `voice: {type: "custom", id}` is a voice,
    and `documentIds` are documents. Presets have no owner and are not included.
    """
    if isinstance(body, list):
        for index, part in enumerate(body):
            yield from references(part, (*path, index))
    if not isinstance(body, Mapping):
        return
    if body.get("type") == "custom":
        name, kind = ("avatarId", Kind.AVATAR) if "avatarId" in body else ("id", Kind.VOICE)
        if isinstance(item_id := body.get(name), str) and (kind is Kind.AVATAR or path[-1:] == ("voice",)):
            yield Reference(kind, item_id, (*path, name))
    documents = body.get("documentIds")
    if isinstance(documents, list):
        for index, document in enumerate(documents):
            if isinstance(document, str):
                yield Reference(Kind.DOCUMENT, document, (*path, "documentIds", index))
    for name, part in body.items():
        yield from references(part, (*path, name))
