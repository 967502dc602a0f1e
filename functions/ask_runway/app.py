"""Workflows, routers, the web application's usage and audit log: what Runway itself answers. Nothing of it is kept."""

from __future__ import annotations

import re

from pydantic import BaseModel

from tarmac.aws.wiring import AwsEffects
from tarmac.http.api import Answer, ApiError, ApiRequest, api_handler
from tarmac.requests.contract import NewRouter, RouterChange, parse_body
from tarmac.requests.validation import InvalidRequest
from tarmac.runway.errors import UpstreamGone
from tarmac.settings import AskRunwaySettings

SCOPES = {
    "GET /v1/workflows": "tasks",
    "GET /v1/workflows/{id}": "tasks",
    # What all clients share: each may look, and who changes it changes it for all.
    "GET /v1/routers": "account",
    "POST /v1/routers": "admin",
    "GET /v1/routers/{id}": "account",
    "PATCH /v1/routers/{id}": "admin",
    "DELETE /v1/routers/{id}": "admin",
    "GET /v1/routers/{id}/requests": "account",
    "GET /v1/organization/webapp/usage": "account",
    # Names and addresses of people.
    "GET /v1/organization/webapp/audit_logs": "admin",
    "GET /v1/organization/webapp/audit_logs/{id}": "admin",
}
"""Every route, and the scope that it takes."""
BODIES: dict[str, type[BaseModel]] = {"POST /v1/routers": NewRouter, "PATCH /v1/routers/{id}": RouterChange}

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")

# The API waits for 30 s.
effects = AwsEffects(AskRunwaySettings.from_environment(), runway_timeout_seconds=20.0)


@api_handler
def handler(request: ApiRequest) -> Answer:
    """API Gateway's event in, its response out: Runway's answer to the same call."""
    if request.route not in SCOPES:
        raise ApiError(404, "There is no such path")
    request.client(SCOPES[request.route])
    if not all(map(_ID.fullmatch, request.path.values())):
        raise ApiError(404, "Not found")
    method, _, path = request.route.format_map(request.path).partition(" ")
    body = None
    if request.route in BODIES:
        body = request.json_body()
        parsed = parse_body(BODIES[request.route], body)
        if isinstance(parsed, list):
            raise InvalidRequest(parsed)
    try:
        answer = effects.runway.relay(method, path, request.query, body)
    except UpstreamGone:
        if not request.path:
            raise
        raise ApiError(404, "Not found") from None
    return Answer(204) if answer is None else Answer(200, answer)
