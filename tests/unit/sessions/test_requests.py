"""Bodies of creates and connects, and the bodies that Runway gets for them."""

from __future__ import annotations

from typing import Any

import pytest

from local.simulator.contract import request_check
from local.simulator.routes.creating import must_pass
from tarmac.requests.validation import Issue
from tarmac.sessions.requests import PRESETS, avatar_id, parse_connect, parse_create
from tests.fakes.samples import issues_of

UUID = "9f1b6b0a-2d84-4f5c-8a61-3c6f0e7d2b95"
CUSTOM = {"type": "custom", "avatarId": UUID}
CREATE = {"model": "gwm1_avatars", "avatar": CUSTOM}
TOOL = {"type": "client_event", "name": "show", "description": "Shows it"}


def paths(issues: list[Issue]) -> list[str]:
    return sorted(".".join(map(str, issue.path)) for issue in issues)


@pytest.mark.parametrize(
    ("body", "avatar"),
    [
        ({"avatarId": UUID}, CUSTOM),
        ({"avatar_id": UUID}, CUSTOM),
        ({"customAvatarId": UUID}, CUSTOM),
        ({"avatarId": "cat-character", "customAvatarId": UUID}, CUSTOM),
        ({"avatarId": "cat-character", "customAvatarId": None}, {"type": "runway-preset", "presetId": "cat-character"}),
        *(({"avatarId": name}, {"type": "runway-preset", "presetId": name}) for name in PRESETS),
        ({"avatar_id": "influencer"}, {"type": "runway-preset", "presetId": "influencer"}),
        ({"presetId": "influencer"}, {"type": "runway-preset", "presetId": "influencer"}),
        ({"preset_id": "influencer"}, {"type": "runway-preset", "presetId": "influencer"}),
    ],
)
def test_an_avatar_has_any_of_the_names_that_samples_use(body: dict[str, Any], avatar: dict[str, str]) -> None:
    request = parse_connect(body, 300)
    assert request.avatar == avatar
    assert avatar_id(request.avatar) == (avatar.get("avatarId") or avatar.get("presetId"))
    assert (request.model, request.metadata) == ("gwm1_avatars", {})
    assert request.body == {"model": "gwm1_avatars", "avatar": avatar, "maxDuration": 300}


def test_the_avatar_of_the_token_is_the_default() -> None:
    assert parse_connect({}, 300, "cat-character").avatar["presetId"] == "cat-character"
    assert parse_connect({"avatarId": UUID}, 300, "cat-character").avatar == CUSTOM


@pytest.mark.parametrize(
    ("longest", "asked", "sent"), [(300, None, 300), (900, None, 300), (60, None, 60), (900, 900, 900)]
)
def test_a_create_always_has_max_duration(longest: int, asked: int | None, sent: int) -> None:
    """Without it an abandoned session would last as long as Runway allows."""
    request = parse_create(CREATE | {"maxDuration": asked}, longest)
    assert (request.body["maxDuration"], request.max_seconds) == (sent, sent)


def test_runway_gets_the_options_and_not_the_metadata() -> None:
    options = {"personality": "Kind", "startScript": "Hello", "tools": [TOOL], "maxDuration": 60}
    request = parse_connect({"avatarId": UUID, "metadata": {"page": "7"}} | options, 300)
    assert request.body == {"model": "gwm1_avatars", "avatar": CUSTOM} | options
    assert request.metadata == {"page": "7"}
    spelled = parse_connect({"avatar_id": UUID, "start_script": "Hello", "max_duration": 60}, 300)
    assert {**spelled.body, "startScript": "Hello", "maxDuration": 60} == spelled.body


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {f"key-{number}": "" for number in range(20)},
        {"k": "v" * 500},
        {"k" * 40: "v"},
    ],
    ids=["empty", "20 entries", "longest value", "longest name"],
)
def test_metadata_up_to_the_limits_is_accepted(metadata: dict[str, str]) -> None:
    assert parse_create(CREATE | {"metadata": metadata}, 300).metadata == metadata


@pytest.mark.parametrize(
    "metadata",
    [
        {f"key-{number}": "" for number in range(21)},
        {"k": "v" * 501},
        {"k" * 41: "v"},
        {"": "v"},
        {"k": None},
        {"k": 1, "l": "v"},
    ],
    ids=["21 entries", "value too long", "name too long", "empty name", "null", "number"],
)
def test_metadata_beyond_the_limits_names_them(metadata: dict[str, Any]) -> None:
    limits = "Expected at most 20 strings, names of 1 to 40 characters, values of at most 500 characters"
    assert issues_of(parse_create, CREATE | {"metadata": metadata}, 300) == [Issue("custom", ("metadata",), limits)]


@pytest.mark.parametrize("seconds", [301, 1800])
def test_a_duration_above_the_operators_limit_names_that_limit(seconds: int) -> None:
    [issue] = issues_of(parse_create, CREATE | {"maxDuration": seconds}, 300)
    assert (issue.code, issue.path) == ("too_big", ("maxDuration",))
    assert "at most 300 in this deployment" in issue.message


def test_a_duration_above_runways_limit_names_that_limit() -> None:
    [issue] = issues_of(parse_create, CREATE | {"maxDuration": 1801}, 300)
    assert (issue.code, issue.path) == ("too_big", ("maxDuration",))
    assert "at most 1800" in issue.message


def test_a_connect_without_an_avatar_names_the_field() -> None:
    [issue] = issues_of(parse_connect, {"personality": "Kind"}, 300)
    assert (issue.code, issue.path) == ("invalid_type", ("avatarId",))
    assert issue.message.startswith("Required: ")


def test_a_webhook_url_points_to_the_sns_notice() -> None:
    [issue] = issues_of(parse_create, CREATE | {"webhookUrl": "https://example.com"}, 300)
    assert (issue.code, issue.path) == ("custom", ("webhookUrl",))
    assert "session.ended on SNS" in issue.message


def test_unknown_fields_pass() -> None:
    assert parse_create(CREATE | {"mood": "sunny"}, 300).body["mood"] == "sunny"


def test_the_repr_of_a_request_hides_its_body() -> None:
    assert "Kind" not in repr(parse_connect({"avatarId": UUID, "personality": "Kind"}, 300))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["avatarId"]),
        ({"avatarId": ""}, ["avatarId"]),
        ({"avatarId": 7}, ["avatarId"]),
        ({"avatarId": ["a"]}, ["avatarId"]),
        ({"avatarId": UUID, "maxDuration": 301}, ["maxDuration"]),
        ({"avatarId": UUID, "maxDuration": 9}, ["maxDuration"]),
        ({"avatarId": UUID, "maxDuration": 60.5}, ["maxDuration"]),
        ({"avatarId": UUID, "maxDuration": True}, ["maxDuration"]),
        ({"avatarId": UUID, "personality": ""}, ["personality"]),
        ({"avatarId": UUID, "personality": "x" * 10_001}, ["personality"]),
        ({"avatarId": UUID, "startScript": "x" * 2001}, ["startScript"]),
        ({"avatarId": UUID, "tools": [TOOL | {"name": "1st"}]}, ["tools.0.name"]),
        ({"avatarId": UUID, "tools": [TOOL, TOOL]}, ["tools.1.name"]),
        ({"avatarId": UUID, "tools": [TOOL | {"type": "server_event"}]}, ["tools.0.type"]),
        (
            {"avatarId": UUID, "tools": [TOOL | {"type": "backend_rpc", "timeoutSeconds": 9}]},
            ["tools.0.timeoutSeconds"],
        ),
        ({"avatarId": UUID, "tools": [TOOL | {"name": f"t{n}"} for n in range(21)]}, ["tools"]),
        ({"avatarId": UUID, "metadata": {"a": 1}}, ["metadata"]),
        ({"avatarId": UUID, "metadata": {"a" * 41: "x"}}, ["metadata"]),
        ({"avatarId": UUID, "webhookUrl": "https://example.com"}, ["webhookUrl"]),
    ],
)
def test_an_invalid_field_of_a_connect_is_named(body: dict[str, Any], expected: list[str]) -> None:
    assert paths(issues_of(parse_connect, body, 300)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["avatar", "model"]),
        ({"model": "gwm1_avatars", "avatar": UUID}, ["avatar"]),
        ({"model": "gwm1_avatars", "avatar": {"type": "custom"}}, ["avatar.avatarId"]),
        ({"model": "gwm1_avatars", "avatar": {"type": "runway-preset", "presetId": "dog"}}, ["avatar.presetId"]),
        (
            CREATE | {"integration": {"type": "livekit", "url": "wss://x"}},
            ["integration.roomName", "integration.token"],
        ),
        (CREATE | {"integration": {"type": "zoom"}}, ["integration.type"]),
        (CREATE | {"livekit": {"url": "wss://x", "token": "t" * 2049, "roomName": "r"}}, ["livekit.token"]),
    ],
)
def test_an_invalid_field_of_a_create_is_named(body: dict[str, Any], expected: list[str]) -> None:
    assert paths(issues_of(parse_create, body, 300)) == expected


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"personality": "Kind", "startScript": "Hello"},
        {"tools": [TOOL, TOOL | {"type": "backend_rpc", "name": "look", "timeoutSeconds": 5}]},
        {"tools": [TOOL | {"parameters": [{"name": "t", "type": "string", "description": "d", "enum": ["a"]}]}]},
        {
            "tools": [
                TOOL | {"parameters": [{"name": "t", "type": "array", "description": "d", "items": {"type": "string"}}]}
            ]
        },
        {"integration": {"type": "elevenlabs", "signedUrl": "wss://x"}},
        {"integration": {"type": "livekit", "url": "wss://x", "token": "t", "roomName": "r", "agentIdentity": "a"}},
    ],
)
def test_accepted_bodies_pass_the_simulators_check(options: dict[str, Any]) -> None:
    """The simulator checks against the types of Runway's SDK, independently of the specs under test."""
    request = parse_create(CREATE | options, 300)
    must_pass(request_check("RealtimeSessionCreateParams"), dict(request.body))
