"""The file formats of outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Format:
    """A file format; the extension is without the dot."""

    extension: str
    content_type: str


FORMATS: Final[Mapping[str, Format]] = {
    "mp4": Format("mp4", "video/mp4"),
    "mov": Format("mov", "video/quicktime"),
    "png": Format("png", "image/png"),
    "jpeg": Format("jpg", "image/jpeg"),
    "webp": Format("webp", "image/webp"),
    "svg": Format("svg", "image/svg+xml"),
    "mp3": Format("mp3", "audio/mpeg"),
    "wav": Format("wav", "audio/wav"),
    "flac": Format("flac", "audio/flac"),
    "ogg": Format("ogg", "audio/ogg"),
    "png_sequence": Format("zip", "application/zip"),
    "exr_sequence": Format("zip", "application/zip"),
}
