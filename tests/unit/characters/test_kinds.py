"""References to avatars, voices and documents in request bodies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.characters.kinds import Kind
from tarmac.characters.references import Reference, references
from tarmac.ids import is_id

CASES: list[tuple[dict[str, Any], list[Reference]]] = [
    (
        {"avatar": {"type": "custom", "avatarId": "a-1"}, "speech": {"type": "text", "text": "Hi"}},
        [Reference(Kind.AVATAR, "a-1", ("avatar", "avatarId"))],
    ),
    (
        {"speech": {"type": "text", "text": "Hi", "voice": {"type": "custom", "id": "v-1"}}},
        [Reference(Kind.VOICE, "v-1", ("speech", "voice", "id"))],
    ),
    (
        {"voice": {"type": "custom", "id": "v-1"}, "documentIds": ["d-1", "d-2"]},
        [
            Reference(Kind.DOCUMENT, "d-1", ("documentIds", 0)),
            Reference(Kind.DOCUMENT, "d-2", ("documentIds", 1)),
            Reference(Kind.VOICE, "v-1", ("voice", "id")),
        ],
    ),
    ({"avatar": {"type": "runway-preset", "presetId": "influencer"}}, []),
    ({"voice": {"type": "runway-live-preset", "presetId": "clara"}}, []),
    ({"avatar": {"type": "custom", "avatarId": 7}, "documentIds": [None, {"id": "d-1"}]}, []),
    ({"personality": "documentIds", "tools": [{"type": "custom", "id": "x"}]}, []),
    ({"voice": "custom", "documentIds": "d-1"}, []),
    (
        {"scenes": [{}, {"avatar": {"type": "custom", "avatarId": "a-1"}}]},
        [Reference(Kind.AVATAR, "a-1", ("scenes", 1, "avatar", "avatarId"))],
    ),
]


@pytest.mark.parametrize(("body", "found"), CASES, ids=str)
def test_the_references_of_a_body_are_found(body: dict[str, Any], found: list[Reference]) -> None:
    assert list(references(body)) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "id", "avatarId", "voice", "documentIds", "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_each_path_leads_to_its_id(body: Any) -> None:
    """Bodies of any shape are accepted."""
    for named in references(body):
        at = body
        for step in named.path:
            at = at[step]
        assert at == named.id


@pytest.mark.parametrize("text", ["", "a/b", "a#b", "a.b", "../x", "a" * 101, "ä", "a\n"])
def test_invalid_ids_are_rejected(text: str) -> None:
    assert not is_id(text)


def test_paths_are_runways() -> None:
    assert [kind.path for kind in Kind] == ["avatars", "documents", "voices", "avatar_conversations"]
