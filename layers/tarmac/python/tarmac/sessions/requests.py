"""Parameter specs and parsers of session requests: Runway's own create, a page's connect, and client tokens.

The format is that of the catalogue (`tarmac.requests.validation`): pydantic would add a tenth of a second to the cold
start of a connect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.requests.spellings import to_contract
from tarmac.requests.validation import InvalidRequest, Issue, Spec, check
from tarmac.sessions.client_tokens import LONGEST_SECONDS as TOKEN_LONGEST_SECONDS
from tarmac.sessions.client_tokens import MOST_SESSIONS
from tarmac.sessions.moves import DEFAULT_SECONDS, LONGEST_SECONDS, SHORTEST_SECONDS

MODEL = "gwm1_avatars"
PRESETS = (
    *("game-character", "music-superstar", "game-character-man", "cat-character", "influencer", "tennis-coach"),
    *("human-resource", "fashion-designer", "cooking-teacher"),
)

_ID: Spec = {"type": "string", "minLength": 1, "maxLength": 200}
_DESCRIBED: dict[str, Spec] = {
    "name": {
        "type": "string",
        "required": True,
        "maxLength": 64,
        "pattern": "[a-zA-Z_][a-zA-Z0-9_]*",
        "why": "Letters, digits and underscores, at most 64, not starting with a digit",
    },
    "description": {"type": "string", "required": True, "maxLength": 1024},
}
_FIELD: dict[str, Spec] = {**_DESCRIBED, "required": {"type": "boolean"}}
_WORDS: Spec = {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 64}}
_KIND: Spec = {"required": True, "enum": ["string", "integer", "number", "boolean"]}
_PARAMETERS: Spec = {
    "type": "array",
    "maxItems": 20,
    "items": {
        "type": "object",
        "by": "type",
        "cases": {
            "string": {**_FIELD, "enum": _WORDS},
            "integer": _FIELD,
            "number": _FIELD,
            "boolean": _FIELD,
            "array": {**_FIELD, "items": {"type": "object", "required": True, "properties": {"type": _KIND}}},
            "object": {**_FIELD, "properties": {"type": "array", "required": True, "maxItems": 20}},
        },
    },
}
_TOOLS: Spec = {
    "type": "array",
    "maxItems": 20,
    "uniqueBy": "name",
    "items": {
        "type": "object",
        "by": "type",
        "cases": {
            "client_event": {**_DESCRIBED, "parameters": _PARAMETERS},
            "backend_rpc": {
                **_DESCRIBED,
                "parameters": _PARAMETERS,
                "timeoutSeconds": {"type": "number", "minimum": 1, "maximum": 8},
            },
        },
    },
}
_NEEDED: Spec = {"type": "string", "required": True, "minLength": 1}
_LIVEKIT: dict[str, Spec] = {
    "url": _NEEDED,
    "token": {**_NEEDED, "maxLength": 2048},
    "roomName": {**_NEEDED, "maxLength": 256},
    "agentIdentity": {"type": "string"},
}
_METADATA: Spec = {
    "type": "object",
    "why": "Your own data: returned in the session and its notice, never sent to Runway",
}

_OPTIONS: dict[str, Spec] = {
    "maxDuration": {"type": "integer", "minimum": SHORTEST_SECONDS, "maximum": LONGEST_SECONDS},
    "personality": {"type": "string", "minLength": 1, "maxLength": 10_000},
    "startScript": {"type": "string", "minLength": 1, "maxLength": 2000},
    "tools": _TOOLS,
    "metadata": _METADATA,
}

CREATE: dict[str, Spec] = {
    "model": {"type": "string", "required": True, "minLength": 1, "maxLength": 100},
    "avatar": {
        "type": "object",
        "required": True,
        "by": "type",
        "cases": {
            "custom": {"avatarId": {**_ID, "required": True}},
            "runway-preset": {"presetId": {"required": True, "enum": list(PRESETS)}},
        },
    },
    **_OPTIONS,
    "integration": {
        "type": "object",
        "by": "type",
        "cases": {"elevenlabs": {"signedUrl": _NEEDED}, "livekit": _LIVEKIT},
    },
    "livekit": {"type": "object", "properties": _LIVEKIT},
}
"""The body of POST /v1/realtime_sessions, as in Runway's API."""

CONNECT: dict[str, Spec] = {"avatarId": _ID, "customAvatarId": _ID, "presetId": _ID, **_OPTIONS}
"""The body of a connect. Runway's samples name the avatar in different ways, and each of these names is accepted."""

TOKEN: dict[str, Spec] = {
    "avatarId": _ID,
    "origin": {"type": "string", "minLength": 1, "maxLength": 300},
    "maxSessions": {"type": "integer", "minimum": 1, "maximum": MOST_SESSIONS},
    "expiresIn": {"type": "integer", "minimum": 1, "maximum": TOKEN_LONGEST_SECONDS},
}

_MOST_METADATA, _LONGEST_KEY, _LONGEST_VALUE = 20, 40, 500


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A validated create. body: sent to Runway, always with `maxDuration`, which limits the cost."""

    body: Mapping[str, Any] = field(repr=False)
    avatar: Mapping[str, str]
    max_seconds: int
    model: str
    metadata: Mapping[str, str]


def parse_create(given: Mapping[str, Any], longest_seconds: int) -> SessionRequest:
    """Return the request of Runway's own create. Raises InvalidRequest.

    longest_seconds: the operator's limit for `maxDuration`.
    """
    return _request(_checked(given, CREATE, longest_seconds), longest_seconds)


def parse_connect(given: Mapping[str, Any], longest_seconds: int, only_avatar: str | None = None) -> SessionRequest:
    """Return the request of a page's connect. Raises InvalidRequest.

    only_avatar: the avatar that the client token allows; the default where the body names none.
    """
    body = _checked(given, CONNECT, longest_seconds)
    custom, preset, either = (body.pop(name, None) for name in ("customAvatarId", "presetId", "avatarId"))
    named = custom or preset or either or only_avatar
    if named is None:
        raise InvalidRequest(
            [Issue("invalid_type", ("avatarId",), "Required: the id of an avatar or the name of a preset")]
        )
    is_preset = custom is None and (preset is not None or named in PRESETS)
    avatar = {"type": "runway-preset", "presetId": named} if is_preset else {"type": "custom", "avatarId": named}
    return parse_create({"model": MODEL, **body, "avatar": avatar}, longest_seconds)


def avatar_id(avatar: Mapping[str, str]) -> str:
    """Return the id of an avatar or of a preset."""
    return avatar.get("avatarId") or avatar["presetId"]


def _request(body: dict[str, Any], longest_seconds: int) -> SessionRequest:
    metadata = body.pop("metadata", {})
    seconds = int(body.get("maxDuration", min(DEFAULT_SECONDS, longest_seconds)))
    body["maxDuration"] = seconds
    given = body["avatar"]
    avatar = {name: given[name] for name in ("type", "avatarId", "presetId") if name in given}
    return SessionRequest(body, avatar, seconds, body["model"], metadata)


def _checked(given: Mapping[str, Any], specs: Mapping[str, Spec], longest_seconds: int) -> dict[str, Any]:
    """Return the body in the contract's spelling. Raises InvalidRequest."""
    rewritten = to_contract({name: value for name, value in given.items() if value is not None}, specs)
    found = check(rewritten.body, specs).issues + _common_issues(rewritten.body, longest_seconds)
    if issues := rewritten.issues + rewritten.as_sent(found):
        raise InvalidRequest(issues)
    return rewritten.body


def _common_issues(body: Mapping[str, Any], longest_seconds: int) -> list[Issue]:
    issues = []
    seconds = body.get("maxDuration")
    if isinstance(seconds, (int, float)) and longest_seconds < seconds <= LONGEST_SECONDS:
        issues.append(Issue("too_big", ("maxDuration",), f"Must be at most {longest_seconds} in this deployment"))
    if "webhookUrl" in body:
        issues.append(Issue("custom", ("webhookUrl",), "Sessions have no webhook; subscribe to session.ended on SNS"))
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and not _is_metadata(metadata):
        limits = (
            f"at most {_MOST_METADATA} strings, names of 1 to {_LONGEST_KEY} characters, "
            f"values of at most {_LONGEST_VALUE} characters"
        )
        issues.append(Issue("custom", ("metadata",), f"Expected {limits}"))
    return issues


def _is_metadata(value: Mapping[str, Any]) -> bool:
    return len(value) <= _MOST_METADATA and all(
        isinstance(text, str) and 1 <= len(name) <= _LONGEST_KEY and len(text) <= _LONGEST_VALUE
        for name, text in value.items()
    )
