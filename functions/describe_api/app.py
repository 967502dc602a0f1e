"""GET /health, /openapi.json and /docs. These routes are public, so the function has no permissions."""

from __future__ import annotations

from functools import cache

from tarmac import VERSION
from tarmac.http.answers import Answer, to_json
from tarmac.http.handler import Call, route_handler
from tarmac.openapi import describe, docs_page

CACHED = {"cache-control": "public, max-age=300"}


@cache
def _document() -> str:
    return to_json(describe())


def _page(call: Call) -> Answer:
    page = docs_page()
    return Answer(200, page.html, {**CACHED, **page.headers})


handler = route_handler(
    "describe_api",
    {
        "GET /health": lambda call: {"status": "ok", "version": VERSION},
        "GET /openapi.json": lambda call: Answer(200, _document(), CACHED),
        "GET /docs": _page,
    },
)
"""Take an event of API Gateway; return its response."""
