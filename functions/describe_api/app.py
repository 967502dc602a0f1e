"""GET /health, /openapi.json, /docs: for everybody. So this function has no permission and asks nothing of AWS."""

from __future__ import annotations

from functools import cache

from tarmac import VERSION
from tarmac.http.api import Answer, ApiError, ApiRequest, api_handler, to_json
from tarmac.openapi import describe, docs_page

CACHED = {"cache-control": "public, max-age=300"}


@api_handler
def handler(request: ApiRequest) -> Answer:
    """API Gateway's event in, its response out."""
    match request.route:
        case "GET /health":
            return Answer(200, {"status": "ok", "version": VERSION})
        case "GET /openapi.json":
            return Answer(200, _document(), CACHED)
        case "GET /docs":
            page = docs_page()
            return Answer(200, page.html, {**CACHED, **page.headers})
        case _:
            raise ApiError(404, "There is no such path")


@cache
def _document() -> str:
    return to_json(describe())
