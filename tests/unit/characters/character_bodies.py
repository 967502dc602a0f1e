"""Valid and invalid bodies of creates of avatars, documents and voices."""

from __future__ import annotations

from typing import Any

NOVA = {
    "name": "Nova",
    "personality": "Kind and curious",
    "referenceImage": "https://media.example.com/nova.png",
    "voice": {"type": "runway-live-preset", "presetId": "clara"},
}
NOTES = {"name": "Notes", "content": "# Opening hours"}
WARM = {"name": "Warm", "from": {"type": "text", "prompt": "A warm and friendly voice", "model": "eleven_ttv_v3"}}
BODIES: dict[str, dict[str, Any]] = {"avatars": NOVA, "documents": NOTES, "voices": WARM}

BAD_BODIES: tuple[tuple[str, dict[str, Any], list[Any]], ...] = (
    ("avatars", {"name": ""}, ["name"]),
    ("avatars", {"name": "x" * 51}, ["name"]),
    ("avatars", {"name": None}, ["name"]),
    ("avatars", {"personality": "x" * 10_001}, ["personality"]),
    ("avatars", {"personality": ""}, ["personality"]),
    ("avatars", {"startScript": "x" * 2001}, ["startScript"]),
    ("avatars", {"referenceImage": "http://example.com/a.png"}, ["referenceImage"]),
    ("avatars", {"referenceImage": "data:audio/mp3;base64,AAAA"}, ["referenceImage"]),
    ("avatars", {"referenceImage": "data:image/png;base64,????"}, ["referenceImage"]),
    ("avatars", {"referenceImage": "runway://tarmac/" + "x" * 43}, ["referenceImage"]),
    ("avatars", {"referenceImage": "s3://private/a.png"}, ["referenceImage"]),
    ("avatars", {"voice": "clara"}, ["voice"]),
    ("avatars", {"voice": {"type": "preset", "presetId": "clara"}}, ["voice", "type"]),
    ("avatars", {"voice": {"type": "runway-live-preset"}}, ["voice", "presetId"]),
    ("avatars", {"voice": {"type": "custom", "id": ""}}, ["voice", "id"]),
    ("avatars", {"voice": {"type": "custom", "id": "missing"}}, ["voice", "id"]),
    ("avatars", {"documentIds": ["d"] * 51}, ["documentIds"]),
    ("avatars", {"documentIds": ["missing"]}, ["documentIds", 0]),
    ("avatars", {"documentIds": "missing"}, ["documentIds"]),
    ("avatars", {"imageProcessing": "much"}, ["imageProcessing"]),
    ("documents", {"name": "x" * 256}, ["name"]),
    ("documents", {"content": ""}, ["content"]),
    ("documents", {"content": "x" * 200_001}, ["content"]),
    ("voices", {"name": "x" * 101}, ["name"]),
    ("voices", {"description": "x" * 1025}, ["description"]),
    ("voices", {"from": None}, ["from"]),
    ("voices", {"from": {"type": "song"}}, ["from", "type"]),
    ("voices", {"from": {"type": "text", "prompt": "too short", "model": "eleven_ttv_v3"}}, ["from", "prompt"]),
    ("voices", {"from": {"type": "text", "prompt": "x" * 1001, "model": "eleven_ttv_v3"}}, ["from", "prompt"]),
    ("voices", {"from": {"type": "audio", "audio": "data:image/png;base64,AAAA"}}, ["from", "audio"]),
)
"""A collection, changes that make its body invalid, and the path of the only issue."""
