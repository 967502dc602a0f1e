"""Copies of the definitions with one fault each. The cases must notice every one of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.workflow.machines import Definition, Definitions

States = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """A change that makes a machine wrong."""

    id: str
    machine: str
    change: Callable[[States], object]
    """Changes the states in place."""

    def plant(self, definitions: Definitions) -> dict[str, Definition]:
        """The definitions with this fault."""
        changed = copy.deepcopy(dict(definitions))
        self.change(changed[self.machine]["States"])
        return changed


def shot_states(states: States) -> States:
    """The states of one shot of the film machine."""
    inner: States = states["FilmShots"]["ItemProcessor"]["States"]
    return inner


FAULTS = (
    Fault("Submit skips its route", "generation", lambda s: s["Submit"].update(Next="Finish")),
    Fault("Poll leads nowhere", "generation", lambda s: s["Poll"].update(Next="Nowhere")),
    Fault("Submit without a catch", "generation", lambda s: s["Submit"].pop("Catch")),
    Fault("Poll without a catch", "generation", lambda s: s["Poll"].pop("Catch")),
    Fault("a catch that forgets the id", "generation", lambda s: s["Submit"]["Catch"][0].update(Output={})),
    Fault("a catch that submits again", "generation", lambda s: s["Submit"]["Catch"][0].update(Next="Submit")),
    Fault("Submit without a retry", "generation", lambda s: s["Submit"].pop("Retry")),
    Fault("a retry too few", "generation", lambda s: s["Poll"]["Retry"][0].update(MaxAttempts=5)),
    Fault("retries that do not slow down", "generation", lambda s: s["Poll"]["Retry"][0].update(BackoffRate=1)),
    Fault("Accept retries invalid requests", "generation", lambda s: s["Accept"].update(Retry=s["Submit"]["Retry"])),
    Fault(
        "a misspelt outcome",
        "generation",
        lambda s: s["Route"]["Choices"][1].update(Condition="{% $states.input.outcome = 'wait' %}"),
    ),
    Fault("unknown outcomes are polled", "generation", lambda s: s["Route"].update(Default="WaitForProgress")),
    Fault("unknown endings succeed", "generation", lambda s: s["Ending"].update(Default="Succeeded")),
    Fault(
        "a misspelt field in an expression",
        "generation",
        lambda s: s["Failed"].update(Error="{% $states.input.errors %}"),
    ),
    Fault(
        "an expression that cannot be parsed",
        "generation",
        lambda s: s["Accept"]["Arguments"].update(Payload="{% $merge([$states.input, {'execution': ) %}"),
    ),
    Fault(
        "a payload that loses the request",
        "generation",
        lambda s: s["Accept"]["Arguments"].update(Payload="{% {'execution': $states.context.Execution.Name} %}"),
    ),
    Fault("Watch without a catch", "session", lambda s: s["Watch"].pop("Catch")),
    Fault("an early first poll", "session", lambda s: s["WaitForTheStart"].update(Seconds=1)),
    Fault("recordings are not waited for", "session", lambda s: s["Ending"]["Choices"].pop(0)),
    Fault("41 shots", "film", lambda s: _allow_41_shots(s["ReadStoryboard"])),
    Fault("every shot from its text", "film", lambda s: shot_states(s)["ChooseBeginning"].update(Default="FromText")),
    Fault("a shot without a retry", "film", lambda s: shot_states(s)["KeepLastFrame"].pop("Retry")),
    Fault("no catch around the shots", "film", lambda s: s["FilmShots"].pop("Catch")),
    Fault("the film without its shots", "film", lambda s: s["FilmShots"]["Output"].pop("shots")),
    Fault(
        "every shot is the first",
        "film",
        lambda s: shot_states(s)["GenerateShot"]["Arguments"]["Input"]["metadata"].update(shot="1"),
    ),
)


def _allow_41_shots(state: dict[str, Any]) -> None:
    [rule] = state["Choices"]
    assert "<= 40" in rule["Condition"]
    rule["Condition"] = rule["Condition"].replace("<= 40", "<= 41")
