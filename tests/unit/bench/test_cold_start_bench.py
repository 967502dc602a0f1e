"""Each function of the cold start benchmark, and the one it is compared with, succeeds on its first event."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cold_start import SUBJECTS, Starter, Subject, compare, row
from bench.stub import world
from local.paths import ROOT

PACKAGES = [ROOT / "layers" / "tarmac" / "python", Path(sysconfig.get_path("purelib"))]


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    with world() as server:
        yield Starter(PACKAGES, server)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_both_functions_succeed(subject: Subject, starter: Starter) -> None:
    usual, ours = compare(subject, starter, runs=1)
    assert len(usual) == len(ours) == 1
    assert all(start.cpu_ms > 0 for start in (*usual, *ours))
    assert row(subject, usual, ours).startswith(subject.name)


def test_a_function_that_fails_is_not_measured(starter: Starter) -> None:
    with pytest.raises(RuntimeError, match="poll_task failed"):
        starter.start(ROOT / "functions" / "poll_task", "app", {})
