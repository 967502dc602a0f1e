"""Access to the connection below a request, which ASGI hides: some faults must cut it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

import h11
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

Ends = tuple[Any, Any]


class TrackedConnection(H11Protocol):
    """uvicorn's HTTP protocol, remembering each open connection by its two ends."""

    live: ClassVar[dict[Ends, asyncio.Transport]] = {}
    _ends: Ends | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._ends = (self.client, self.server)
        self.live[self._ends] = transport

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        # From here on another protocol owns the connection, and would not tell us of its end.
        if self._ends is not None:
            self.live.pop(self._ends, None)
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ends is not None:
            self.live.pop(self._ends, None)
        super().connection_lost(exc)


def close_connection(scope: Scope) -> None:
    """Close the request's connection after what has been written to it.

    Raises ConnectionResetError where there is none, as under an in-process test transport.
    """
    ends = cast(Ends, (_pair(scope.get("client")), _pair(scope.get("server"))))
    transport = TrackedConnection.live.get(ends)
    if transport is None:
        raise ConnectionResetError("the simulator hung up")
    transport.close()


def _pair(address: Any) -> tuple[Any, ...] | None:
    return None if address is None else tuple(address)
