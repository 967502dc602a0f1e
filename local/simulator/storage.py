"""Bytes on disk, named by their content: uploads, request bodies and rendered clips."""

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
    """A folder of files that are whole or absent: each is written aside, then renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents = root / "contents"
        self._clips = root / "clips"
        for folder in (self._contents, self._clips):
            folder.mkdir(parents=True, exist_ok=True)

    def keep(self, data: bytes) -> str:
        """Keep bytes; gives their SHA-256, which is how to find them again."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.content(sha256).exists():
            with self._aside() as aside:
                aside.write_bytes(data)
                os.replace(aside, self.content(sha256))
        return sha256

    def keep_file(self, source: BinaryIO) -> str:
        """Keep a file, read from its present position; gives its SHA-256."""
        digest = hashlib.sha256()
        with self._aside() as aside:
            with aside.open("wb") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    target.write(chunk)
            os.replace(aside, self.content(digest.hexdigest()))
        return digest.hexdigest()

    def content(self, sha256: str) -> Path:
        """Where kept bytes lie."""
        return self._contents / sha256

    def clip(self, name: str, make: Callable[[Path], object]) -> Path:
        """The clip of this name, made once by `make(path)`."""
        path = self._clips / name
        if not path.exists():
            with self._aside() as aside:
                make(aside)
                os.replace(aside, path)
        return path

    @contextlib.contextmanager
    def _aside(self) -> Iterator[Path]:
        handle, name = tempfile.mkstemp(dir=self._root)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)
