"""The rules of the generation machine in every case: read from its definition, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from local.aws.template import parse
from local.checks.machines import targets
from local.paths import ROOT

State = Mapping[str, Any]
STATES: dict[str, State] = parse((ROOT / "statemachines" / "generation.asl.yaml").read_text())["States"]
TASKS = sorted(name for name, state in STATES.items() if state["Type"] == "Task")
# What AWS writes into the history while a state is passed once: entered and exited, and of a Task also scheduled,
# started, succeeded.
EVENTS = {"Wait": 2, "Choice": 2, "Task": 5}


def reachable(start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in targets(STATES[waiting.pop()]):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def choice(state: str, word: str) -> str:
    """Where a Choice of `… = 'word'` conditions leads with this word."""
    for rule in STATES[state]["Choices"]:
        _, _, quoted = rule["Condition"].partition(" = ")
        if quoted == f"'{word}' %}}":
            return str(rule["Next"])
    return str(STATES[state]["Default"])


@pytest.mark.parametrize(
    ("outcome", "state"), [("running", "WaitForProgress"), ("waiting", "WaitForCapacity"), ("ended", "Finish")]
)
def test_each_outcome_leads_to_its_state(outcome: str, state: str) -> None:
    assert choice("Route", outcome) == state


@pytest.mark.parametrize("outcome", ["", "RUNNING", "throttled", "null", "an outcome of tomorrow"])
def test_an_unknown_outcome_leads_to_finish_and_never_to_a_wait(outcome: str) -> None:
    """Finish reads the row and fails if the task has not ended: the failure is visible, and no loop runs forever."""
    assert choice("Route", outcome) == "Finish"


@pytest.mark.parametrize("ending", ["", "SUCCEEDED", "an ending of tomorrow"])
def test_an_unknown_ending_fails_the_execution(ending: str) -> None:
    assert choice("Ending", ending) == "Failed"
    assert STATES["Failed"]["Type"] == "Fail"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_state_retries_with_growing_pauses(name: str) -> None:
    (rule,) = STATES[name]["Retry"]
    assert {"Lambda.ServiceException", "Lambda.TooManyRequestsException"} <= set(rule["ErrorEquals"]) or rule[
        "ErrorEquals"
    ] == ["States.ALL"]
    assert rule["MaxAttempts"] >= 3
    assert rule["BackoffRate"] > 1
    assert rule["JitterStrategy"] == "FULL"
    assert rule["MaxDelaySeconds"] <= 60


def test_an_invalid_request_by_hand_is_not_retried() -> None:
    """Accept retries errors of Lambda itself only; besides Accept only Finish can fail an execution."""
    (rule,) = STATES["Accept"]["Retry"]
    assert all(name.startswith("Lambda.") for name in rule["ErrorEquals"])


@pytest.mark.parametrize("name", ["Submit", "Poll"])
def test_a_step_whose_retries_fail_leads_to_finish(name: str) -> None:
    """With the task id alone: Finish reads everything else from the row."""
    (catch,) = STATES[name]["Catch"]
    assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "Finish")
    assert catch["Output"] == {"taskId": "{% $states.input.taskId %}"}


def test_finish_has_no_catch() -> None:
    """A failure of Finish must not appear as an ending: the execution fails there, with the row open."""
    assert "Catch" not in STATES["Finish"]


def test_a_redrive_after_a_failed_finish_enters_finish_and_buys_nothing() -> None:
    """A redrive starts at the state that failed. That is Accept, where nothing is bought, Finish, or Failed, after the
    task has ended; and no transition leads from Finish or Failed to Submit or Poll.
    """
    may_end_red = {
        name for name in TASKS if not any("States.ALL" in c["ErrorEquals"] for c in STATES[name].get("Catch", ()))
    }
    may_end_red |= {name for name, state in STATES.items() if state["Type"] == "Fail"}
    assert may_end_red == {"Accept", "Finish", "Failed"}
    assert reachable("Finish") == {"Ending", "Succeeded", "Cancelled", "Failed"}
    assert reachable("Failed") == set()


def test_nothing_is_bought_but_in_submit() -> None:
    """Only an entry and a wait lead into Submit: the machine itself has no retry loop."""
    assert [name for name in TASKS if "SubmitTask" in STATES[name]["Arguments"]["FunctionName"]] == ["Submit"]
    assert {name for name, state in STATES.items() if "Submit" in targets(state)} == {
        "Enter",
        "Accept",
        "WaitForCapacity",
    }


def test_steps_get_ids_only() -> None:
    """A text outside all payloads cannot be in a history. Only Accept gets a request: the one from the console."""
    for name in set(TASKS) - {"Accept"}:
        assert STATES[name]["Arguments"]["Payload"] == {"taskId": "{% $states.input.taskId %}"}


@pytest.mark.parametrize("cycle", [("WaitForProgress", "Poll", "Route"), ("WaitForCapacity", "Submit", "Route")])
def test_a_cycle_writes_at_most_nine_events(cycle: tuple[str, ...]) -> None:
    """The history ends at 25,000: nine a cycle leave room for two days of waiting."""
    for name, after in zip(cycle, cycle[1:] + cycle[:1], strict=True):
        assert after in targets(STATES[name])
    assert sum(EVENTS[STATES[name]["Type"]] for name in cycle) <= 9


def test_every_state_has_a_comment() -> None:
    for name, state in STATES.items():
        assert state.get("Comment", "").endswith("."), name
