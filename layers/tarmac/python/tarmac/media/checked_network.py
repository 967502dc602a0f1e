"""A network backend of httpcore that connects only to checked addresses.

The name of a host can resolve differently from one lookup to the next. So the lookup that is checked is also the one
that is used: the connection goes to an address from it, and TLS still verifies the certificate for the name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpcore

from tarmac.media.public_hosts import addresses_of, host_at

TRANSPORT_ERRORS = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
"""What httpcore raises when a request gets no complete response."""


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to the first reachable address of a host, after checking all of its addresses.

    named_origins: the origins that the operator has named; their hosts may have any address. network: makes the
    connection to an address. Raises NotPublic and Unresolved through the connection pool, before anything is sent.
    """

    def __init__(self, named_origins: frozenset[str], network: httpcore.NetworkBackend | None = None) -> None:
        self._named_origins = named_origins
        self._network = network or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError("no address")
        for address in addresses_of(host_at(host, port, self._named_origins)):
            try:
                return self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem
