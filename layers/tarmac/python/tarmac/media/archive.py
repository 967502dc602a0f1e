"""Copies a file from a link of Runway to the archive bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from tarmac.media.downloads import (
    CHUNK_BYTES,
    HEAD_BYTES,
    ArchiveConflict,
    CountingStream,
    Downloads,
    OutputUnusable,
)
from tarmac.ports import AlreadyThere, Objects, ReadStream
from tarmac.requests.media import EXTENSIONS, sniff
from tarmac.rows import Output

DOWNLOAD_TRIES = 3
"""Of an output whose bytes did not all arrive."""


def archive_link(
    url: str,
    key_of: Callable[[str], str],
    about: Mapping[str, str],
    downloads: Downloads,
    archive: Objects,
    max_bytes: int,
) -> Output:
    """Copy the file behind a link to the archive and return its description.

    key_of: file extension → key in the archive. about: metadata of the object. Raises ArchiveError.
    """
    with downloads.open(url) as download:
        stream = download.stream
        if download.size_bytes is not None and download.size_bytes > max_bytes:
            raise OutputUnusable(f"the output has {download.size_bytes} bytes; at most {max_bytes} are allowed")
        stream.limit_bytes = max_bytes
        content_type = sniff(stream.peek(HEAD_BYTES))
        if content_type is None:
            raise OutputUnusable("the output is not a known type of image, video, audio or archive")
        key = key_of(EXTENSIONS[content_type])
        try:
            archive.put_new(key, stream, download.size_bytes, content_type, about)
        except AlreadyThere:
            stream.drain()
            _compare(archive, key, stream)
        except Exception as error:
            # The HTTP client wraps the error of the stream, which has the actual reason.
            if stream.problem is not None:
                raise stream.problem from error
            raise
        return Output(archive.bucket, key, stream.read_bytes, stream.sha256, content_type)


def _compare(archive: Objects, key: str, stream: CountingStream) -> None:
    """Raise ArchiveConflict if the object that an earlier attempt stored has other content."""
    stored = archive.head(key)
    same_size = stored.size_bytes == stream.read_bytes
    if same_size and (stored.sha256 or _sha256_of(archive.open(key))) == stream.sha256:
        return
    raise ArchiveConflict(f"the archive has other content at {key}")


def _sha256_of(source: ReadStream) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
