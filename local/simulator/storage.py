"""Files on disk: uploads and request bodies by their SHA-256, and rendered clips by name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 1 << 20


class Storage:
    """A folder in which no file is ever incomplete: each is written under another name, then renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents = root / "contents"
        self._clips = root / "clips"
        for folder in (self._contents, self._clips):
            folder.mkdir(parents=True, exist_ok=True)

    def keep(self, data: bytes) -> str:
        """Store bytes; returns their SHA-256, the name to read them by."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.content(sha256).exists():
            with self._aside() as aside:
                aside.write_bytes(data)
                aside.replace(self.content(sha256))
        return sha256

    def keep_file(self, source: BinaryIO) -> str:
        """Store a file, read from its current position; returns its SHA-256."""
        digest = hashlib.sha256()
        with self._aside() as aside:
            with aside.open("wb") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    target.write(chunk)
            aside.replace(self.content(digest.hexdigest()))
        return digest.hexdigest()

    def content(self, sha256: str) -> Path:
        """The path of stored bytes."""
        return self._contents / sha256

    def clip(self, name: str, make: Callable[[Path], object]) -> Path:
        """The path of the clip with this name, made once by `make(path)`."""
        path = self._clips / name
        if not path.exists():
            with self._aside() as aside:
                make(aside)
                aside.replace(path)
        return path

    @contextlib.contextmanager
    def _aside(self) -> Iterator[Path]:
        handle, name = tempfile.mkstemp(dir=self._root)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)
