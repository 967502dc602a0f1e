"""Bodies of session requests in snake_case: create, connect and client tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.requests.validation import InvalidRequest
from tarmac.sessions.mint_token import mint_token
from tarmac.sessions.requests import parse_connect, parse_create
from tests.fakes import World
from tests.fakes.samples import issues_of

UUID = "9f1b6b0a-2d84-4f5c-8a61-3c6f0e7d2b95"
CUSTOM = {"type": "custom", "avatarId": UUID}
RPC = {"type": "backend_rpc", "name": "find", "description": "Finds"}


def test_a_create_in_snake_case_is_accepted_at_every_depth() -> None:
    snake = {
        "model": "gwm1_avatars",
        "avatar": {"type": "custom", "avatar_id": UUID},
        "start_script": "Hello",
        "tools": [RPC | {"timeout_seconds": 5}],
        "metadata": {"page_name": "7"},
    }
    request = parse_create(snake, 300)
    assert request.body == {
        "model": "gwm1_avatars",
        "avatar": CUSTOM,
        "startScript": "Hello",
        "tools": [RPC | {"timeoutSeconds": 5}],
        "maxDuration": 300,
    }
    assert (request.avatar, request.metadata) == (CUSTOM, {"page_name": "7"})


def test_a_connect_in_snake_case_is_accepted() -> None:
    for name in ("avatar_id", "custom_avatar_id"):
        request = parse_connect({name: UUID, "tools": [RPC | {"timeout_seconds": 5}], "max_duration": 60}, 300)
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
def test_an_issue_has_the_spelling_of_the_request(body: dict[str, Any], path: tuple[str | int, ...]) -> None:
    assert [issue.path for issue in issues_of(parse_connect, body, 300)] == [path]


def test_a_client_token_request_in_snake_case_is_accepted() -> None:
    order = {"avatar_id": "influencer", "max_sessions": 3, "expires_in": 60}
    _, token = mint_token(order, "acme", ["https://app.example.com"], World())
    assert (token.avatar_id, token.max_sessions) == ("influencer", 3)
    with pytest.raises(InvalidRequest, match="max_sessions: Must be at least 1"):
        mint_token({"max_sessions": 0}, "acme", ["https://app.example.com"], World())
