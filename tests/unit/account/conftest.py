from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes import World
from tests.fakes.loading import Ask, load_function
from tests.fakes.samples import event


@pytest.fixture
def ask(world: World, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A call of read_account by its route: (status, response, headers)."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tarmac")
    environment = {
        "TABLE_NAME": "tasks",
        "RUNWAY_SECRET_ARN": "arn",
        "RUNWAYML_BASE_URL": "https://runway.example",
        "UPSTREAM_FLAVOR": "runway",
    }
    handler = load_function("read_account", monkeypatch, world, environment).handler

    def asked(route: str, text: str | None = None, scopes: str = "account", client: str = "acme", **query: str) -> Any:
        sent = event("http-get-usage")
        sent["routeKey"] = route
        if text is not None:
            sent["body"] = text
        if query:
            sent["queryStringParameters"] = query
        sent["requestContext"]["authorizer"]["lambda"] = {"client": client, "scopes": scopes}
        answer = handler(sent, None)
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    return asked
