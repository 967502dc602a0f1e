"""Background processes: started detached, found again by their pid file, stopped with everything they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import psutil

from local.errors import LocalError, PortTaken

LOOPBACK = "127.0.0.1"
# Processes started by this one, by process id. They are polled, so that none stays a zombie after its end.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Service:
    """One background process.

    arguments: parts of its command line that no other process on this machine has, which identify it.
    settings: text that differs whenever the service must be started again to apply a change.
    """

    name: str
    command: Sequence[str]
    arguments: Sequence[str]
    pid_file: Path
    log_file: Path
    port: int
    settings: str

    def pid(self) -> int | None:
        """Return the process id, or None if the service does not run."""
        process = self._process()
        return None if process is None else process.pid

    def running_port(self) -> int | None:
        """Return the port that the running service was started with, or None if it does not run."""
        return None if self.pid() is None else int(self.pid_file.read_text().splitlines()[1])

    def runs_as_asked(self) -> bool:
        """Return whether the service runs with this port and these settings."""
        return self.pid() is not None and self.pid_file.read_text().splitlines()[1:] == [str(self.port), self.settings]

    def start(self, environment: Mapping[str, str], folder: Path) -> int:
        """Start the service in a session of its own, with a new log file. Return its process id."""
        with self.log_file.open("wb") as log:
            child = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
            )
        _children[child.pid] = child
        self.pid_file.write_text(f"{child.pid}\n{self.port}\n{self.settings}\n")
        return child.pid

    def stop(self, patience_seconds: float = 15) -> bool:
        """Stop the service and all processes that it started. Return False if it did not run."""
        process = self._process()
        if process is not None:
            # The service first and alone: it may save its state and end its own children.
            if not _end([process], signal.SIGTERM, patience_seconds):
                _end([process], signal.SIGKILL, 5)
            _end(_members(process.pid), signal.SIGTERM, 3)
            _end(_members(process.pid), signal.SIGKILL, 3)
        self.pid_file.unlink(missing_ok=True)
        return process is not None

    def wait_ready(self, ready: Callable[[], bool], patience_seconds: float) -> None:
        """Return once ready() is true. Raise LocalError with the end of the log if it never is."""
        if not _until(lambda: ready() or self.pid() is None, patience_seconds) or self.pid() is None:
            ending = "did not become ready" if self.pid() else "ended while starting"
            raise LocalError(f"{self.name} {ending}. Its log, {self.log_file}, ends with:\n{self.log_tail()}")

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of the log, or a dash if there are none."""
        try:
            text = self.log_file.read_text(errors="replace")
        except FileNotFoundError:
            return "-"
        return "\n".join(text.splitlines()[-lines:]) or "-"

    def _process(self) -> psutil.Process | None:
        """Return the running process of the pid file. A process that reuses the id is not mistaken for it."""
        try:
            process = psutil.Process(int(self.pid_file.read_text().splitlines()[0]))
            # The command line of a child can be empty just after its start.
            is_ours = process.pid in _children or all(word in process.cmdline() for word in self.arguments)
            return process if _lives(process) and is_ours else None
        except (FileNotFoundError, ValueError, IndexError, psutil.Error):
            return None


def _end(processes: Sequence[psutil.Process], number: signal.Signals, patience_seconds: float) -> bool:
    """Send a signal to each process and wait. Return whether all have ended."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
    return _until(lambda: not any(map(_lives, processes)), patience_seconds)


def _members(group: int) -> list[psutil.Process]:
    """Return the living processes of a process group. start() makes each service the leader of its own."""

    def found() -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(process.pid) == group and _lives(process):
                    yield process

    return list(found())


def _lives(process: psutil.Process) -> bool:
    """Return whether a process runs. A zombie does not: in a container it may stay forever."""
    child = _children.get(process.pid)
    if child is not None and child.poll() is not None:
        del _children[process.pid]
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def require_free_port(port: int, variable: str) -> None:
    """Raise PortTaken if another program listens on the port. `variable` is the setting that changes the port."""
    with socket.socket() as probe:
        # As servers do: a port with only closing connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTaken(port, variable) from error


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether a GET of this loopback address is answered with 200."""
    # A proxy from the developer's shell cannot reach this machine's loopback addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _until(condition: Callable[[], bool], patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
