from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes import World
from tests.fakes.loading import load_function
from tests.fakes.samples import event

Call = Callable[..., tuple[int, Any, dict[str, str]]]
"""A call of manage_characters: `call("PATCH /v1/avatars/nova", {…}, client="acme")` → (status, body, headers)."""

ENVIRONMENT = {
    "TABLE_NAME": "tasks",
    "UPLOAD_BUCKET": "uploads",
    "ARCHIVE_BUCKET": "archive",
    "INPUT_BUCKETS": "media",
    "RUNWAY_SECRET_ARN": "arn",
    "RUNWAYML_BASE_URL": "https://runway.example",
    "UPSTREAM_FLAVOR": "runway",
}


@pytest.fixture
def call(world: World, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tarmac")
    handler = load_function("manage_characters", monkeypatch, world, ENVIRONMENT).handler

    def called(
        what: str,
        body: Any = None,
        client: str = "acme",
        scopes: str = "avatars",
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> tuple[int, Any, dict[str, str]]:
        method, _, path = what.partition(" ")
        sent = event("http-create-avatar")
        sent["headers"] = {}
        del sent["body"]
        sent["rawPath"] = path
        _, _, collection, *item = path.split("/", 4)
        sent["routeKey"] = f"{method} /v1/{collection}"
        if item == ["preview"] and method == "POST":
            sent["routeKey"] += "/preview"
        elif item:
            sent["routeKey"] += "/{id}"
            sent["pathParameters"] = {"id": item[0]}
        if body is not None:
            sent["body"] = body if isinstance(body, str) else json.dumps(body)
        if query:
            sent["queryStringParameters"] = query
        sent["headers"] |= headers or {}
        sent["requestContext"]["authorizer"]["lambda"] = {"client": client, "scopes": scopes}
        answer = handler(sent, None)
        return answer["statusCode"], json.loads(answer["body"]) if "body" in answer else None, answer["headers"]

    return called
