"""From Runway's dying links into the archive bucket: streamed, counted, hashed, and written once.

An output comes from a signed link that Runway gave, and is still treated as hostile: https to a public name that
resolves to public addresses, no redirect, no content encoding, a known media type, a size cap, a total deadline.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx

from tarmac.media.public_hosts import NotPublic, Unresolved, addresses_of, host_of, is_public
from tarmac.tls import tls_context

HEAD_BYTES = 1024
CHUNK_BYTES = 256 * 1024
TOTAL_SECONDS = 780.0
"""For one output; FinishTask has 900 s."""


class ArchiveError(Exception):
    """An output is not in the archive. Messages carry no link: they go to logs and rows."""


class LinkExpired(ArchiveError):
    """The link is dead (403, 404, 410): a fresh one may be had from the task."""


class DownloadCut(ArchiveError):
    """The bytes did not all come (cut, stalled, refused for now): worth fetching again."""


class OutputUnusable(ArchiveError):
    """What came is not an output: no media type that Tarmac knows, encoded, too large. Fetching again may not help."""


class HostRefused(ArchiveError):
    """The link leads where Tarmac does not go. The file is paid for, so the task stays open and an operator decides."""


class ArchiveConflict(ArchiveError):
    """The key holds other bytes: never overwritten, always looked at."""


@dataclass(frozen=True, slots=True)
class Download:
    """An open output. `stream` gives the whole content once, and raises DownloadCut rather than end early."""

    stream: CountingStream
    size_bytes: int | None


class Downloads(Protocol):
    def open(self, url: str) -> AbstractContextManager[Download]: ...


class Downloader:
    """Opens output links. `allowed_origins` narrows the hosts (`https://host`); empty allows every public one.

    An origin named there may also be a plain-http loopback one: only the local deployer sets such.
    """

    def __init__(self, allowed_origins: frozenset[str], http: httpx.Client | None = None) -> None:
        self._allowed_origins = allowed_origins
        self._http = http or httpx.Client(
            timeout=httpx.Timeout(30.0, connect=5.0), verify=tls_context(), follow_redirects=False, trust_env=False
        )

    @contextmanager
    def open(self, url: str) -> Iterator[Download]:
        """Raises HostRefused, LinkExpired, DownloadCut, OutputUnusable."""
        trusted = self._check_host(url)
        # Asking for identity keeps the byte count honest: 48 KB of gzip can be 50 MB.
        request = self._http.build_request("GET", url, headers={"Accept-Encoding": "identity"})
        try:
            response = self._http.send(request, stream=True)
        except httpx.RequestError as error:
            raise DownloadCut(f"the output could not be fetched ({type(error).__name__})") from error
        try:
            if not trusted:
                _check_peer(response)
            _check_response(response)
            size = _content_length(response)
            yield Download(CountingStream(_raw_chunks(response), size, time.monotonic() + TOTAL_SECONDS), size)
        finally:
            response.close()

    def _check_host(self, url: str) -> bool:
        """Whether the origin is named by the operator. Raises HostRefused for one that must not be called."""
        try:
            host = host_of(url, self._allowed_origins)
            if not host.is_named:
                addresses_of(host)
        except NotPublic as problem:
            raise HostRefused(str(problem)) from None
        except Unresolved as problem:
            raise DownloadCut(str(problem)) from None
        return host.is_named


class CountingStream:
    """A `read(size)` over chunks that counts, hashes and checks: what S3 gets is what Runway promised, or nothing."""

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
        """The error that ended the stream, for callers that only see it wrapped."""

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def peek(self, size: int) -> bytes:
        """The first bytes, which stay to be read."""
        self._fill(size)
        return bytes(self._buffer[:size])

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            raise ValueError("an output is never read whole")
        self._fill(size)
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._hash.update(piece)
        return piece

    def drain(self) -> None:
        """Read to the end for the count and the hash alone."""
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
            raise DownloadCut(f"the output is longer than the {self._expected} bytes it promised")
        if self.limit_bytes is not None and self.read_bytes > self.limit_bytes:
            raise OutputUnusable(f"the output is larger than {self.limit_bytes} bytes")
        return chunk


def _check_response(response: httpx.Response) -> None:
    status = response.status_code
    if status in (403, 404, 410):
        raise LinkExpired(f"the output's link answered HTTP {status}")
    if response.is_redirect:
        raise HostRefused("the output's link redirects")
    if status != 200:
        raise DownloadCut(f"the output's link answered HTTP {status}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise OutputUnusable("the output comes encoded")


def _content_length(response: httpx.Response) -> int | None:
    """The promised size; None for a chunked body, whose own end is checked by the protocol."""
    if "content-length" in response.headers:
        try:
            return int(response.headers["content-length"])
        except ValueError:
            raise DownloadCut("the output's length is unreadable") from None
    if "chunked" in response.headers.get("transfer-encoding", ""):
        return None
    raise DownloadCut("the output has no length, so a cut would go unnoticed")


def _raw_chunks(response: httpx.Response) -> Iterator[bytes]:
    try:
        # As they arrive: collected into larger pieces, a drip would hide from the deadline.
        yield from response.iter_raw()
    except httpx.RequestError as error:
        raise DownloadCut(f"the output was cut ({type(error).__name__})") from error


def _check_peer(response: httpx.Response) -> None:
    """The address really talked to: the name may resolve otherwise from one moment to the next."""
    stream = response.extensions.get("network_stream")
    address = stream.get_extra_info("server_addr") if stream is not None else None
    if address is not None and not is_public(str(address[0])):
        raise HostRefused("the output's host answered from an address that is not public")
