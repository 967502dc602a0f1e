"""The rules that the film machine keeps: read from its definition, without running it."""

from __future__ import annotations

from typing import Any

import pytest

from local.aws.template import parse
from local.paths import ROOT

STATES: dict[str, Any] = parse((ROOT / "statemachines" / "storyboard.asl.yaml").read_text())["States"]
SHOT: dict[str, Any] = STATES["FilmShots"]["ItemProcessor"]["States"]


def test_shots_are_made_one_at_a_time() -> None:
    """A shot begins with the frame that the one before has left."""
    assert STATES["FilmShots"]["MaxConcurrency"] == 1


def test_a_shot_is_bought_under_a_name_that_is_taken_once_and_never_asked_for_again() -> None:
    """No Retry: what has failed there is a generation that has ended. And no way leads back to it."""
    generate = SHOT["GenerateShot"]
    assert generate["Resource"] == "arn:${Partition}:states:::states:startExecution.sync:2"
    assert "$states.input.film" in generate["Arguments"]["Name"]
    assert "$states.input.shot" in generate["Arguments"]["Name"]
    assert "Retry" not in generate
    assert "Retry" not in STATES["FilmShots"]
    assert "Next" not in SHOT["KeepLastFrame"]


def test_nothing_after_the_shots_leads_back_to_them() -> None:
    """So a redrive of a film that is red later buys nothing."""
    for name in ("JoinFilm", "AnnounceFilm", "KeepWhatWasMade"):
        assert STATES[name]["Next"] not in ("ReadStoryboard", "FilmShots")
        assert "Catch" not in STATES[name]


@pytest.mark.parametrize(("name", "state"), [*STATES.items(), *SHOT.items()])
def test_every_state_says_what_is_true_in_it(name: str, state: dict[str, Any]) -> None:
    assert state.get("Comment", "")[-1:] in (".", "?"), name
