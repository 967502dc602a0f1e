"""Avatars, documents and voices: required fields, the size limit of documents, and the shape of list items."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.characters.kinds import Kind
from tarmac.characters.lists import as_listed
from tarmac.characters.specs import (
    CHANGES,
    CREATES,
    MOST_KNOWLEDGE_TOKENS,
    _all_required,
    knowledge_problem,
)
from tarmac.requests.validation import check

REQUIRED = {
    Kind.AVATAR: {"name", "referenceImage", "personality", "voice"},
    Kind.DOCUMENT: {"name", "content"},
    Kind.VOICE: {"name", "from"},
}


@pytest.mark.parametrize("kind", REQUIRED)
def test_fields_required_in_a_create_are_optional_in_a_change(kind: Kind) -> None:
    missed = {issue.path[0]: issue.code for issue in check({}, CREATES[kind]).issues}
    assert missed == dict.fromkeys(REQUIRED[kind], "invalid_type")
    assert check({}, CHANGES[kind]).issues == []


def test_specs_of_creates_and_changes_differ_in_required_only() -> None:
    for kind, needed in REQUIRED.items():
        for name, spec in CHANGES[kind].items():
            assert CREATES[kind][name] == ({**spec, "required": True} if name in needed else spec)


def test_all_required_marks_the_named_fields_in_a_copy() -> None:
    described = {"a": {"type": "string"}, "b": {"type": "media"}}
    assert _all_required(described, "a") == {"a": {"type": "string", "required": True}, "b": {"type": "media"}}
    assert described == {"a": {"type": "string"}, "b": {"type": "media"}}


@pytest.mark.parametrize(
    ("size_bytes", "problem"),
    [
        (0, None),
        (4 * MOST_KNOWLEDGE_TOKENS, None),
        (4 * MOST_KNOWLEDGE_TOKENS + 3, None),
        (4 * MOST_KNOWLEDGE_TOKENS + 4, "must have at most 50,000 tokens; these have about 50,001"),
        (8_000_000, "must have at most 50,000 tokens; these have about 2,000,000"),
    ],
)
def test_documents_are_limited_to_50_000_tokens_of_four_bytes(size_bytes: int, problem: str | None) -> None:
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
def test_an_item_read_by_id_is_converted_to_the_shape_of_lists(
    kind: Kind, item: dict[str, Any], listed: dict[str, Any]
) -> None:
    before = dict(item)
    found = as_listed(kind, item)
    assert found == listed
    assert item == before
    assert found is not item
