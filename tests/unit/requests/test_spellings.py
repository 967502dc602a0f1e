"""Other spellings become the contract's: each kind at each depth, what stays unchanged, and the issues."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.requests.spellings import to_contract
from tarmac.requests.validation import Issue

VOICE = {"into": "voice", "type": "preset", "key": "presetId"}
LINK = {"into": "character", "type": "image"}
LISTED = {"into": "references", "type": "image", "listed": True}
SIZES = {"resolution": {"alsoSpelled": {"2K": "2k"}}, "seed": {}}
PERFORMER = {"type": "image", "uri": "x"}
INNER: dict[str, Any] = {"type": "object", "properties": {"presetId": {}, "start_seconds": {}}}
CASES = {"type": "object", "by": "kind", "cases": {"a": {"presetId": {}, "inner": INNER}, "b": {}}}
LIST = {"type": "array", "items": INNER}
FREE = {"type": "object", "values": INNER}
OPEN = {"type": "object"}
NESTED = {"deep": INNER, "deepList": LIST, "deepCase": CASES, "freeNames": FREE, "openWide": OPEN}

REWRITTEN: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"text": "a"}, {"text": "promptText"}, {}, {"promptText": "a"}),
    ({"text": "a", "promptText": "a"}, {"text": "promptText"}, {}, {"promptText": "a"}),
    ({"text": None, "promptText": "a"}, {"text": "promptText"}, {}, {"promptText": "a"}),
    ({"text": "a", "promptText": None}, {"text": "promptText"}, {}, {"promptText": "a"}),
    ({"other": 1}, {"text": "promptText"}, {}, {"other": 1}),
    ({"other": 1, "b": 2}, {"text": "promptText", "b": "c"}, {}, {"other": 1, "c": 2}),
    ({"duration": 5, "b": 1}, {"duration": {"ignored": True}, "b": "c"}, {}, {"c": 1}),
    ({"promptImage": "x"}, {"promptImage": LINK}, {}, {"character": PERFORMER}),
    ({"promptImage": [{"uri": "x"}]}, {"promptImage": LINK}, {}, {"character": PERFORMER}),
    ({"promptImage": [{"uri": "x", "position": "first"}]}, {"promptImage": LINK}, {}, {"character": PERFORMER}),
    ({"promptImage": PERFORMER}, {"promptImage": LINK}, {}, {"character": PERFORMER}),
    ({"promptImage": 7}, {"promptImage": LINK}, {}, {"character": {"type": "image", "uri": 7}}),
    ({"promptImage": "x", "character": PERFORMER}, {"promptImage": LINK}, {}, {"character": PERFORMER}),
    ({"promptImage": "x"}, {"promptImage": LISTED}, {}, {"references": [PERFORMER]}),
    ({"promptImage": PERFORMER}, {"promptImage": LISTED}, {}, {"references": [PERFORMER]}),
    ({"promptImage": "x", "references": [PERFORMER]}, {"promptImage": LISTED}, {}, {"references": [PERFORMER]}),
    ({"voice": "Maya"}, {"voice": VOICE}, {}, {"voice": {"type": "preset", "presetId": "Maya"}}),
    ({"voice": {"type": "preset"}}, {"voice": VOICE}, {}, {"voice": {"type": "preset"}}),
    ({"resolution": "2K", "seed": "2K"}, {}, SIZES, {"resolution": "2k", "seed": "2K"}),
    ({"resolution": "2k"}, {}, SIZES, {"resolution": "2k"}),
    ({"resolution": "3K"}, {}, SIZES, {"resolution": "3K"}),
    ({"resolution": ["2K"]}, {}, SIZES, {"resolution": ["2K"]}),
    ({"a": [{"resolution": "2K"}]}, {}, {"a": {"items": {"properties": SIZES}}}, {"a": [{"resolution": "2k"}]}),
    ({}, {}, SIZES, {}),
    ({"prompt_text_2": "a"}, {}, {"promptText2": {}}, {"promptText2": "a"}),
    ({"prompt_text": "a"}, {}, {"other": {}}, {"prompt_text": "a"}),
    ({"prompt_text": "a"}, {}, {}, {"prompt_text": "a"}),
    ({"prompt_text": "a", "promptText": "a"}, {}, {"promptText": {}}, {"promptText": "a"}),
    ({"start_seconds": 1}, {}, {"start_seconds": {}, "startSeconds": {}}, {"start_seconds": 1}),
    ({"prompt_image": "x"}, {"promptImage": LINK}, {}, {"character": PERFORMER}),
    ({"Prompt_Text": "a"}, {}, {"promptText": {}}, {"Prompt_Text": "a"}),
    ({"deep": {"preset_id": 1, "start_seconds": 2}}, {}, NESTED, {"deep": {"presetId": 1, "start_seconds": 2}}),
    ({"deep": {"preset_id": 1, "presetId": None}}, {}, NESTED, {"deep": {"presetId": 1}}),
    ({"deep": "preset_id", "deep_list": 7}, {}, NESTED, {"deep": "preset_id", "deepList": 7}),
    ({"deep_list": [{"preset_id": 1}, "preset_id"]}, {}, NESTED, {"deepList": [{"presetId": 1}, "preset_id"]}),
    ({"deep_case": {"kind": "a", "preset_id": 1}}, {}, NESTED, {"deepCase": {"kind": "a", "presetId": 1}}),
    ({"deep_case": {"kind": "b", "preset_id": 1}}, {}, NESTED, {"deepCase": {"kind": "b", "preset_id": 1}}),
    ({"deepCase": {"kind": ["a"], "preset_id": 1}}, {}, NESTED, {"deepCase": {"kind": ["a"], "preset_id": 1}}),
    (
        {"deep_case": {"kind": "a", "inner": {"preset_id": 1}}},
        {},
        NESTED,
        {"deepCase": {"kind": "a", "inner": {"presetId": 1}}},
    ),
    ({"free_names": {"deep_list": {"preset_id": 1}}}, {}, NESTED, {"freeNames": {"deep_list": {"presetId": 1}}}),
    ({"open_wide": {"deep_list": 1}}, {}, NESTED, {"openWide": {"deep_list": 1}}),
    ({"new": {"deep_list": [{"preset_id": 1}]}}, {}, NESTED, {"new": {"deep_list": [{"preset_id": 1}]}}),
    ({"older": {"preset_id": 1}}, {"older": "deep"}, NESTED, {"deep": {"presetId": 1}}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "spellings", "parameters", "expected"), REWRITTEN)
def test_a_body_is_rewritten_in_the_contracts_words(
    body: dict[str, Any], spellings: dict[str, Any], parameters: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = copy.deepcopy(body)
    rewritten = to_contract(body, parameters, spellings)
    assert rewritten.body == expected
    assert rewritten.issues == []
    assert body == before


TWICE: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"prompt_text": "a", "promptText": "b"}, {}, "prompt_text", "promptText"),
    ({"promptText": "b", "prompt_text": "a"}, {}, "prompt_text", "promptText"),
    ({"text": "a", "promptText": "b"}, {"text": "promptText"}, "text", "promptText"),
    ({"text": "a", "prompt_text": "b"}, {"text": "promptText"}, "text", "prompt_text"),
    ({"text": "a", "title": "b"}, {"text": "promptText", "title": "promptText"}, "title", "text"),
    ({"promptImage": "y", "character": PERFORMER}, {"promptImage": LINK}, "promptImage", "character"),
    ({"promptImage": "y", "references": [PERFORMER]}, {"promptImage": LISTED}, "promptImage", "references"),
    ({"promptImage": "y", "references": []}, {"promptImage": LISTED}, "promptImage", "references"),
    ({"prompt_image": "y", "promptImage": "x"}, {"promptImage": LINK}, "prompt_image", "promptImage"),
    ({"deep": {"preset_id": 1, "presetId": 2}}, {}, "deep.preset_id", "presetId"),
    ({"deep_list": [{"preset_id": 1, "presetId": 2}]}, {}, "deep_list.0.preset_id", "presetId"),
]


@pytest.mark.parametrize(("body", "spellings", "older", "other"), TWICE)
def test_two_spellings_with_two_values_are_both_named(
    body: dict[str, Any], spellings: dict[str, Any], older: str, other: str
) -> None:
    rewritten = to_contract(body, {"promptText": {}, **NESTED}, spellings)
    [issue] = rewritten.issues
    assert ".".join(map(str, issue.path)) == older
    assert f"spelling of {other}," in issue.message


SENT: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"promptText": 1}, {}, "promptText", "promptText"),
    ({"prompt_text": 1}, {}, "promptText", "prompt_text"),
    ({"prompt_text": 1}, {}, "ratio", "ratio"),
    ({"text": 1}, {"text": "promptText"}, "promptText", "text"),
    ({"promptImage": 7}, {"promptImage": LINK}, "character.uri", "promptImage"),
    ({"promptImage": 7}, {"promptImage": LISTED}, "references.0.uri", "promptImage"),
    ({"promptImage": [{"uri": 7}]}, {"promptImage": LINK}, "character.uri", "promptImage"),
    ({"promptImage": {"uri": "x"}}, {"promptImage": LINK}, "character.type", "promptImage.type"),
    ({"prompt_image": {"uri": 7}}, {"promptImage": LINK}, "character.uri", "prompt_image.uri"),
    ({"voice": "Maya"}, {"voice": VOICE}, "voice.presetId", "voice.presetId"),
    ({"deep": {"preset_id": 7}}, {}, "deep.presetId", "deep.preset_id"),
    ({"deep_list": [{"preset_id": 7}]}, {}, "deepList.0.presetId", "deep_list.0.preset_id"),
    ({"deep_list": [{}]}, {}, "deepList.0.presetId", "deep_list.0.presetId"),
    ({"deep_list": [{}]}, {}, "deepList", "deep_list"),
]


@pytest.mark.parametrize(("body", "spellings", "path", "sent"), SENT)
def test_an_issue_names_the_field_as_the_caller_spelled_it(
    body: dict[str, Any], spellings: dict[str, Any], path: str, sent: str
) -> None:
    rewritten = to_contract(body, {"promptText": {}, **NESTED}, spellings)
    steps = tuple(int(part) if part.isdecimal() else part for part in path.split("."))
    [issue] = rewritten.as_sent([Issue("custom", steps, "Why")])
    assert (issue.code, ".".join(map(str, issue.path)), issue.message) == ("custom", sent, "Why")


@given(st.dictionaries(st.text("ab_AB1", max_size=6), st.integers(), max_size=5))
def test_rewriting_twice_changes_nothing_more(body: dict[str, Any]) -> None:
    parameters: dict[str, Any] = {"aB": {}, "bA": {}, "a1": {}}
    once = to_contract(body, parameters, {"b": "bA"}).body
    again = to_contract(once, parameters, {"b": "bA"})
    assert (again.body, again.issues) == (once, [])
    assert set(once.values()) <= set(body.values())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["preset_id", "presetId", "kind", "inner", "uri", "deep_list", "free_names"]), inner
        )
    ),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from([*NESTED, "deep_list", "deep_case", "free_names", "promptImage"]), json_values))
def test_no_json_at_all_makes_it_fail(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    rewritten = to_contract(body, NESTED, {"promptImage": LINK})
    for issue in rewritten.as_sent([Issue("custom", ("character", "uri"), ""), *rewritten.issues]):
        assert issue.path
    assert body == before
