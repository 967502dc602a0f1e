"""How often a generation is polled and how late its end is detected, compared with other policies."""

from __future__ import annotations

from functools import cache

import pytest
import yaml

from bench.pacing import (
    LOADS,
    OTHER_TRANSITIONS,
    POOR_PROGRESS,
    STALE,
    TRANSITIONS_PER_POLL,
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

TARGETS = {
    "gen4_turbo": Cost(4.4, 1.5),
    "gen4.5": Cost(4.9, 2.0),
    "veo3": Cost(5.7, 2.2),
    "mixed": Cost(8.0, 1.8),
}
"""At most half the polls of the fixed policy, and two thirds of its lag."""


@cache
def usual(load: str, policy: Policy) -> Cost:
    return cost(load, policy, TASKS)


@pytest.mark.parametrize("load", LOADS)
def test_polls_and_lag_meet_the_targets(load: str) -> None:
    found = usual(load, ours)
    assert found.polls <= TARGETS[load].polls
    assert found.lag_seconds <= TARGETS[load].lag_seconds


def test_a_task_of_the_mixed_load_takes_at_most_thirty_state_transitions() -> None:
    assert usual("mixed", ours).transitions <= 30


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", [*POOR_PROGRESS, *STALE])
def test_poor_progress_and_stale_percentiles_cost_polls_but_no_lag(name: str, load: str) -> None:
    if name in STALE:
        found = cost(load, ours, TASKS, stale=STALE[name])
    else:
        found = cost(load, ours, TASKS, POOR_PROGRESS[name])
    assert found.lag_seconds <= usual(load, sdk).lag_seconds
    # At most one poll in four seconds, where the SDK polls every six.
    assert found.polls <= 1.5 * usual(load, sdk).polls


def test_the_simulation_reproduces_the_known_costs_of_other_policies() -> None:
    """A fixed interval detects the end half an interval late; exponential backoff detects it later."""
    for load in LOADS:
        assert usual(load, fixed).lag_seconds == pytest.approx(2.6, abs=0.15)
        assert usual(load, sdk).lag_seconds == pytest.approx(3.15, abs=0.25)
        assert usual(load, fixed).polls == pytest.approx(1.2 * usual(load, sdk).polls, rel=0.05)
        assert usual(load, exponential).lag_seconds > usual(load, sdk).lag_seconds


def test_transitions_match_the_state_machine() -> None:
    states = yaml.safe_load((ROOT / "statemachines/generation.asl.yaml").read_text(encoding="utf-8"))["States"]
    assert states["WaitForProgress"]["Next"] == "Poll"
    assert states["Poll"]["Next"] == states["Submit"]["Next"] == "Route"
    assert states["Route"]["Default"] == "Finish"
    assert states["Finish"]["Next"] == "Ending"
    cycle, beside = ("WaitForProgress", "Poll", "Route"), ("Enter", "Submit", "Route", "Finish", "Ending", "Succeeded")
    assert {*cycle, *beside} <= states.keys()
    assert (len(cycle), len(beside)) == (TRANSITIONS_PER_POLL, OTHER_TRANSITIONS)
