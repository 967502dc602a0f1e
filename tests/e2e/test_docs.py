"""Public documents, and whether real responses match their description."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from local.stack import StackInfo
from tarmac.http.clients import SCOPES
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import QUICK, image_to_video, marker, text_to_video

Check = Callable[[httpx.Response, str], Any]


@pytest.fixture
def anybody(stack: StackInfo) -> Iterator[httpx.Client]:
    """A reader without a key."""
    with httpx.Client(base_url=stack.api_url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def operator(deployment: Deployment) -> Iterator[Api]:
    """A client that may change shared items."""
    with Api.of_new_client(deployment, scopes=SCOPES) as client:
        yield client


@pytest.fixture
def document(anybody: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = anybody.get("/openapi.json").raise_for_status().json()
    return found


def test_health_needs_no_key(anybody: httpx.Client) -> None:
    answer = anybody.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.headers["x-request-id"]


def test_the_page_reads_the_document_beside_it(anybody: httpx.Client, document: dict[str, Any]) -> None:
    page = anybody.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert 'fetch("openapi.json")' in page.text
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "./"}]


@pytest.fixture
def check(document: dict[str, Any]) -> Check:
    """Return the response's body after checking it against the description of its path."""

    def checked(answer: httpx.Response, path: str) -> Any:
        method = answer.request.method.lower()
        described = document["paths"][path][method]["responses"][str(answer.status_code)]
        if "$ref" in described:
            described = document["components"]["responses"][described["$ref"].rpartition("/")[2]]
        assert answer.headers["x-request-id"]
        if answer.status_code == 204:
            return None
        schema = described["content"]["application/json"]["schema"] | {"components": document["components"]}
        assert [error.message for error in Draft202012Validator(schema).iter_errors(answer.json())] == []
        return answer.json()

    return checked


def test_responses_match_their_description(api: Api, check: Check) -> None:
    http = api.http
    task = check(api.post("image_to_video", image_to_video(metadata={"order": "A-17"})), "/v1/image_to_video")
    failed = check(api.post("text_to_video", text_to_video("fail=INTERNAL.BAD_OUTPUT.01")), "/v1/text_to_video")
    for task_id in (task["id"], failed["id"]):
        check(http.get(f"/v1/tasks/{task_id}"), "/v1/tasks/{id}")
        api.ended(task_id)
        check(http.get(f"/v1/tasks/{task_id}"), "/v1/tasks/{id}")
    check(http.get("/v1/tasks"), "/v1/tasks")
    check(http.get("/v1/tasks?limit=0"), "/v1/tasks")
    check(api.post("image_to_video", {"model": "gen4_turbo"}), "/v1/image_to_video")
    check(http.get("/v1/tasks/nobodys"), "/v1/tasks/{id}")
    check(http.delete(f"/v1/tasks/{task['id']}"), "/v1/tasks/{id}")
    check(http.delete(f"/v1/tasks/{task['id']}"), "/v1/tasks/{id}")
    check(http.post("/v1/uploads", json={"filename": "a.png", "type": "ephemeral"}), "/v1/uploads")
    check(http.post("/v1/uploads", json={}), "/v1/uploads")
    check(http.get("/v1/organization"), "/v1/organization")
    check(http.post("/v1/organization/usage", json={}), "/v1/organization/usage")
    check(http.post("/v1/organization/usage", json={"startDate": "soon"}), "/v1/organization/usage")
    check(http.get("/v1/usage"), "/v1/usage")
    about: dict[str, Any] = {"name": "Nova", "personality": "kind", "referenceImage": "https://media.example.com/a.png"}
    about |= {"voice": {"type": "runway-live-preset", "presetId": "clara"}}
    knowledge = {"name": "FAQ", "content": "# Hours"}
    design = {"prompt": "A warm and friendly voice", "model": "eleven_ttv_v3"}
    voice = {"name": "Warm", "from": design | {"type": "text"}}
    for collection, body in (("avatars", about), ("documents", knowledge), ("voices", voice)):
        made = check(http.post(f"/v1/{collection}", json=body), f"/v1/{collection}")
        one, path = f"/v1/{collection}/{made['id']}", f"/v1/{collection}/{{id}}"
        check(http.get(one), path)
        check(http.patch(one, json={"name": "New"}), path)
        check(http.patch(one, json={"name": ""}), path)
        check(http.get(f"/v1/{collection}"), f"/v1/{collection}")
        check(http.post(f"/v1/{collection}", json={}), f"/v1/{collection}")
        check(http.delete(one), path)
        check(http.get(one), path)
    check(http.post("/v1/voices/preview", json=design), "/v1/voices/preview")
    check(http.get("/v1/avatar_conversations"), "/v1/avatar_conversations")
    span = {"startDate": "2026-01-01T00:00:00Z", "endDate": "2026-01-03T00:00:00Z"}
    check(http.get("/v1/avatar_usage", params=span), "/v1/avatar_usage")
    check(http.get("/health"), "/health")


def test_responses_about_workflows_and_routers_match_their_description(operator: Api, check: Check) -> None:
    http, at, of, run_at = operator.http, "/v1/routers", "/v1/routers/{id}", "/v1/workflow_invocations/{id}"
    router = check(http.post(at, json={"slug": f"r{marker()[:20]}"}), at)
    mine = f"/v1/routers/{router['id']}"
    check(http.patch(mine, json={"description": None, "settings": {"optimizeFor": "quality"}}), of)
    quick = {"promptText": f"A lamp [[sim:{QUICK}]]", "duration": 4}
    routed = check(operator.post("generate/video", {"configId": router["slug"], "input": quick}), "/v1/generate/video")
    workflow = check(http.get("/v1/workflows"), "/v1/workflows")["data"][0]["versions"][0]["id"]
    node = check(http.get(f"/v1/workflows/{workflow}"), "/v1/workflows/{id}")["graph"]["nodes"][0]["id"]
    given = {"prompt": {"type": "primitive", "value": f"[[sim:{QUICK}, node_error=INTERNAL]]"}}
    run = check(operator.post(f"workflows/{workflow}", {"nodeOutputs": {node: given}}), "/v1/workflows/{id}")
    check(operator.post(f"workflows/{workflow}", {"nodeOutputs": []}), "/v1/workflows/{id}")
    for task_id in (routed["id"], run["id"]):
        check(http.get(f"/v1/tasks/{task_id}"), "/v1/tasks/{id}")
        operator.ended(task_id)
        check(http.get(f"/v1/tasks/{task_id}"), "/v1/tasks/{id}")
    assert "nodeErrors" in check(http.get(f"/v1/workflow_invocations/{run['id']}"), run_at)
    check(http.get(f"/v1/workflow_invocations/{routed['id']}"), run_at)
    check(http.get(f"{mine}/requests"), "/v1/routers/{id}/requests")
    check(http.get(f"{mine}/requests?limit=many"), "/v1/routers/{id}/requests")
    for wrong in ({}, {"slug": "Upper"}, {"slug": router["slug"]}):
        check(http.post(at, json=wrong), at)
    check(http.get(at), at)
    check(http.get(mine), of)
    check(http.delete(mine), of)
    for gone in (http.get(mine), http.patch(mine, json={}), http.delete(mine)):
        assert gone.status_code == 404
        check(gone, of)
    usage, logs = "/v1/organization/webapp/usage", "/v1/organization/webapp/audit_logs"
    check(http.get(f"{usage}?from=2020-01-01&to=2099-01-01"), usage)
    check(http.get(usage), usage)
    entry = check(http.get(logs), logs)["data"][0]["eventId"]
    check(http.get(f"{logs}/{entry}"), f"{logs}/{{id}}")
    check(http.get(f"{logs}/nobodys"), f"{logs}/{{id}}")
