"""Random bodies, queries and cursors get 400 with issues, or succeed; never an internal error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import World
from tests.unit.characters.character_bodies import BODIES
from tests.unit.characters.conftest import Call

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "id", "presetId", "voice", "documentIds", "audio", "prompt", "model"]), inner
        )
    ),
    max_leaves=8,
)
PARTS = st.sampled_from(["custom", "text", "audio", "runway-live-preset", "clara", "s3://media/a.png", "runway://x"])
FIELDS = sorted({name for body in BODIES.values() for name in body} | {"documentIds", "startScript", "description"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    collection=st.sampled_from(sorted(BODIES)),
    changes=st.dictionaries(st.sampled_from(FIELDS), JSON | PARTS | st.dictionaries(PARTS, PARTS), max_size=3),
    is_change=st.booleans(),
)
def test_any_body_gets_a_defined_status(
    collection: str, changes: dict[str, Any], is_change: bool, world: World, call: Call
) -> None:
    world.characters.there(collection, "there", content="")
    what = f"PATCH /v1/{collection}/there" if is_change else f"POST /v1/{collection}"
    status, answer, _ = call(what, changes if is_change else BODIES[collection] | changes, scopes="admin")
    assert status in (200, 204, 400)
    if status == 400:
        assert answer["issues"]
        assert all(issue["path"] for issue in answer["issues"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    collection=st.sampled_from([*BODIES, "avatar_conversations"]),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "sort", "order", "avatar", "startDate", "endDate"]),
        st.text(max_size=6) | st.sampled_from(["1", "100", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "desc"]),
        max_size=4,
    ),
    cursor=st.none() | JSON,
)
def test_any_query_gets_a_defined_status(collection: str, query: dict[str, str], cursor: Any, call: Call) -> None:
    if cursor is not None:
        query["cursor"] = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()
    assert call(f"GET /v1/{collection}", **query)[0] in (200, 400)


@pytest.mark.parametrize("last", [[1e308, "a"], [-1, "a"], [1, ""], [1, "a#b"], ["x", "a"], [1], 7, {}])
def test_a_cursor_with_an_invalid_position_is_rejected(last: Any, call: Call) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([False, None, last]).encode()).decode()
    assert call("GET /v1/avatars", cursor=cursor)[0] == 400
