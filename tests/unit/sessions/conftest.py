from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.fakes import World
from tests.fakes.loading import load_function
from tests.fakes.samples import event

ENVIRONMENT = {
    "TABLE_NAME": "tasks",
    "RUNWAY_SECRET_ARN": "arn",
    "WEBHOOK_SECRET_ARN": "arn",
    "RUNWAYML_BASE_URL": "https://runway.example",
    "SESSION_STATE_MACHINE_ARN": "arn",
    "CORS_ORIGINS": "http://localhost:5173,https://app.example.com",
    "MAX_SESSION_SECONDS": "300",
    "SESSION_MINUTES_PER_CLIENT": "60",
    "CONNECT_SECONDS": "25",
}

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, world: World) -> ModuleType:
    """The module functions/create_session, loaded as Lambda loads it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    return load_function("create_session", monkeypatch, world, ENVIRONMENT)


@pytest.fixture
def ask(app: ModuleType) -> Ask:
    """Call the function over HTTP and return (status, body).

    The client is `acme`; with `headers` or `query` the call passes no authorizer.
    """

    def call(
        route: str,
        body: Any = None,
        *,
        session_id: str = "",
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        client: str | None = "acme",
        scopes: str = "sessions",
    ) -> tuple[int, Any]:
        request = event("http-create-session")
        method, _, path = route.partition(" ")
        request |= {
            "routeKey": route,
            "rawPath": path.replace("{id}", session_id),
            "pathParameters": {"id": session_id},
        }
        request["requestContext"]["http"] |= {"method": method}
        request["requestContext"]["authorizer"]["lambda"] = {"client": client, "scopes": scopes}
        if headers is not None or query is not None:
            del request["requestContext"]["authorizer"]
            request["headers"] = headers or {}
            request["queryStringParameters"] = query or {}
        request["body"] = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        answer = app.handler(request, None)
        assert answer["headers"]["cache-control"] == "no-store"
        return answer["statusCode"], json.loads(answer["body"]) if "body" in answer else None

    return call
