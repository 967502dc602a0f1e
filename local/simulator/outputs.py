"""Output files as they are handed out: signed links, and a file's bytes for each task."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

CHUNK_BYTES: Final = 256 * 1024
_ZEROS: Final = bytes(CHUNK_BYTES)
_HEADER_BYTES: Final = 16


class Links:
    """Signed, expiring links to outputs."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def link(self, base_url: str, task_id: str, number: int, expires_at: int) -> str:
        """base_url without a slash at its end; expires_at in epoch seconds."""
        path = f"/outputs/{task_id}/{number}.mp4"
        return f"{base_url}{path}?" + urlencode(
            {"expires": expires_at, "signature": self._signature(path, str(expires_at))}
        )

    def genuine(self, path: str, expires: str, signature: str) -> bool:
        """Whether this server made the link. Says nothing of its age."""
        return hmac.compare_digest(self._signature(path, expires).encode(), signature.encode())

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A rendered clip followed by an MP4 `free` box, which players skip.

    The box names the task, so that no two tasks share a file even when they share a render. It is filled with
    zeros up to least_bytes.
    """

    clip: Path
    label: bytes
    least_bytes: int

    @property
    def size_bytes(self) -> int:
        return max(self.clip.stat().st_size + _HEADER_BYTES + len(self.label), self.least_bytes)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from start up to stop, in chunks; the zeros are made on the way."""
        clip_bytes = self.clip.stat().st_size
        box_bytes = self.size_bytes - clip_bytes
        # Size 1 announces a 64-bit size behind the type: a box may then be larger than 4 GiB.
        head = (1).to_bytes(4) + b"free" + box_bytes.to_bytes(8) + self.label
        stop = self.size_bytes if stop is None else min(stop, self.size_bytes)
        with self.clip.open("rb") as file:
            file.seek(start)
            while start < min(stop, clip_bytes):
                chunk = file.read(min(CHUNK_BYTES, stop - start))
                yield chunk
                start += len(chunk)
        if start < stop and (behind := head[start - clip_bytes : stop - clip_bytes]):
            yield behind
            start += len(behind)
        while start < stop:
            chunk = _ZEROS[: stop - start]
            yield chunk
            start += len(chunk)
