"""Bodies of session calls in snake_case: create, connect, and the order of a client token."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.requests.validation import InvalidRequest
from tarmac.sessions.mint_token import make_token
from tarmac.sessions.requests import SessionRequest, parse_connect, parse_create
from tests.fakes import World

UUID = "9f1b6b0a-2d84-4f5c-8a61-3c6f0e7d2b95"
CUSTOM = {"type": "custom", "avatarId": UUID}
RPC = {"type": "backend_rpc", "name": "look", "description": "Looks"}


def test_a_create_may_be_snake_case_at_every_depth() -> None:
    snake = {
        "model": "gwm1_avatars",
        "avatar": {"type": "custom", "avatar_id": UUID},
        "start_script": "Hello",
        "tools": [RPC | {"timeout_seconds": 5}],
        "metadata": {"page_name": "7"},
    }
    request = parse_create(snake, 300)
    assert isinstance(request, SessionRequest)
    assert request.body == {
        "model": "gwm1_avatars",
        "avatar": CUSTOM,
        "startScript": "Hello",
        "tools": [RPC | {"timeoutSeconds": 5}],
        "maxDuration": 300,
    }
    assert (request.avatar, request.metadata) == (CUSTOM, {"page_name": "7"})


def test_so_may_a_connect() -> None:
    for name in ("avatar_id", "custom_avatar_id"):
        request = parse_connect({name: UUID, "tools": [RPC | {"timeout_seconds": 5}], "max_duration": 60}, 300)
        assert isinstance(request, SessionRequest)
        assert (request.avatar, request.max_seconds) == (CUSTOM, 60)
        assert request.body["tools"] == [RPC | {"timeoutSeconds": 5}]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"avatar_id": 7}, ("avatar_id",)),
        ({"avatar_id": UUID, "avatarId": "influencer"}, ("avatar_id",)),
        ({"avatar_id": UUID, "max_duration": 301}, ("max_duration",)),
        ({"avatar_id": UUID, "tools": [RPC | {"timeout_seconds": 9}]}, ("tools", 0, "timeout_seconds")),
    ],
)
def test_what_is_wrong_is_named_as_it_was_sent(body: dict[str, Any], path: tuple[str | int, ...]) -> None:
    issues = parse_connect(body, 300)
    assert isinstance(issues, list)
    assert [issue.path for issue in issues] == [path]


def test_so_may_the_order_of_a_token() -> None:
    order = {"avatar_id": "influencer", "max_sessions": 3, "expires_in": 60}
    _, token = make_token(order, "acme", ["https://app.example.com"], World())
    assert (token.avatar_id, token.max_sessions) == ("influencer", 3)
    with pytest.raises(InvalidRequest, match="max_sessions: Must be at least 1"):
        make_token({"max_sessions": 0}, "acme", ["https://app.example.com"], World())
