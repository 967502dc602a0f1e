"""The OpenAPI document, generated from the route table and the catalogue: one path for each operation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac import VERSION
from tarmac.catalogue import Operation, operation, operations
from tarmac.http.requests import MAX_BODY_BYTES, MAX_KEY_LENGTH
from tarmac.http.routes import CREATE_TASK, ROUTES, Route
from tarmac.openapi.components import ANSWERS, body_schema, component_schemas
from tarmac.openapi.queries import QUERIES
from tarmac.openapi.schemas import Schema, ref

_ABOUT = """Runway's API, with durable tasks. Point an official Runway SDK here (`RUNWAYML_BASE_URL`) and it works \
unchanged: every create is tracked until it ends, every output is archived, every ending is published as a notice.

Beyond Runway: `Idempotency-Key`, `metadata` and `webhookUrl` on any create, a list of tasks, your own usage. \
Models that are not described here are passed on to Runway unchecked; so are parameters, unless a schema is closed."""

_ERRORS = {
    400: "Invalid request; `issues` lists each problem with its field",
    401: "No client key, or an unknown one",
    403: "The client key lacks the required scope",
    404: "Not found: missing, deleted, or owned by another client",
    409: "Conflict. Retry while a first request or the processing of an avatar is in progress; credentials of a "
    "session can be fetched only once",
    410: "The response with the credentials was lost; create a new session",
    413: f"The body has more than {MAX_BODY_BYTES} bytes; without the content type application/json, more than 4.5 MB",
    422: "The Idempotency-Key was used before with another body",
    429: "Too many concurrent requests, or the client's minutes of live sessions for today are used up",
    500: "Internal error",
    502: "Runway rejects the API key of this deployment, or its response was lost",
    503: "Runway is unavailable; retry after `Retry-After` seconds",
    504: "The session was not ready in time and has been cancelled",
}
_TAGS = (
    *("Video", "Image", "Audio", "Workflows"),
    *("Tasks", "Uploads", "Avatars", "Sessions", "Routers", "Account", "CometAPI", "About"),
)
_OUTPUTS = {"video": "Video", "image": "Image", "audio": "Audio", "any": "Workflows"}


def describe() -> dict[str, Any]:
    """Return the whole document. It takes some tenths of a second: cache it."""
    in_catalogue = [operation(name) for name in operations()]
    paths: dict[str, Any] = {}
    for route in ROUTES:
        for path, call in _calls(route, in_catalogue):
            item = paths.setdefault(path, {"parameters": [_ID]} if "{id}" in path else {})
            item[route.method.lower()] = call
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tarmac", "version": VERSION, "description": _ABOUT},
        # Relative to the URL that this document was read from.
        "servers": [{"url": "./"}],
        "security": [{"clientKey": []}],
        "tags": [{"name": name} for name in _TAGS],
        "paths": paths,
        "components": {
            "securitySchemes": _SECURITY_SCHEMES,
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "responses": {str(status): _error(status) for status in _ERRORS},
            "schemas": component_schemas(in_catalogue),
        },
    }


def _calls(route: Route, in_catalogue: list[Operation]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the paths and calls of a route: of a create, one for each operation that its path stands for."""
    if route.body != CREATE_TASK or not route.path.startswith("/v1/"):
        yield route.path, _call(route, route.path)
        return
    pattern = re.sub(r"\{\w+\}", "([^/]+)", route.path)
    for at in in_catalogue:
        path = f"/v1/{at.name}"
        if re.fullmatch(pattern, path):
            yield path, _call(route, path, at)


def _call(route: Route, path: str, at: Operation | None = None) -> dict[str, Any]:
    """at: the operation of a create."""
    words = "" if at is None else at.name.removesuffix("/{id}").replace("/", " ").replace("_", " ")
    parameters = [*(QUERIES[route.query] if route.query else ()), *_operation_in(path)]
    if route.idempotent:
        parameters.append(_shared("Idempotency-Key"))
    if route.scopes or route.security:
        parameters.append(_shared("X-Runway-Version"))
    call: dict[str, Any] = {
        "tags": [route.tag if at is None else _OUTPUTS[at.output]],
        "operationId": route.name.format(operation=words.replace(" ", "_")),
        "summary": route.summary if at is None else words[0].upper() + words[1:],
        "parameters": parameters,
    }
    if not route.scopes:
        call["security"] = [{scheme: []} for scheme in route.security]
    if route.body is not None:
        call["requestBody"] = {"required": not route.empty_body} | _json(body_schema(route.body, at))
    return call | {"responses": _answer(route) | _errors(route, path)}


def _operation_in(path: str) -> list[dict[str, Any]]:
    """Return the path parameter `{operation}` where it stands for any operation, as at CometAPI."""
    if "{operation}" not in path:
        return []
    names = [name for name in operations() if "/" not in name]
    return [{"name": "operation", "in": "path", "required": True, "schema": {"enum": names}}]


def _answer(route: Route) -> dict[str, Any]:
    if route.answer is None:
        return {"204": {"description": "Done", "headers": _request_id()}}
    model = ANSWERS.get(route.answer)
    description = " ".join(((model.__doc__ if model else None) or "OK").split())
    return {"200": {"description": description, "headers": _request_id()} | _content(route.answer)}


def _content(answer: str) -> dict[str, Any]:
    if answer == "Page":
        return {"content": {"text/html": {"schema": {"type": "string"}}}}
    return _json({"type": "object"} if answer == "OpenApi" else ref(answer))


def _errors(route: Route, path: str) -> dict[str, Any]:
    statuses = {429, 500, 503, *route.errors}
    if route.scopes or route.security:
        statuses |= {401, 403}
    if route.body is not None:
        statuses |= {400, 413}
    if route.query is not None:
        statuses.add(400)
    if "{" in path:
        statuses.add(404)
    if route.idempotent:
        statuses.add(422)
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}


def _error(status: int) -> dict[str, Any]:
    headers = _request_id()
    if status == 503:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in ("Retry-After", "x-should-retry")}
    return {"description": _ERRORS[status], "headers": headers} | _json({"anyOf": [ref("Error"), ref("GatewayError")]})


def _request_id() -> dict[str, Any]:
    return {"x-request-id": {"$ref": "#/components/headers/x-request-id"}}


def _json(schema: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _shared(parameter: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{parameter}"}


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_SECURITY_SCHEMES = {
    "clientKey": {"type": "http", "scheme": "bearer", "description": "A client key of this deployment"},
    "clientToken": {
        "type": "apiKey",
        "in": "query",
        "name": "clientToken",
        "description": "A token for one page, from POST /v1/client_tokens",
    },
    "sessionKey": {"type": "http", "scheme": "bearer", "description": "The `sessionKey` of a READY session"},
}
_PARAMETERS = {
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Requests with the same key and body are one create. Stored for 30 days.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[ -~]+$"},
    },
    "X-Runway-Version": {
        "name": "X-Runway-Version",
        "in": "header",
        "description": "Sent by Runway's SDKs; optional here",
        "schema": {"type": "string", "examples": ["2024-11-06"]},
    },
}
_HEADERS = {
    "x-request-id": {
        "description": "Identifies this request in the logs. API Gateway's own responses have `apigw-requestid`",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "x-should-retry": {"description": "For Runway's SDKs", "schema": {"enum": ["true", "false"]}},
}
