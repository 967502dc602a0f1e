"""Older words become the contract's: each kind of spelling, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.rules.spellings import to_contract

VOICE = {"into": "voice", "type": "preset", "key": "presetId"}
LINK = {"into": "character", "type": "image"}
SIZES = {"resolution": {"alsoSpelled": {"2K": "2k"}}, "seed": {}}

REWRITTEN: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None, dict[str, Any]]] = [
    ({"text": "a"}, {"text": "promptText"}, None, {"promptText": "a"}),
    ({"text": "a", "promptText": "b"}, {"text": "promptText"}, None, {"promptText": "b"}),
    ({"other": 1}, {"text": "promptText"}, None, {"other": 1}),
    ({"other": 1, "b": 2}, {"text": "promptText", "b": "c"}, None, {"other": 1, "c": 2}),
    ({"duration": 5, "b": 1}, {"duration": {"ignored": True}, "b": "c"}, None, {"c": 1}),
    ({"promptImage": "x"}, {"promptImage": LINK}, None, {"character": {"type": "image", "uri": "x"}}),
    ({"promptImage": 7}, {"promptImage": LINK}, None, {"promptImage": 7}),
    ({"promptImage": "x", "character": 1}, {"promptImage": LINK}, None, {"character": 1}),
    ({"voice": "Maya"}, {"voice": VOICE}, None, {"voice": {"type": "preset", "presetId": "Maya"}}),
    ({"resolution": "2K", "seed": "2K"}, {}, SIZES, {"resolution": "2k", "seed": "2K"}),
    ({"resolution": "2k"}, {}, SIZES, {"resolution": "2k"}),
    ({"resolution": "3K"}, {}, SIZES, {"resolution": "3K"}),
    ({"resolution": ["2K"]}, {}, SIZES, {"resolution": ["2K"]}),
    ({}, {}, SIZES, {}),
    ({"prompt_text_2": "a"}, {}, {"promptText2": {}}, {"promptText2": "a"}),
    ({"prompt_text": "a"}, {}, {"other": {}}, {"prompt_text": "a"}),
    ({"prompt_text": "a"}, {}, None, {"prompt_text": "a"}),
    ({"prompt_text": "a", "promptText": "b"}, {}, {"promptText": {}}, {"prompt_text": "a", "promptText": "b"}),
    ({"start_seconds": 1}, {}, {"start_seconds": {}, "startSeconds": {}}, {"start_seconds": 1}),
    ({"prompt_image": "x"}, {"promptImage": LINK}, {}, {"character": {"type": "image", "uri": "x"}}),
    ({"Prompt_Text": "a"}, {}, {"promptText": {}}, {"Prompt_Text": "a"}),
]


@pytest.mark.parametrize(("body", "spellings", "parameters", "expected"), REWRITTEN)
def test_a_body_is_told_in_the_contracts_words(
    body: dict[str, Any], spellings: dict[str, Any], parameters: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    before = dict(body)
    assert to_contract(body, spellings, parameters) == expected
    assert body == before


@given(st.dictionaries(st.text("ab_AB1", max_size=6), st.integers(), max_size=5))
def test_rewriting_twice_changes_nothing_more(body: dict[str, Any]) -> None:
    parameters: dict[str, Any] = {"aB": {}, "bA": {}, "a1": {}}
    once = to_contract(body, {"b": "bA"}, parameters)
    assert to_contract(once, {"b": "bA"}, parameters) == once
    assert set(once.values()) <= set(body.values())
