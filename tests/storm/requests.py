"""Creates of all four operations. Each has a `seed` of its own, which finds its ledger entry, row and caller."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from typing import Any

OPERATIONS = ("image_to_video", "text_to_video", "video_to_video", "character_performance")


def png() -> bytes:
    """One grey pixel, with a comment that makes it as long as an upload must be (512 bytes)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    comment = b"Comment\0" + b"a picture for tests. " * 30
    parts = (
        chunk(b"IHDR", header),
        chunk(b"tEXt", comment),
        chunk(b"IDAT", zlib.compress(b"\0\x80")),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def data_uri() -> str:
    return f"data:image/png;base64,{base64.b64encode(png()).decode()}"


def create_body(operation: str, seed: int, directives: str, *, inline: bool = False) -> dict[str, Any]:
    """A small request whose scenario at the simulator is `directives`. inline: its picture is a data URI."""
    scenario = f"[[sim:{directives.replace(' ', '')}]]"
    # White space is not allowed in a URL, brackets are: where there is no prompt, the scenario stands in a query.
    linked = f"https://media.example.com/dance.mp4?take={scenario}"
    body: Mapping[str, Any]
    match operation:
        case "image_to_video":
            image = data_uri() if inline else "https://media.example.com/lamp.png"
            body = {"model": "gen4_turbo", "promptImage": image, "promptText": f"a lamp {scenario}", "duration": 2}
        case "text_to_video":
            body = {"model": "veo3.1_fast", "promptText": f"a lamp {scenario}", "duration": 4}
        case "video_to_video":
            # No ratio: this model takes its size from the video.
            video = "https://media.example.com/street.mp4"
            return {"model": "gen4_aleph", "videoUri": video, "promptText": f"at night {scenario}", "seed": seed}
        case "character_performance":
            face = {"type": "image", "uri": "https://media.example.com/face.png"}
            body = {"model": "act_two", "character": face, "reference": {"type": "video", "uri": linked}}
        case _:
            raise AssertionError(operation)
    return {**body, "ratio": "1280:720", "seed": seed}
