"""Avatars, documents and voices: what is required of each, how much an avatar can know, and how things are listed."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.characters.descriptions import (
    CHANGES,
    CREATES,
    MOST_KNOWLEDGE_TOKENS,
    _all_required,
    as_listed,
    knowledge_problem,
)
from tarmac.characters.kinds import Kind
from tarmac.requests.validation import check_parameters

REQUIRED = {
    Kind.AVATAR: {"name", "referenceImage", "personality", "voice"},
    Kind.DOCUMENT: {"name", "content"},
    Kind.VOICE: {"name", "from"},
}


@pytest.mark.parametrize("kind", REQUIRED)
def test_a_create_needs_what_a_change_may_leave_out(kind: Kind) -> None:
    missed = {issue.path[0]: issue.code for issue in check_parameters({}, CREATES[kind])}
    assert missed == dict.fromkeys(REQUIRED[kind], "invalid_type")
    assert check_parameters({}, CHANGES[kind]) == []


def test_what_a_create_needs_is_described_as_for_a_change() -> None:
    for kind, needed in REQUIRED.items():
        for name, spec in CHANGES[kind].items():
            assert CREATES[kind][name] == ({**spec, "required": True} if name in needed else spec)


def test_a_description_says_required_of_these_names_and_the_one_it_is_made_of_does_not() -> None:
    described = {"a": {"type": "string"}, "b": {"type": "media"}}
    assert _all_required(described, "a") == {"a": {"type": "string", "required": True}, "b": {"type": "media"}}
    assert described == {"a": {"type": "string"}, "b": {"type": "media"}}


@pytest.mark.parametrize(
    ("size_bytes", "problem"),
    [
        (0, None),
        (4 * MOST_KNOWLEDGE_TOKENS, None),
        (4 * MOST_KNOWLEDGE_TOKENS + 3, None),
        (4 * MOST_KNOWLEDGE_TOKENS + 4, "have at most 50,000 tokens; these have about 50,001"),
        (8_000_000, "have at most 50,000 tokens; these have about 2,000,000"),
    ],
)
def test_an_avatar_knows_fifty_thousand_tokens_of_four_bytes(size_bytes: int, problem: str | None) -> None:
    found = knowledge_problem(size_bytes)
    if problem is None:
        assert found is None
    else:
        assert found is not None
        assert problem in found


CONVERSATION = {"id": "c", "name": "n", "status": "ENDED", "createdAt": "2026-08-01", "duration": 7}

LISTED: list[tuple[Kind, dict[str, Any], dict[str, Any]]] = [
    (Kind.AVATAR, {"id": "a", "content": 1, "tools": []}, {"id": "a", "content": 1, "tools": []}),
    (Kind.DOCUMENT, {"id": "d", "content": "long", "name": "n"}, {"id": "d", "name": "n"}),
    (
        Kind.CONVERSATION,
        CONVERSATION | {"avatar": {"id": "a", "imageUrl": "https://x"}, "tools": [1], "transcript": [2]},
        CONVERSATION | {"avatar": {"id": "a"}, "hasTools": True},
    ),
    (Kind.CONVERSATION, {"id": "c", "avatar": None, "tools": []}, {
        "id": "c", "name": None, "status": None, "avatar": None, "createdAt": None, "duration": None, "hasTools": False,
    }),
    (Kind.CONVERSATION, CONVERSATION, CONVERSATION | {"avatar": None, "hasTools": False}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "item", "listed"), LISTED)
def test_what_was_read_by_its_id_is_shown_as_in_a_list(
    kind: Kind, item: dict[str, Any], listed: dict[str, Any]
) -> None:
    before = dict(item)
    found = as_listed(kind, item)
    assert found == listed
    assert item == before
    assert found is not item
