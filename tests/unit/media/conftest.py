from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes import World
from tests.fakes.loading import Ask, load_function
from tests.fakes.samples import event


@pytest.fixture
def ask(world: World, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """POST /v1/uploads with a body, as a client with scopes; (status, response)."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tarmac")
    environment = {"TABLE_NAME": "tasks", "UPLOAD_BUCKET": "uploads"}
    handler = load_function("create_upload", monkeypatch, world, environment).handler

    def asked(body: Any = None, text: str | None = None, scopes: str = "uploads", client: str = "acme") -> Any:
        sent = event("http-create-upload")
        if body is not None or text is not None:
            sent["body"] = json.dumps(body) if text is None else text
        sent["requestContext"]["authorizer"]["lambda"] = {"client": client, "scopes": scopes}
        answer = handler(sent, None)
        return answer["statusCode"], json.loads(answer["body"])

    return asked
