"""Downloads outputs from Runway's links as streams that are counted, hashed and checked.

The links come from Runway, and are still not trusted: https to a public host at a checked address, no redirect, no
content encoding, a known media type, a size limit and a deadline.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import httpcore
import httpx

from tarmac import VERSION
from tarmac.media.checked_network import TRANSPORT_ERRORS, CheckedNetwork
from tarmac.media.public_hosts import NotPublic, Unresolved, host_of
from tarmac.tls import tls_context

HEAD_BYTES = 1024
CHUNK_BYTES = 256 * 1024
TOTAL_SECONDS = 780.0
"""For one output. FinishTask has a timeout of 900 s."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 5.0
_HEADERS = (
    ("Accept", "*/*"),
    # Without a content encoding the byte count cannot be inflated: 48 KB of gzip can be 50 MB.
    ("Accept-Encoding", "identity"),
    ("User-Agent", f"tarmac/{VERSION}"),
)


class ArchiveError(Exception):
    """An output cannot be archived. Messages contain no link, because they go to logs and rows."""


class LinkExpired(ArchiveError):
    """The link has expired (403, 404, 410); the task at Runway may have a new one."""


class DownloadCut(ArchiveError):
    """The download is incomplete (cut, stalled, temporarily refused); a retry may succeed."""


class OutputUnusable(ArchiveError):
    """The content is not a usable output: unknown media type, encoded, or too large. A retry may not help."""


class HostRefused(ArchiveError):
    """Tarmac must not connect to the host of the link. The output is paid for, so the operator must decide."""


class ArchiveConflict(ArchiveError):
    """The archive has other content at the key. It is not overwritten; the operator must decide."""


@dataclass(frozen=True, slots=True)
class Download:
    """An open output. `stream` yields the content once, and raises DownloadCut if it ends early."""

    stream: CountingStream
    size_bytes: int | None


class Downloads(Protocol):
    def open(self, url: str) -> AbstractContextManager[Download]: ...


class Downloader:
    """Opens the links of outputs, over connections to checked addresses only.

    allowed_origins: the only origins that may be called (`https://host`); if empty, every public host may be called. An
    allowed origin may also be plain http on the loopback interface, as in the local deployment.
    """

    def __init__(
        self, allowed_origins: frozenset[str], read_seconds: float = READ_SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        self._allowed_origins = allowed_origins
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls or tls_context(),
            network_backend=CheckedNetwork(allowed_origins),
            keepalive_expiry=KEEP_ALIVE_SECONDS,
        )
        self._timeout = {"connect": CONNECT_SECONDS, "read": read_seconds, "write": read_seconds, "pool": read_seconds}

    def close(self) -> None:
        """Close the connections that are kept open for the next output."""
        self._pool.close()

    @contextmanager
    def open(self, url: str) -> Iterator[Download]:
        """Raises HostRefused, LinkExpired, DownloadCut, OutputUnusable."""
        response = self._get(url)
        try:
            headers = httpx.Headers(response.headers)
            _check_response(response.status, headers)
            size = _content_length(headers)
            yield Download(CountingStream(_chunks(response), size, time.monotonic() + TOTAL_SECONDS), size)
        finally:
            response.close()

    def _get(self, url: str) -> httpcore.Response:
        """The response, with its body still unread."""
        try:
            host_of(url, self._allowed_origins)
            # httpx percent-encodes what a request line cannot contain.
            parsed = httpx.URL(url)
            at = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
            headers = [("Host", parsed.netloc.decode()), *_HEADERS]
            request = httpcore.Request("GET", at, headers=headers, extensions={"timeout": self._timeout})
            return self._pool.handle_request(request)
        except NotPublic as problem:
            raise HostRefused(str(problem)) from None
        except httpx.InvalidURL:
            raise HostRefused("the output's link is not a URL") from None
        except Unresolved as problem:
            raise DownloadCut(str(problem)) from None
        except TRANSPORT_ERRORS as error:
            raise DownloadCut(f"the output could not be fetched ({type(error).__name__})") from error


class CountingStream:
    """A readable stream that counts, hashes and checks its content, so that S3 gets the complete output or nothing."""

    def __init__(self, chunks: Iterator[bytes], size_bytes: int | None, give_up_at: float) -> None:
        self._chunks = chunks
        self._expected = size_bytes
        self._give_up_at = give_up_at
        self._buffer = bytearray()
        self._hash = hashlib.sha256()
        self._ended = False
        self.read_bytes = 0
        self.limit_bytes: int | None = None
        self.problem: ArchiveError | None = None
        """The error that ended the stream, for callers that get it wrapped in another error."""

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def peek(self, size: int) -> bytes:
        """The first bytes, without consuming them."""
        self._fill(size)
        return bytes(self._buffer[:size])

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            raise ValueError("an output cannot be read whole; pass a size")
        self._fill(size)
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._hash.update(piece)
        return piece

    def drain(self) -> None:
        """Read to the end, for the count and the hash only."""
        while self.read(CHUNK_BYTES):
            pass

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size and not self._ended:
            try:
                chunk = self._next_chunk()
            except ArchiveError as problem:
                self.problem = problem
                raise
            if chunk is None:
                self._ended = True
            else:
                self._buffer += chunk

    def _next_chunk(self) -> bytes | None:
        if time.monotonic() > self._give_up_at:
            raise DownloadCut(f"the output took longer than {TOTAL_SECONDS:.0f} s")
        chunk = next(self._chunks, None)
        if chunk is None:
            if self._expected is not None and self.read_bytes != self._expected:
                raise DownloadCut(f"the output ended after {self.read_bytes} of {self._expected} bytes")
            return None
        self.read_bytes += len(chunk)
        if self._expected is not None and self.read_bytes > self._expected:
            raise DownloadCut(f"the output is longer than its {self._expected} bytes of Content-Length")
        if self.limit_bytes is not None and self.read_bytes > self.limit_bytes:
            raise OutputUnusable(f"the output is larger than {self.limit_bytes} bytes")
        return chunk


def _check_response(status: int, headers: httpx.Headers) -> None:
    if status in (403, 404, 410):
        raise LinkExpired(f"the output's link answered HTTP {status}")
    if 300 <= status < 400:
        raise HostRefused("the output's link redirects")
    if status != 200:
        raise DownloadCut(f"the output's link answered HTTP {status}")
    if headers.get("content-encoding", "identity") != "identity":
        raise OutputUnusable("the output has a content encoding")


def _content_length(headers: httpx.Headers) -> int | None:
    """The size in bytes; None for a chunked body, whose end the protocol checks."""
    if "content-length" in headers:
        try:
            return int(headers["content-length"])
        except ValueError:
            raise DownloadCut("the output has an invalid Content-Length") from None
    if "chunked" in headers.get("transfer-encoding", ""):
        return None
    raise DownloadCut("the output has no length, so a cut would not be noticed")


def _chunks(response: httpcore.Response) -> Iterator[bytes]:
    """The body as it arrives. Collecting larger pieces would hide a slow drip from the deadline."""
    try:
        yield from response.iter_stream()
    except TRANSPORT_ERRORS as error:
        raise DownloadCut(f"the output was cut ({type(error).__name__})") from error
