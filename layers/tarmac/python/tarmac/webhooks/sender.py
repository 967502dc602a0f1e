"""POST a webhook to a caller's URL: only to a public address, and within a fixed time.

Uses httpcore without httpx, because it can connect to the same address that was checked. Resolving the name again
could return an address inside the network.
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
"""Time limit from the connection to the headers of the response, even if they arrive byte by byte."""


class WebhookUnanswered(Exception):
    """There was no response. The message contains no part of the URL except its host."""


class WebhookSender(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Return the status code of the response. Raises WebhookUnanswered.

        Redirects are not followed, and the body of the response is not read.
        """


class HttpWebhookSender:
    """Posts to `named_origins` only if there are any; else to every public https host."""

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
            raise WebhookUnanswered(str(problem)) from None
        except TRANSPORT_ERRORS as error:
            raise WebhookUnanswered(f"the receiver did not respond ({type(error).__name__})") from None
        except ValueError:
            raise WebhookUnanswered("the URL is invalid") from None


class _TimedNetwork(httpcore.NetworkBackend):
    """Connects to an address, with one deadline for all operations on the connection."""

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
    """A stream with one deadline for all operations: a limit for each read would not limit their number."""

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
    """Return the seconds until the deadline. Raises httpcore.ReadTimeout after it."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left
