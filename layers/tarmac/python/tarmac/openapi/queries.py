"""Query parameters of the calls, by the names that the route table uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.characters.kinds import Kind
from tarmac.characters.lists import DEFAULT_LIMITS, ORDERS, SORTS
from tarmac.openapi.schemas import Schema
from tarmac.requests.paging import MAX_LIMIT
from tarmac.tasks.read import DEFAULT_LIMIT
from tarmac.tasks.responses import STATUSES


def _query(name: str, about: str, schema: Schema, required: bool = False) -> dict[str, Any]:
    must = {"required": True} if required else {}
    return {"name": name, "in": "query", "description": about, "schema": schema} | must


def _limit(default: int | None = None) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
    return _query("limit", "Maximum number of items", schema if default is None else schema | {"default": default})


_MOMENT: Schema = {"type": "string", "format": "date-time"}
_DAY: Schema = {"type": "string", "format": "date"}
_CURSOR = _query("cursor", "`nextCursor` of the previous page", {"type": "string"})
_PAGE = [_limit(), _CURSOR]
_MOMENTS = [
    _query("startDate", "Start of the range, included", _MOMENT),
    _query("endDate", "End of the range, excluded", _MOMENT),
]
_ORGANIZATION = _query(
    "organizationId", "The organization, where the API project belongs to several", {"type": "string"}
)


def _of_webapp(required: bool) -> list[dict[str, Any]]:
    return [
        _query("from", "Start of the range, included", _MOMENT, required),
        _query("to", "End of the range, excluded", _MOMENT, required),
        _ORGANIZATION,
        _query("workspaceIds", "Only these workspaces, separated by commas", {"type": "string"}),
    ]


QUERIES: Mapping[str, list[dict[str, Any]]] = {
    "tasks": [
        _limit(DEFAULT_LIMIT),
        _CURSOR,
        _query("status", "Only tasks in this status", {"enum": list(STATUSES)}),
    ],
    "avatars": [_limit(DEFAULT_LIMITS[Kind.AVATAR]), _CURSOR],
    "documents": [
        _limit(DEFAULT_LIMITS[Kind.DOCUMENT]),
        _CURSOR,
        _query("sort", "The field to sort by", {"enum": list(SORTS)}),
        _query("order", "The sort order", {"enum": list(ORDERS)}),
    ],
    "voices": [_limit(DEFAULT_LIMITS[Kind.VOICE]), _CURSOR],
    "conversations": [
        _limit(DEFAULT_LIMITS[Kind.CONVERSATION]),
        _CURSOR,
        _query("avatar", "Only conversations with this avatar", {"type": "string"}),
        *_MOMENTS,
    ],
    "moments": _MOMENTS,
    "days": [
        _query("startDate", "First day (UTC); by default 30 days before `beforeDate`", _DAY),
        _query("beforeDate", "Day after the last one, at most 90 days after `startDate`", _DAY),
    ],
    "page": _PAGE,
    "webappUsage": [*_of_webapp(required=True), *_PAGE],
    "auditLogs": [
        *_of_webapp(required=False),
        _query("actions", "Only these actions, separated by commas", {"type": "string"}),
        _query("actorEmails", "Only actions of these people, separated by commas", {"type": "string"}),
        *_PAGE,
    ],
    "auditLog": [_ORGANIZATION],
}
