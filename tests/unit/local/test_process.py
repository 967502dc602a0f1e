"""Background processes: found again by another command, stopped with all they started, never mistaken for others."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.errors import LocalError, PortTaken
from local.process import Service

PATIENT = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)
PARENT = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)"
)
ORPHANING = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True)"
)
GRANDPARENT = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {ORPHANING!r}]); time.sleep(60)"


class Services:
    """Makes services that run a piece of Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[Service] = []

    def __call__(self, code: str, settings: str = "") -> Service:
        marker = str(self.folder)
        service = Service(
            name="the service",
            command=[sys.executable, "-c", code, marker],
            arguments=[marker],
            pid_file=self.folder / "service.pid",
            log_file=self.folder / "service.log",
            port=4566,
            settings=settings,
        )
        self.made.append(service)
        return service


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = Services(tmp_path)
    yield made
    for service in made.made:
        service.stop(patience_seconds=0)


def start(service: Service) -> int:
    return service.start(os.environ, service.pid_file.parent)


def first_line(service: Service) -> str:
    """The first line of a service's log, once it is written."""
    deadline = time.monotonic() + 10
    while not (text := service.log_file.read_text()).endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return text.strip()


def runs(pid: int) -> bool:
    """Whether the process runs. A zombie, which remains in a container without an init process, does not."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_another_command_finds_the_running_service(services: Services) -> None:
    pid = start(services(PATIENT, "slow"))
    again = services(PATIENT, "slow")
    assert again.pid() == pid
    assert again.running_port() == 4566
    assert again.runs_as_asked()
    assert not services(PATIENT, "fast").runs_as_asked()


def test_stop_ends_the_service_and_returns_whether_it_ran(services: Services) -> None:
    service = services(PATIENT)
    pid = start(service)
    assert service.stop()
    assert not runs(pid)
    assert not service.pid_file.exists()
    assert not service.stop()


def test_stop_ends_the_children_of_the_service(services: Services) -> None:
    service = services(PARENT)
    start(service)
    child = int(first_line(service))
    assert service.stop()
    assert not runs(child)


def test_stop_ends_an_orphaned_process(services: Services) -> None:
    service = services(GRANDPARENT)
    start(service)
    orphan = int(first_line(service))
    assert runs(orphan)
    assert service.stop()
    assert not runs(orphan)


def test_a_service_that_ignores_sigterm_is_killed(services: Services) -> None:
    service = services(STUBBORN)
    pid = start(service)
    first_line(service)
    assert service.stop(patience_seconds=0.1)
    assert not runs(pid)


def test_a_reused_process_id_is_not_taken_for_the_service(services: Services) -> None:
    """The pid file names a running process that is another program."""
    service = services(PATIENT)
    service.pid_file.write_text(f"{os.getpid()}\n4566\n\n")
    assert service.pid() is None
    assert not service.stop()


def test_an_early_end_is_reported_with_its_log(services: Services) -> None:
    service = services("raise SystemExit('no such thing')")
    start(service)
    with pytest.raises(LocalError, match=r"(?s)ended while starting.*no such thing"):
        service.wait_ready(lambda: False, patience_seconds=10)


def test_a_service_that_never_gets_ready_is_reported(services: Services) -> None:
    service = services(PATIENT)
    start(service)
    with pytest.raises(LocalError, match="did not become ready"):
        service.wait_ready(lambda: False, patience_seconds=0.05)


def test_a_taken_port_is_reported_with_another_one_to_choose() -> None:
    assert re.fullmatch(r"port 4566 on 127\.0\.0\.1 is taken.*: PORT=4666 make up", str(PortTaken(4566, "PORT")))
