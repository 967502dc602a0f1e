"""Background processes that outlive the command that started them, and end by their own id alone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError, PortTaken

LOOPBACK = "127.0.0.1"
# Kept so that a process started by this one is reaped when it ends, not left behind as a zombie.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Service:
    """One background process.

    `arguments` name it: no other process on the machine has them all. `settings` is any text that tells one
    way of running it from another.
    """

    name: str
    command: Sequence[str]
    arguments: Sequence[str]
    pid_file: Path
    log_file: Path
    port: int
    settings: str

    def pid(self) -> int | None:
        """Its process id if it runs, else None. A reused id is not mistaken for it."""
        try:
            pid = int(self.pid_file.read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        if _reap(pid):
            return None
        if pid in _children:
            # Ours for certain. Its command line, just after the start, may not be there yet.
            return pid
        line = command_line(pid)
        return pid if line and all(argument in line for argument in self.arguments) else None

    def running_port(self) -> int | None:
        """The port it runs on, None if it does not run."""
        return None if self.pid() is None else int(self.pid_file.read_text().splitlines()[1])

    def runs_as_asked(self) -> bool:
        """Whether it runs, on this port and with these settings."""
        return self.pid() is not None and self.pid_file.read_text().splitlines()[1:] == self._asked()

    def start(self, environment: Mapping[str, str], folder: Path) -> int:
        """Start it in a session of its own, output to a new log. Returns its process id."""
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
        self.pid_file.write_text("\n".join([str(child.pid), *self._asked()]) + "\n")
        return child.pid

    def stop(self, patience_seconds: float = 15) -> bool:
        """End it and whatever it started. False if it did not run."""
        pid = self.pid()
        if pid is None:
            self.pid_file.unlink(missing_ok=True)
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if not _until(lambda: self.pid() is None, patience_seconds):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _until(lambda: self.pid() is None, 5)
        # start() made it the leader of a group: what is left in that group are its own children.
        for number in (signal.SIGTERM, signal.SIGKILL):
            if _group_lives(pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, number)
                _until(lambda: not _group_lives(pid), 3)
        self.pid_file.unlink(missing_ok=True)
        return True

    def wait_ready(self, ready: Callable[[], bool], patience_seconds: float) -> None:
        """Return once ready() is true. Raises LocalError with the end of the log if it never is."""

        def settled() -> bool:
            return ready() or self.pid() is None

        if not _until(settled, patience_seconds) or self.pid() is None:
            ending = "did not become ready" if self.pid() else "ended while starting"
            raise LocalError(f"{self.name} {ending}. Its log, {self.log_file}, ends with:\n{self.log_tail()}")

    def _asked(self) -> list[str]:
        return [str(self.port), self.settings]

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its log, or a dash."""
        try:
            text = self.log_file.read_text(errors="replace")
        except FileNotFoundError:
            return "-"
        return "\n".join(text.splitlines()[-lines:]) or "-"


def command_line(pid: int) -> list[str]:
    """The arguments of a living process; empty if there is none, or only its zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return []
    # No /proc: macOS. Its `ps` joins the arguments to one string.
    question = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    line = subprocess.run(question, capture_output=True, text=True, check=False).stdout.strip()
    return [] if not line or line.startswith("(") else _Line(line)


class _Line(list[str]):
    """A command line that is known only as one string."""

    def __init__(self, line: str) -> None:
        super().__init__([line])

    def __contains__(self, argument: object) -> bool:
        return str(argument) in self[0]


def require_free_port(port: int, variable: str) -> None:
    """Raises PortTaken, which names the variable that would move it."""
    with socket.socket() as probe:
        # As servers do: a port that only waits out its old connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTaken(port, variable) from error


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET of this loopback address is answered with 200."""
    # Without a proxy: one of the developer's shell does not know our loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _reap(pid: int) -> bool:
    """Whether a child of this very process has ended. Reaps it then, or it would stay as a zombie."""
    child = _children.get(pid)
    if child is None or child.poll() is None:
        return False
    del _children[pid]
    return True


def _group_lives(group: int) -> bool:
    """Whether a group has a member that is no zombie: in a container those may stay for seconds, or for ever."""
    _reap(group)
    if Path("/proc/self").exists():
        return any(_is_living_member(stat, group) for stat in Path("/proc").glob("[0-9]*/stat"))
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        # macOS refuses permission where only zombies are left.
        return False
    return True


def _is_living_member(stat: Path, group: int) -> bool:
    try:
        # After the name, which is in brackets and may hold anything: state, parent, group.
        state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(its_group) == group and state != "Z"


def _until(condition: Callable[[], bool], patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
