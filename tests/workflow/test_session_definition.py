"""The rules of the session machine in every case: read from its definition, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from local.aws.template import parse
from local.checks.machines import targets
from local.paths import ROOT
from tests.workflow.test_definition import EVENTS

State = Mapping[str, Any]
STATES: dict[str, State] = parse((ROOT / "statemachines" / "avatar_session.asl.yaml").read_text())["States"]
TASKS = sorted(name for name, state in STATES.items() if state["Type"] == "Task")


def choice(state: str, word: str) -> str:
    """Where a Choice of `… = 'word'` conditions leads with this word."""
    for rule in STATES[state]["Choices"]:
        if rule["Condition"].endswith(f" = '{word}' %}}"):
            return str(rule["Next"])
    return str(STATES[state]["Default"])


@pytest.mark.parametrize(
    ("state", "word", "then"),
    [
        ("Route", "running", "WaitForTheCall"),
        ("Route", "ended", "Finish"),
        ("Route", "an outcome of tomorrow", "Finish"),
        ("Ending", "waiting", "WaitForTheRecording"),
        ("Ending", "completed", "Completed"),
        ("Ending", "cancelled", "Cancelled"),
        ("Ending", "failed", "Failed"),
        ("Ending", "an ending of tomorrow", "Failed"),
    ],
)
def test_each_outcome_leads_to_its_state_and_an_unknown_one_never_to_a_wait(state: str, word: str, then: str) -> None:
    assert choice(state, word) == then


def test_steps_get_ids_only() -> None:
    """A text outside all payloads cannot be in a history."""
    for name in TASKS:
        assert STATES[name]["Arguments"]["Payload"] == {"sessionId": "{% $states.input.sessionId %}"}


def test_finish_has_no_catch_and_a_failed_watch_leads_to_it() -> None:
    """An execution that fails at Finish has not archived yet. Its redrive archives, announces and starts nothing."""
    assert TASKS == ["Finish", "Watch"]
    assert "Catch" not in STATES["Finish"]
    [catch] = STATES["Watch"]["Catch"]
    assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "Finish")
    assert set(targets(STATES["WaitForTheRecording"])) == {"Finish"}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_state_retries_with_growing_pauses(name: str) -> None:
    [rule] = STATES[name]["Retry"]
    assert rule["ErrorEquals"] == ["States.ALL"]
    assert (rule["MaxAttempts"], rule["BackoffRate"], rule["MaxDelaySeconds"], rule["JitterStrategy"]) == (
        *(6, 2, 60, "FULL"),
    )


def test_a_poll_writes_at_most_nine_events() -> None:
    cycle = ("WaitForTheCall", "Watch", "Route")
    for name, after in zip(cycle, cycle[1:] + cycle[:1], strict=True):
        assert after in targets(STATES[name])
    assert sum(EVENTS[STATES[name]["Type"]] for name in cycle) <= 9


def test_every_state_has_a_comment() -> None:
    for name, state in STATES.items():
        assert state.get("Comment", "").endswith("."), name
