"""Output files: signed links, and the bytes of a file for one task."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

CHUNK_BYTES: Final = 256 * 1024
_ZEROS: Final = bytes(CHUNK_BYTES)
_ZIP_COMMENT_BYTES: Final = 0xFFFF
_ID3_BYTES: Final = (1 << 28) - 1


class Links:
    """Signed, expiring links to outputs."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def link(self, base_url: str, owner_id: str, number: int, expires_at: int, extension: str) -> str:
        """The signed link to one output. base_url has no slash at its end; expires_at is in epoch seconds."""
        path = f"/outputs/{owner_id}/{number}.{extension}"
        return f"{base_url}{path}?" + urlencode(
            {"expires": expires_at, "signature": self._signature(path, str(expires_at))}
        )

    def genuine(self, path: str, expires: str, signature: str) -> bool:
        """Whether this server made the link, expired or not."""
        return hmac.compare_digest(self._signature(path, expires).encode(), signature.encode())

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """The first bytes of a file on disk."""

    path: Path
    size: int


Piece = bytes | Stored | int
"""Bytes, a file, or so many zeros."""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A rendered file with the task's id in a place that players ignore, so that every task has its own bytes.

    It is padded with zeros to least_bytes, as far as its format allows. kind is of media.FORMATS.
    """

    rendered: Path
    label: bytes
    least_bytes: int
    kind: str = "mp4"

    @property
    def size_bytes(self) -> int:
        return sum(map(_size_of, self._pieces()))

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from start up to stop, in chunks; padding is generated."""
        stop = self.size_bytes if stop is None else stop
        pieces = self._pieces()
        begins = itertools.accumulate(map(_size_of, pieces), initial=0)
        for piece, begin in zip(pieces, begins, strict=False):
            yield from _part_of(piece, max(0, start - begin), min(_size_of(piece), stop - begin))

    def _pieces(self) -> list[Piece]:
        size = self.rendered.stat().st_size
        missing = max(0, self.least_bytes - size - len(self.label))
        return _LABELLED.get(self.kind, _behind)(Stored(self.rendered, size), self.label, missing)


def _behind(file: Stored, label: bytes, missing: int) -> list[Piece]:
    """Behind an image or Ogg: readers stop at the end that the format marks."""
    return [file, label, missing]


def _in_free_box(file: Stored, label: bytes, missing: int) -> list[Piece]:
    """A `free` box behind an MP4. Size 1 announces a 64-bit size: it may be larger than 4 GiB."""
    missing = max(0, missing - 16)
    return [file, (1).to_bytes(4) + b"free" + (16 + len(label) + missing).to_bytes(8) + label, missing]


def _in_chunk(file: Stored, label: bytes, missing: int) -> list[Piece]:
    """A RIFF chunk of an unknown name behind a WAV."""
    missing = min(max(0, missing - 8), 0xFFFF_FFFF - len(label))
    return [file, b"task" + (len(label) + missing).to_bytes(4, "little") + label, missing]


def _in_id3(file: Stored, label: bytes, missing: int) -> list[Piece]:
    """An ID3v2 tag before an MP3: a private frame, then padding."""
    frame = b"PRIV" + len(label).to_bytes(4) + b"\0\0" + label
    missing = min(max(0, missing - 20), _ID3_BYTES - len(frame))
    size = len(frame) + missing
    # Sizes have seven bits per byte, so that no byte of them looks like the start of a frame.
    return [b"ID3\4\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + frame, missing, file]


def _in_comment(file: Stored, label: bytes, missing: int) -> list[Piece]:
    """The comment of a ZIP; the last two bytes of a ZIP without one are its length."""
    missing = min(missing, _ZIP_COMMENT_BYTES - len(label))
    return [Stored(file.path, file.size - 2), (len(label) + missing).to_bytes(2, "little") + label, missing]


def _in_markup(file: Stored, label: bytes, _missing: int) -> list[Piece]:
    """A comment behind an SVG; it gets no padding, since zeros would make it invalid."""
    return [file, b"<!-- " + label + b" -->"]


_LABELLED: Final[Mapping[str, Callable[[Stored, bytes, int], list[Piece]]]] = {
    "mp4": _in_free_box,
    "mov": _in_free_box,
    "wav": _in_chunk,
    "mp3": _in_id3,
    "svg": _in_markup,
    "png_sequence": _in_comment,
    "exr_sequence": _in_comment,
}


def _size_of(piece: Piece) -> int:
    match piece:
        case Stored(size=size):
            return size
        case bytes():
            return len(piece)
        case int():
            return piece


def _part_of(piece: Piece, start: int, stop: int) -> Iterator[bytes]:
    if start >= stop:
        return
    if isinstance(piece, bytes):
        yield piece[start:stop]
    elif isinstance(piece, Stored):
        with piece.path.open("rb") as file:
            file.seek(start)
            while start < stop and (chunk := file.read(min(CHUNK_BYTES, stop - start))):
                yield chunk
                start += len(chunk)
    else:
        while start < stop:
            yield _ZEROS[: stop - start]
            start += CHUNK_BYTES
