"""The bench compares what works: each function and its usual counterpart answer their first event, on nothing warm."""

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
def test_both_answer(subject: Subject, starter: Starter) -> None:
    usual, ours = compare(subject, starter, runs=1)
    assert len(usual) == len(ours) == 1
    assert all(start.cpu_ms > 0 for start in (*usual, *ours))
    assert row(subject, usual, ours).startswith(subject.name)


def test_a_function_that_fails_is_no_measurement(starter: Starter) -> None:
    with pytest.raises(RuntimeError, match="no good answer"):
        starter.start(ROOT / "functions" / "poll_task", "app", {})
