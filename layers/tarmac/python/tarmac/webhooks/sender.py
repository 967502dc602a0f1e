"""One POST to a stranger's server: to a public address that its name really resolves to, and within a few seconds.

httpcore, without httpx above it: a connection can then be made to the very address that was checked. A name that is
resolved a second time may lead elsewhere, and a POST that has arrived inside a network cannot be taken back.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpcore

from tarmac.media.checked_network import TRANSPORT_ERRORS, CheckedNetwork
from tarmac.media.public_hosts import NotPublic, Unresolved, host_of
from tarmac.tls import tls_context

TOTAL_SECONDS = 10.0
"""From the connection to the head of the answer, however slowly that drips in."""


class CallbackFailed(Exception):
    """No answer. The message tells no more of the URL than its host."""


class Callbacks(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer; redirects are not followed, the body is not read. Raises CallbackFailed."""


class HttpCallbacks:
    """`named_origins` are the only ones called if there are any; else every public https host."""

    def __init__(
        self, named_origins: frozenset[str], total_seconds: float = TOTAL_SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        self._named_origins = named_origins
        self._total_seconds = total_seconds
        self._tls = tls

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        deadline = time.monotonic() + self._total_seconds
        try:
            host = host_of(url, self._named_origins)
            parts = urlsplit(url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            address = httpcore.URL(scheme=parts.scheme, host=host.name, port=parts.port, target=target)
            tls = (self._tls or tls_context()) if parts.scheme == "https" else None
            network = CheckedNetwork(self._named_origins, _TimedNetwork(deadline))
            with (
                httpcore.ConnectionPool(ssl_context=tls, network_backend=network) as pool,
                pool.stream("POST", address, headers=list(headers.items()), content=body) as answer,
            ):
                return answer.status
        except (NotPublic, Unresolved) as problem:
            raise CallbackFailed(str(problem)) from None
        except TRANSPORT_ERRORS as error:
            raise CallbackFailed(f"the receiver did not answer ({type(error).__name__})") from None
        except ValueError:
            raise CallbackFailed("the URL cannot be called") from None


class _TimedNetwork(httpcore.NetworkBackend):
    """Connects to an address, and ends every wait for it at one deadline."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._network.connect_tcp(host, port, _left(self._deadline), local_address, socket_options)
        return _TimedStream(stream, self._deadline)


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every wait ends at one deadline: each read in time, an answer could still drip for ever."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises httpcore.ReadTimeout when it is over."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left
