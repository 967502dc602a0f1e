"""Ephemeral uploads: create a slot, post the file to it, use its runway:// URI for a day."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from local.simulator.config import DAY_SECONDS

MIN_BYTES: Final = 512
MAX_BYTES: Final = 200 * 1024 * 1024
CONTENT_TYPES: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "3gp": "video/3gpp",
    "ogv": "video/ogg",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "flac": "audio/flac",
    "wav": "audio/wav",
}


@dataclass(slots=True)
class Upload:
    """One slot. sha256 is None until its file has arrived."""

    token: str
    filename: str
    signature: str
    created_at: float
    sha256: str | None = None

    @property
    def uri(self) -> str:
        return f"runway://{self.token}"

    @property
    def fields(self) -> dict[str, str]:
        """The fields that the form must have before the file."""
        return {
            "key": f"ephemeral/{self.token}/{quote(self.filename, errors='replace')}",
            "Content-Type": CONTENT_TYPES[extension(self.filename)],
            "policy": "e30=",
            "x-amz-signature": self.signature,
        }

    def usable(self, now: float) -> bool:
        return now < self.created_at + DAY_SECONDS


def new_upload(filename: str, now: float) -> Upload:
    return Upload(secrets.token_urlsafe(24), filename, secrets.token_hex(32), now)


def extension(filename: str) -> str:
    """The extension in lower case, without the dot; empty if there is none."""
    return filename.rpartition(".")[2].lower() if "." in filename else ""
