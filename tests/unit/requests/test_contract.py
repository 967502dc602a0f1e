"""The shape of a create: a model, a small string map, and whatever else Runway may read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.requests.contract import parse_create
from tarmac.requests.validation import InvalidRequest
from tests.fakes.samples import issues_of

GOOD: list[dict[str, Any]] = [
    {"model": "gen4.5"},
    {"model": "m" * 100, "metadata": {}},
    {"model": "gen4.5", "metadata": {"k" * 40: "v" * 500, "empty": ""}},
    {"model": "gen4.5", "metadata": {str(n): "" for n in range(20)}},
    {"model": "gen4.5", "promptText": None, "upstream_body": 1, "model_fields": 2, "model_config": {}},
]
BAD: list[tuple[dict[str, Any], tuple[str | int, ...]]] = [
    ({}, ("model",)),
    ({"model": None}, ("model",)),
    ({"model": ""}, ("model",)),
    ({"model": 4}, ("model",)),
    ({"model": ["gen4.5"]}, ("model",)),
    ({"model": "m" * 101}, ("model",)),
    ({"model": "gen4.5", "metadata": "x"}, ("metadata",)),
    ({"model": "gen4.5", "metadata": [["a", "b"]]}, ("metadata",)),
    ({"model": "gen4.5", "metadata": {str(n): "" for n in range(21)}}, ("metadata",)),
    ({"model": "gen4.5", "metadata": {"a": 1}}, ("metadata", "a")),
    ({"model": "gen4.5", "metadata": {"a": True}}, ("metadata", "a")),
    ({"model": "gen4.5", "metadata": {"a": "v" * 501}}, ("metadata", "a")),
]


@pytest.mark.parametrize("body", GOOD)
def test_everything_but_the_metadata_goes_to_runway(body: dict[str, Any]) -> None:
    parsed = parse_create(body)
    assert parsed.upstream_body() == {name: value for name, value in body.items() if name != "metadata"}
    assert dict(parsed.metadata) == body.get("metadata", {})


@pytest.mark.parametrize(("body", "path"), BAD)
def test_an_invalid_field_is_named(body: dict[str, Any], path: tuple[str | int, ...]) -> None:
    found = issues_of(parse_create, body)
    assert [issue.path for issue in found] == [path]


@pytest.mark.parametrize("key", ["", "k" * 41])
def test_a_metadata_key_has_one_to_forty_characters(key: str) -> None:
    found = issues_of(parse_create, {"model": "gen4.5", "metadata": {key: "x"}})
    assert found[0].path[0] == "metadata"


def test_a_missing_model_is_required() -> None:
    found = issues_of(parse_create, {"promptText": "x"})
    assert (found[0].code, found[0].message) == ("invalid_type", "Required")


def test_a_message_does_not_contain_the_callers_value() -> None:
    found = issues_of(parse_create, {"model": "gen4.5", "metadata": {"a": "secret" * 100}})
    assert "secret" not in found[0].message


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_any_object_is_a_create_or_has_issues(body: dict[str, Any]) -> None:
    try:
        parsed = parse_create(body)
    except InvalidRequest:
        assert issues_of(parse_create, body)
    else:
        assert parsed.model


def test_what_tarmac_adds_may_be_snake_case_too() -> None:
    parsed = parse_create({"model": "gen4.5", "webhook_url": "https://example.com/hook", "metadata": {"a_b": "1"}})
    assert (parsed.webhookUrl, parsed.metadata) == ("https://example.com/hook", {"a_b": "1"})
    assert parsed.upstream_body() == {"model": "gen4.5"}
    rejected = issues_of(parse_create, {"model": "gen4.5", "webhook_url": "http://example.com"})
    assert [issue.path for issue in rejected] == [("webhook_url",)]


@pytest.mark.parametrize("body", [{}, {"model": None}])
def test_a_null_is_missed_in_the_same_words(body: dict[str, Any]) -> None:
    rejected = issues_of(parse_create, body)
    assert [issue.message for issue in rejected] == ["Required"]
