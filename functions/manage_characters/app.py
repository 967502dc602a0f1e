"""/v1/avatars, /v1/documents, /v1/voices, /v1/avatar_conversations: Runway's own, each client with those it owns."""

from __future__ import annotations

from functools import partial
from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.characters.kinds import Kind
from tarmac.characters.lists import list_items
from tarmac.characters.manage import Caller, change, create, delete, preview_voice, read
from tarmac.http.handler import Call, Serve, route_handler
from tarmac.settings import ManageCharactersSettings

RUNWAY_TIMEOUT_SECONDS = 12.0
"""A create is sent at most ten seconds after its request arrived, and API Gateway waits for thirty."""

settings = ManageCharactersSettings.from_environment()
effects = AwsEffects(settings, RUNWAY_TIMEOUT_SECONDS)
input_buckets = settings.input_buckets


def _list(kind: Kind, call: Call) -> dict[str, Any]:
    page = list_items(kind, call.client, call.query, effects)
    return {"data": page.items, "hasMore": page.cursor is not None, "nextCursor": page.cursor}


def _create(kind: Kind, call: Call) -> dict[str, Any]:
    return create(kind, call.body, call.request_identity, input_buckets, effects)


def _read(kind: Kind, call: Call) -> dict[str, Any]:
    return read(kind, call.path["id"], call.client, effects)


def _change(kind: Kind, call: Call) -> dict[str, Any] | None:
    return change(kind, call.path["id"], call.body, _caller(call), input_buckets, effects)


def _delete(kind: Kind, call: Call) -> None:
    delete(kind, call.path["id"], _caller(call), effects)


def _caller(call: Call) -> Caller:
    return Caller(call.client, is_admin=call.request.has_scope("admin"))


def _serving() -> dict[str, Serve]:
    serving: dict[str, Serve] = {
        "POST /v1/voices/preview": lambda call: preview_voice(call.body, effects),
        "GET /v1/avatar_usage": lambda call: effects.characters.usage(call.query),
    }
    for kind in Kind:
        serving[f"GET /v1/{kind.path}"] = partial(_list, kind)
        serving[f"GET /v1/{kind.path}/{{id}}"] = partial(_read, kind)
        serving[f"DELETE /v1/{kind.path}/{{id}}"] = partial(_delete, kind)
        # Sessions create conversations, which cannot be changed.
        if kind is not Kind.CONVERSATION:
            serving[f"POST /v1/{kind.path}"] = partial(_create, kind)
            serving[f"PATCH /v1/{kind.path}/{{id}}"] = partial(_change, kind)
    return serving


handler = route_handler("manage_characters", _serving())
"""API Gateway's event in, its response out. What another client owns is not found."""
