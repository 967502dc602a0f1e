"""What Runway takes for avatars, documents and voices, in the words of the catalogue (catalogue/_shared.toml).

Facts: the request schemas of Runway's API reference (August 2026) and of its SDKs. Voices and the models that design
them are named as examples: Runway adds some, and answers at once about one that it does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.characters.kinds import Kind
from tarmac.requests.validation import Spec

MOST_KNOWLEDGE_TOKENS = 50_000
"""Of all documents of an avatar together."""

_BYTES_PER_TOKEN = 4

LIVE_PRESETS = (
    *("victoria", "vincent", "clara", "drew", "skye", "max", "morgan", "felix", "mia", "marcus", "summer", "ruby"),
    *("aurora", "jasper", "leo", "adrian", "nina", "emma", "blake", "david", "maya", "nathan", "sam", "georgia"),
    *("petra", "adam", "zach", "violet", "roman", "luna"),
)

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_PRESET: Spec = {"type": "string", "pattern": _NAME, "examples": list(LIVE_PRESETS), "required": True}
_ITEM_ID: Spec = {"type": "string", "minLength": 1, "maxLength": 100}
_AVATAR: Mapping[str, Spec] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 50},
    "referenceImage": {"type": "media", "media": ["image"]},
    "personality": {"type": "string", "minLength": 1, "maxLength": 10_000},
    "voice": {
        "type": "object",
        "by": "type",
        "cases": {"runway-live-preset": {"presetId": _PRESET}, "custom": {"id": {**_ITEM_ID, "required": True}}},
    },
    "startScript": {"type": "string", "maxLength": 2000},
    "documentIds": {"type": "array", "maxItems": 50, "items": _ITEM_ID},
    "imageProcessing": {"enum": ["optimize", "none"]},
}
_DOCUMENT: Mapping[str, Spec] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 255},
    "content": {"type": "string", "minLength": 1, "maxLength": 200_000},
}
_VOICE: Mapping[str, Spec] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 100},
    "description": {"type": "string", "maxLength": 1024},
}
VOICE_DESIGN: Mapping[str, Spec] = {
    "prompt": {"type": "string", "minLength": 20, "maxLength": 1000, "required": True},
    "model": {
        "type": "string",
        "pattern": _NAME,
        "examples": ["eleven_ttv_v3", "eleven_multilingual_ttv_v2"],
        "required": True,
    },
}
_SOURCE: Spec = {
    "type": "object",
    "by": "type",
    "cases": {"text": VOICE_DESIGN, "audio": {"audio": {"type": "media", "media": ["audio"], "required": True}}},
}


def _all_required(parameters: Mapping[str, Spec], *names: str) -> dict[str, Spec]:
    return {name: {**spec, "required": True} if name in names else spec for name, spec in parameters.items()}


CREATES: Mapping[Kind, Mapping[str, Spec]] = {
    Kind.AVATAR: _all_required(_AVATAR, "name", "referenceImage", "personality", "voice"),
    Kind.DOCUMENT: _all_required(_DOCUMENT, "name", "content"),
    Kind.VOICE: _all_required({**_VOICE, "from": _SOURCE}, "name", "from"),
}
CHANGES: Mapping[Kind, Mapping[str, Spec]] = {Kind.AVATAR: _AVATAR, Kind.DOCUMENT: _DOCUMENT, Kind.VOICE: _VOICE}

CLEARABLE = frozenset({"startScript", "description"})
"""What a null in a change takes away. Any other null is how some clients spell "not given"."""


def knowledge_problem(size_bytes: int) -> str | None:
    """Why an avatar cannot know documents of so many bytes (UTF-8) together.

    How Runway counts tokens is not published: four bytes are taken for one, which is about right for English and a
    little less than what other scripts need.
    """
    tokens = size_bytes // _BYTES_PER_TOKEN
    if tokens <= MOST_KNOWLEDGE_TOKENS:
        return None
    return f"The documents of an avatar have at most {MOST_KNOWLEDGE_TOKENS:,} tokens; these have about {tokens:,}"


def as_listed(kind: Kind, item: Mapping[str, Any]) -> dict[str, Any]:
    """Something that was read by its id, in the shape that it has in a list."""
    match kind:
        case Kind.DOCUMENT:
            return {name: value for name, value in item.items() if name != "content"}
        case Kind.CONVERSATION:
            listed = {name: item.get(name) for name in ("id", "name", "status", "avatar", "createdAt", "duration")}
            if isinstance(avatar := listed["avatar"], Mapping):
                listed["avatar"] = {name: value for name, value in avatar.items() if name != "imageUrl"}
            return listed | {"hasTools": bool(item.get("tools"))}
        case _:
            return dict(item)
