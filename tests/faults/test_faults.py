"""The short form of the fault harness; `make faults` runs the long one."""

from __future__ import annotations

import pytest

from tests.faults.__main__ import SHORT, story_of, verdict_line
from tests.faults.explorer import Schedule, explore
from tests.faults.guards import judge_all
from tests.faults.run import quick
from tests.faults.scenarios import SCENARIOS

SEED = 1


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_baseline_succeeds_and_is_reproducible(name: str) -> None:
    with quick():
        first, second = (Schedule(name, 1, ()).run() for _ in range(2))
    assert first.broken is None
    assert first.trace == second.trace


def test_a_schedule_is_read_as_it_is_printed() -> None:
    text = "api success; 1; execution#5: crash after; sweep 2#3: stall"
    assert str(Schedule.parse(text)) == text


def test_no_invariant_breaks() -> None:
    """All single deviations, all pairs that begin with some of them, some random schedules."""
    tally = explore(SHORT.portions(SEED), workers=2)
    assert not tally.findings, "\n\n".join(story_of(finding) for finding in tally.findings.values())
    assert tally.schedules > 10_000


@pytest.mark.slow
def test_the_harness_detects_the_removal_of_any_guard() -> None:
    verdicts = judge_all(SEED, workers=2)
    assert len(verdicts) >= 13
    assert all(verdict.broken for verdict in verdicts), "\n".join(map(verdict_line, verdicts))
