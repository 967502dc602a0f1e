"""The input of a film: the example's file, another file, or prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.errors import LocalError
from local.storyboard import storyboard_of


def test_prompts_replace_the_shots_of_the_example() -> None:
    example = storyboard_of((), None)
    assert len(example["shots"]) == 3
    board = storyboard_of(("A lighthouse", "Its lamp"), None)
    assert board == example | {"shots": [{"promptText": "A lighthouse"}, {"promptText": "Its lamp"}]}


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    board = {"shots": [{"promptText": "A lighthouse", "duration": 8}]}
    (tmp_path / "board.json").write_text(json.dumps(board))
    assert storyboard_of((), tmp_path / "board.json") == board


@pytest.mark.parametrize("content", [None, "no JSON", "[]"])
def test_an_invalid_file_is_reported(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "board.json").write_text(content)
    with pytest.raises(LocalError, match=r"board\.json"):
        storyboard_of((), tmp_path / "board.json")
