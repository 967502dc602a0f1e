"""Avatars, documents and voices: their JSON as Runway returns it, and the rules between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from local.simulator.library import Avatar, Document, Library, Voice
from local.simulator.responses import ApiError
from local.simulator.tasks import iso

# A token has about four characters; Runway does not publish how it counts them.
KNOWLEDGE_CHARACTERS: Final = 4 * 50_000
# Makes the link to the image or sound of an id, from the id and the file's extension.
Link = Callable[[str, str], str]


def avatar_json(library: Library, avatar: Avatar, now: float, link: Link) -> dict[str, Any]:
    """The JSON of an avatar, with the fields of its status."""
    status = avatar.status(now)
    picture = link(avatar.id, "png")
    answer: dict[str, Any] = {
        "id": avatar.id,
        "name": avatar.name,
        "personality": avatar.personality,
        "startScript": avatar.start_script,
        "voice": _voice_of(library, avatar.voice),
        "referenceImageUri": picture,
        "processedImageUri": picture if status == "READY" else None,
        "documentIds": [each for each in avatar.document_ids if each in library.documents],
        "createdAt": iso(avatar.created_at),
        "updatedAt": iso(avatar.updated_at),
        "status": status,
    }
    if status == "FAILED":
        answer["failureReason"] = avatar.failure
    return answer


def _voice_of(library: Library, voice: Mapping[str, Any]) -> dict[str, Any]:
    if voice["type"] == "runway-live-preset":
        name = str(voice["presetId"])
        described = {"name": name.capitalize(), "description": f"The preset voice {name.capitalize()}"}
        return {"type": voice["type"], "presetId": name, **described}
    custom = library.voices.get(voice["id"])
    answer = {"type": "custom", "id": voice["id"], "deleted": custom is None}
    return answer if custom is None else answer | {"name": custom.name, "description": custom.description or ""}


def document_json(library: Library, document: Document, now: float, link: Link) -> dict[str, Any]:
    """The JSON of a document with its content, which lists leave out."""
    users = [avatar for avatar in library.avatars.values() if document.id in avatar.document_ids]
    return {
        "id": document.id,
        "name": document.name,
        "type": "text",
        "usedBy": [
            {
                "id": avatar.id,
                "name": avatar.name,
                "imageUrl": link(avatar.id, "png") if avatar.status(now) == "READY" else None,
            }
            for avatar in users
        ],
        "content": document.content,
        "createdAt": iso(document.created_at),
        "updatedAt": iso(document.updated_at),
    }


def voice_json(voice: Voice, now: float, link: Link) -> dict[str, Any]:
    """The JSON of a voice, with the fields of its status."""
    status = voice.status(now)
    answer: dict[str, Any] = {
        "id": voice.id,
        "name": voice.name,
        "description": voice.description,
        "createdAt": iso(voice.created_at),
        "status": status,
    }
    if status == "READY":
        answer["previewUrl"] = link(voice.id, "mp3")
    if status == "FAILED":
        answer["failureReason"] = voice.failure
    return answer


def knowledge_problem(library: Library, document_ids: list[str]) -> str | None:
    """The reason why an avatar cannot have these documents; None if it can."""
    missing = [each for each in document_ids if each not in library.documents]
    if missing:
        return f"No such document: {missing[0]}"
    characters = sum(len(library.documents[each].content) for each in document_ids)
    return "The documents exceed 50,000 tokens" if characters > KNOWLEDGE_CHARACTERS else None


def avatar_problem(library: Library, avatar: Mapping[str, Any], now: float) -> ApiError | None:
    """The error if the avatar `{"type", "avatarId" | "presetId"}` cannot be used now; None if it can."""
    if avatar["type"] != "custom":
        return None
    own = library.avatars.get(avatar["avatarId"])
    if own is None:
        return ApiError(404, "Avatar not found")
    status = own.status(now)
    return None if status == "READY" else ApiError(400, f"Avatar is not ready: its status is {status}")
