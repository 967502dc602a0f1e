"""Parameter specs of the requests that create and change avatars, documents and voices.

The format is that of the catalogue (catalogue/_shared.toml). Source: the request schemas of Runway's API reference
(August 2026) and of its SDKs. Voice presets and voice design models are examples, not enums: Runway adds new ones, and
rejects an unknown one synchronously.
"""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.characters.kinds import Kind
from tarmac.requests.validation import Spec

MOST_KNOWLEDGE_TOKENS = 50_000
"""Limit for all documents of an avatar together."""

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
"""Fields that null clears in a change. Elsewhere null means "not given", as some clients send it."""


def knowledge_problem(size_bytes: int) -> str | None:
    """Return an error message if documents of this total size are too large for an avatar, else None.

    size_bytes: of all documents together, as UTF-8. Runway does not publish how it counts tokens. Four bytes count as
    one token, which is about right for English and slightly low for other scripts.
    """
    tokens = size_bytes // _BYTES_PER_TOKEN
    if tokens <= MOST_KNOWLEDGE_TOKENS:
        return None
    return f"The documents of an avatar must have at most {MOST_KNOWLEDGE_TOKENS:,} tokens; these have about {tokens:,}"
