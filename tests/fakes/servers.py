"""A tiny real HTTP server: it reads one request a connection, runs the next behaviour, and closes the connection."""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[socket.socket, "TinyServer"], None]


def answer(status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> Behaviour:
    """Send a whole response; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return raw(
        _head(status, {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})})
        + content
    )


def raw(*pieces: bytes, pause_seconds: float = 0.0) -> Behaviour:
    """Send these bytes unchanged, piece by piece, then close the connection."""

    def send(connection: socket.socket, server: TinyServer) -> None:
        for number, piece in enumerate(pieces):
            if number and _nobody_waits(connection, server, pause_seconds):
                return
            connection.sendall(piece)

    return send


def head(status: int = 200, **headers: str) -> bytes:
    """Return the head of a response; underscores in names stand for hyphens."""
    return _head(status, {name.replace("_", "-"): value for name, value in headers.items()})


def reset(connection: socket.socket, server: TinyServer) -> None:
    """Reset the connection after the request was read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket, server: TinyServer) -> None:
    """Close the connection without a response."""


def stall(connection: socket.socket, server: TinyServer) -> None:
    """Send nothing as long as the client waits."""
    _nobody_waits(connection, server, 30)


def _nobody_waits(connection: socket.socket, server: TinyServer, seconds: float) -> bool:
    """Wait this time; return True at once when the client has gone or the server stops."""
    until = time.monotonic() + seconds
    while not server.stopping.is_set():
        left = until - time.monotonic()
        if left <= 0:
            return False
        readable, _, _ = select.select([connection], [], [], min(left, 0.02))
        if readable and not connection.recv(65536):
            return True
    return True


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\n{lines}connection: close\r\n\r\n".encode()


@dataclass
class TinyServer:
    """`requests` holds the received requests; responses come from `script`, whose last entry repeats."""

    url: str
    script: list[Behaviour] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def answers(self, *behaviours: Behaviour) -> None:
        self.script[:] = behaviours

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = _read_request(connection)
            if request is None:
                return
            self.requests.append(request)
            behaviour = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            behaviour(connection, self)

    def _accept(self, listener: socket.socket) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            connection.settimeout(30)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()


@contextmanager
def tiny_server() -> Iterator[TinyServer]:
    """Run a server on a free port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)
        server = TinyServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=server._accept, args=(listener,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            thread.join(5)


def _read_request(connection: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    top, _, body = data.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    method, path, _ = first.split(" ")
    return Received(method, path, headers, body)
