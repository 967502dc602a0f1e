"""How often a task is looked at, and how late its end is seen, held against what other policies need for it."""

from __future__ import annotations

from functools import cache

import pytest
import yaml

from bench.pacing import (
    LOADS,
    POOR_PROGRESS,
    STALE,
    TRANSITIONS_A_POLL,
    TRANSITIONS_BESIDE,
    Cost,
    Policy,
    cost,
    exponential,
    fixed,
    ours,
    sdk,
)
from local.paths import ROOT

TASKS = 900

MARKS = {
    "gen4_turbo": Cost(4.4, 1.5),
    "gen4.5": Cost(4.9, 2.0),
    "veo3": Cost(5.7, 2.2),
    "mixed": Cost(8.0, 1.8),
}
"""What was aimed at: half the polls of a fixed cadence at two thirds of its lag, or better."""


@cache
def usual(load: str, policy: Policy) -> Cost:
    return cost(load, policy, TASKS)


@pytest.mark.parametrize("load", LOADS)
def test_looks_are_few_and_timely(load: str) -> None:
    found = usual(load, ours)
    assert found.polls <= MARKS[load].polls
    assert found.lag_seconds <= MARKS[load].lag_seconds


def test_a_mixed_task_takes_thirty_state_transitions_at_the_most() -> None:
    assert usual("mixed", ours).transitions <= 30


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", [*POOR_PROGRESS, *STALE])
def test_poor_progress_and_stale_percentiles_cost_looks_and_no_more_seconds_than_the_sdk(name: str, load: str) -> None:
    if name in STALE:
        found = cost(load, ours, TASKS, stale=STALE[name])
    else:
        found = cost(load, ours, TASKS, POOR_PROGRESS[name])
    assert found.lag_seconds <= usual(load, sdk).lag_seconds
    # A look each four seconds at the most, where the SDK's is each six.
    assert found.polls <= 1.5 * usual(load, sdk).polls


def test_the_simulation_knows_what_the_other_policies_cost() -> None:
    """A cadence sees the end half an interval late, and looks once an interval; who doubles waits sees it late."""
    for load in LOADS:
        assert usual(load, fixed).lag_seconds == pytest.approx(2.6, abs=0.15)
        assert usual(load, sdk).lag_seconds == pytest.approx(3.15, abs=0.25)
        assert usual(load, fixed).polls == pytest.approx(1.2 * usual(load, sdk).polls, rel=0.05)
        assert usual(load, exponential).lag_seconds > usual(load, sdk).lag_seconds


def test_transitions_are_counted_as_the_machine_makes_them() -> None:
    states = yaml.safe_load((ROOT / "statemachines/generation.asl.yaml").read_text(encoding="utf-8"))["States"]
    assert states["WaitForProgress"]["Next"] == "Poll"
    assert states["Poll"]["Next"] == states["Submit"]["Next"] == "Route"
    assert states["Route"]["Default"] == "Finish"
    assert states["Finish"]["Next"] == "Ending"
    cycle, beside = ("WaitForProgress", "Poll", "Route"), ("Enter", "Submit", "Route", "Finish", "Ending", "Succeeded")
    assert {*cycle, *beside} <= states.keys()
    assert (len(cycle), len(beside)) == (TRANSITIONS_A_POLL, TRANSITIONS_BESIDE)
