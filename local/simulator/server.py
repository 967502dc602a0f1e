"""The simulator as a server: in the foreground of a process, or on a thread for tests."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from local.simulator.app import create_app
from local.simulator.config import Config
from local.simulator.connections import TrackedConnection
from local.simulator.simulator import Simulator

HOST = "127.0.0.1"
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A running simulator. base_url has no slash at its end."""

    base_url: str
    simulator: Simulator


def listen(port: int) -> socket.socket:
    """A bound loopback socket; port 0 takes a free one."""
    # With the protocol named, asyncio turns off Nagle's delay (40 ms per response) for accepted connections.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


def base_url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def server_for(config: Config, log_level: str = "warning") -> tuple[uvicorn.Server, Simulator]:
    """A server that is ready to run, and its simulator."""
    app = create_app(config)
    settings = uvicorn.Config(
        app,
        http=TrackedConnection,
        ws="wsproto",
        log_level=log_level,
        access_log=False,
        backlog=1024,
        # Stalled requests never end on their own.
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(settings), app.state.simulator


@contextlib.contextmanager
def running_simulator(port: int = 0, **options: Any) -> Iterator[RunningSimulator]:
    """Run a simulator on a thread of this process; options are those of Config."""
    listener = listen(port)
    server, simulator = server_for(Config(**options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="runway-simulator")
    thread.start()
    try:
        _wait_until(server, thread)
        yield RunningSimulator(base_url(listener), simulator)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _wait_until(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause, waited = 0.01, 0.0
    while not server.started:
        if not thread.is_alive() or waited > _START_SECONDS:
            raise RuntimeError("the simulator did not start")
        thread.join(pause)
        waited += pause
