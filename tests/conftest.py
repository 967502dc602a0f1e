"""Lanes, Hypothesis profiles, and the local stack that all tests of a run share.

Every test belongs to one lane, by its folder or its own mark: `unit`, `integration` or `slow` (see `_lane`).

The first test that needs the stack starts it, also under `pytest -n`, where each worker may be the first. The main
process names the stack's folder, passes it to its workers, and stops the stack by its process ids after the last test.
A run without tests of the stack starts nothing.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from local.stack import StackInfo
    from tests.e2e.api import Api
    from tests.e2e.deployment import Deployment
    from tests.e2e.notices import Notices
    from tests.e2e.simulator import Simulator

HOME = pytest.StashKey[Path]()
TESTS = Path(__file__).parent

SLOW = ("canary", "load", "storm")
"""Folders whose tests start their own stacks, under load or faults, for minutes."""

WITH_PROCESSES = ("bench", "local", "simulator", "storyboard", "template")
"""Folders below `unit` whose tests start processes or servers, encode video or run cfn-lint."""

# The duration of an example is meaningless on a busy machine.
settings.register_profile("default", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=20)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its lane, before `-m` selects by marks."""
    for item in items:
        if item.get_closest_marker("slow") is None:
            item.add_marker(_lane(item.path))


def _lane(file: Path) -> str:
    """The lane of the tests in a file. Those of the examples encode video."""
    if not file.is_relative_to(TESTS):
        return "integration"
    path = file.relative_to(TESTS)
    if path.parts[0] in SLOW:
        return "slow"
    if path.parts[0] == "unit" and path.parts[1] not in WITH_PROCESSES:
        return "unit"
    return "integration"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-calls",
        action="store_true",
        help="replace local/permissions/calls.json by the calls that the functions make in this run",
    )


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[HOME] = Path(worker["stack_home"])
        return
    config.stash[HOME] = Path(tempfile.gettempdir()).resolve() / f"tarmac-tests-{uuid.uuid4().hex[:12]}"
    # A CI that cancels a run sends SIGTERM: end the stack then, too.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the stack's folder to the workers of xdist."""
    node.workerinput["stack_home"] = str(node.config.stash[HOME])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End the stack after passed and failed tests. The logs of a failed run remain."""
    home = session.config.stash[HOME]
    if hasattr(session.config, "workerinput"):
        return
    _check_calls(session)
    if not home.exists():
        return
    from local.paths import ROOT
    from tests.e2e.shared import keep_logs, shared_stack

    logs = ROOT / ".local" / "test-logs"
    shutil.rmtree(logs, ignore_errors=True)
    try:
        if exitstatus:
            keep_logs(home, logs)
    finally:
        shared_stack(home).down()
        shutil.rmtree(home, ignore_errors=True)


def calls_file(config: pytest.Config) -> Path:
    """The file of the calls that functions make in this run."""
    return config.stash[HOME].with_suffix(".calls.jsonl")


def _check_calls(session: pytest.Session) -> None:
    """Fail the run if a function made a call that is not allowed, or one that docs/permissions.md does not know."""
    file = calls_file(session.config)
    if not file.exists():
        return
    from local.permissions.calls import checked_calls, read_record, recorded, write
    from local.permissions.page import project

    record = read_record(file)
    file.unlink()
    if session.config.getoption("--record-calls"):
        write(record.allowed)
        return
    known = {call.key for call in checked_calls(project(), recorded())}
    problems = [f"denied: {call.key}" for call in record.denied]
    problems += [f"not recorded, run `make calls`: {call.key}" for call in record.allowed if call.key not in known]
    if problems:
        session.config.get_terminal_writer().line("\n" + "\n".join(problems), red=True)
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def stack_home(request: pytest.FixtureRequest) -> Path:
    """The folder of the shared stack, which TARMAC_HOME would name."""
    return request.config.stash[HOME]


@pytest.fixture(scope="session")
def stack(stack_home: Path) -> StackInfo:
    """Where the shared stack is. A second `up` of a home finds everything done, and two at once take turns."""
    from tests.e2e.shared import shared_stack

    return shared_stack(stack_home).up()


@pytest.fixture(scope="session")
def deployment(stack: StackInfo) -> Iterator[Deployment]:
    """The stack from inside: rows, executions, buckets, functions."""
    from tests.e2e.deployment import Deployment

    with Deployment.of(stack) as opened:
        yield opened


@pytest.fixture(scope="session")
def simulator(stack: StackInfo) -> Iterator[Simulator]:
    """Runway's side of it."""
    from tests.e2e.simulator import Simulator

    with Simulator.of(stack) as opened:
        yield opened


@pytest.fixture(scope="session")
def notices(deployment: Deployment) -> Iterator[Notices]:
    """All notices that the topic has published since this process subscribed."""
    from tests.e2e.notices import Notices

    with Notices.subscribed(deployment) as listening:
        yield listening


@pytest.fixture
def api(deployment: Deployment) -> Iterator[Api]:
    """The API as a client that is this test's own: its lists hold nothing else."""
    from tests.e2e.api import Api

    with Api.of_new_client(deployment) as client:
        yield client
