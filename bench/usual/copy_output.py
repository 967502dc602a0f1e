"""Copy an output to S3 in the usual way: `upload_fileobj` reads the response, and a SHA-256 is computed on the way."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import boto3
import httpx


class Body:
    """A response as the file that upload_fileobj reads."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.iter_bytes()
        self._rest = bytearray()
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        while (size < 0 or len(self._rest) < size) and (chunk := next(self._chunks, None)) is not None:
            self.sha256.update(chunk)
            self._rest += chunk
        end = len(self._rest) if size < 0 else size
        piece = bytes(self._rest[:end])
        del self._rest[:end]
        return piece


s3 = boto3.client("s3")


def copy(link: str) -> str:
    """Copy the file, and return its SHA-256."""
    with httpx.stream("GET", link) as response:
        body = Body(response)
        s3.upload_fileobj(cast(Any, body), "archive", "output.mp4")
    return body.sha256.hexdigest()
