"""Access to the TCP connection of a request, which ASGI hides: some faults must close it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

import h11
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

Ends = tuple[Any, Any]


class TrackedConnection(H11Protocol):
    """uvicorn's HTTP protocol, which also records each open connection by its two addresses."""

    live: ClassVar[dict[Ends, asyncio.Transport]] = {}
    _ends: Ends | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._ends = (self.client, self.server)
        self.live[self._ends] = transport

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        # From here on another protocol owns the connection and does not report its end here.
        if self._ends is not None:
            self.live.pop(self._ends, None)
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ends is not None:
            self.live.pop(self._ends, None)
        super().connection_lost(exc)


def close_connection(scope: Scope) -> None:
    """Close the request's connection after the bytes that have been written to it.

    Raises ConnectionResetError if there is no connection, as with an in-process test transport.
    """
    ends = cast(Ends, (_pair(scope.get("client")), _pair(scope.get("server"))))
    transport = TrackedConnection.live.get(ends)
    if transport is None:
        raise ConnectionResetError("the simulator closed the connection")
    transport.close()


def _pair(address: Any) -> tuple[Any, ...] | None:
    return None if address is None else tuple(address)
