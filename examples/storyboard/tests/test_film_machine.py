"""The film machine's definition: order of the shots, and nothing that could buy a shot twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.aws.template import parse

STATES: dict[str, Any] = parse((Path(__file__).parents[1] / "film.asl.yaml").read_text())["States"]
SHOT: dict[str, Any] = STATES["FilmShots"]["ItemProcessor"]["States"]


def test_shots_are_generated_one_at_a_time() -> None:
    """A shot begins with the last frame of the shot before."""
    assert STATES["FilmShots"]["MaxConcurrency"] == 1


def test_a_shot_is_bought_once_under_a_unique_execution_name() -> None:
    """No Retry, because a failed execution has ended for good, and no transition leads back to it."""
    generate = SHOT["GenerateShot"]
    assert generate["Resource"] == "arn:${Partition}:states:::states:startExecution.sync:2"
    assert "$states.input.film" in generate["Arguments"]["Name"]
    assert "$states.input.shot" in generate["Arguments"]["Name"]
    assert "Retry" not in generate
    assert "Retry" not in STATES["FilmShots"]
    assert "Next" not in SHOT["KeepLastFrame"]


def test_no_state_after_the_shots_leads_back_to_them() -> None:
    """So a redrive after the shots buys nothing."""
    for name in ("JoinFilm", "AnnounceFilm", "KeepWhatWasMade"):
        assert STATES[name]["Next"] not in ("ReadStoryboard", "FilmShots")
        assert "Catch" not in STATES[name]


@pytest.mark.parametrize(("name", "state"), [*STATES.items(), *SHOT.items()])
def test_every_state_has_a_comment_in_sentences(name: str, state: dict[str, Any]) -> None:
    assert state.get("Comment", "").endswith("."), name
