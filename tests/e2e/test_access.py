"""Access: the gateway requires a key, functions find its client, and a client sees only its own tasks."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.aws import template
from local.paths import ROOT
from local.stack import StackInfo
from tarmac.http.clients import ClientStore
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import text_to_video

FUNCTION = "AWS::Serverless::Function"
ORIGIN = "http://localhost:5173"
ROUTES = [
    (route["Method"], re.sub(r"\{\w+\+?\}", "some", route["Path"]))
    for _, function in template.resources(template.parse((ROOT / "template.yaml").read_text()), FUNCTION)
    for route in [event["Properties"] for event in function.get("Events", {}).values() if event["Type"] == "HttpApi"]
    if route.get("Auth", {}).get("Authorizer") != "NONE"
]
"""All that need a key."""


WRONG_KEYS = (f"Bearer key_{'0' * 128}", "Bearer", "Basic dXNlcjpwYXNz", "nonsense")


def on_every_route(stack: StackInfo, *headers: Mapping[str, str]) -> Iterator[tuple[str, httpx.Response]]:
    """(call, response) of each route with each of these headers; eight calls at a time."""
    with httpx.Client(base_url=stack.api_url, trust_env=False, timeout=60) as http, ThreadPoolExecutor(8) as threads:
        assert ROUTES
        calls = list(itertools.product(ROUTES, headers))
        answers = threads.map(lambda call: http.request(*call[0], headers=dict(call[1])), calls)
        for (route, given), answer in zip(calls, answers, strict=True):
            yield f"{route} {given}", answer


def test_without_a_key_the_gateway_answers_401_in_its_own_words(stack: StackInfo) -> None:
    for call, answer in on_every_route(stack, {}):
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"}), call


def test_with_a_wrong_key_every_function_answers_401_in_runways_shape(stack: StackInfo) -> None:
    """The gateway passes an unknown key on without a client, so every route must check for one."""
    for call, answer in on_every_route(stack, *({"Authorization": key} for key in WRONG_KEYS)):
        assert (answer.status_code, set(answer.json())) == (401, {"error"}), call
        assert "Unknown client key" in answer.json()["error"], call
        assert answer.headers["x-request-id"], call


def test_a_revoked_key_is_a_wrong_key(deployment: Deployment) -> None:
    """At once here; on AWS when the authorizer's cached response expires."""
    with Api.of_new_client(deployment) as api:
        assert api.http.get("/v1/tasks").status_code == 200
        assert ClientStore(deployment.table).revoke(api.key)
        assert api.http.get("/v1/tasks").status_code == 401
        assert api.post("text_to_video", text_to_video()).status_code == 401
        assert deployment.rows_of(api.client) == []


def test_a_second_key_of_a_client_sees_the_same_tasks_and_outlives_the_first(deployment: Deployment) -> None:
    """So a key can be replaced without a gap."""
    with Api.of_new_client(deployment) as old, Api.of_new_client(deployment, old.client) as new:
        task_id = old.create("text_to_video", text_to_video())
        ClientStore(deployment.table).revoke(old.key)
        assert new.ids() == [task_id]
        assert new.ended(task_id)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1"),
        ("GET", "/v1/nothing"),
        ("GET", "/v2/tasks"),
        ("POST", "/v1/tasks/some/more"),
        ("PUT", "/v1/tasks"),
        ("PATCH", "/v1/tasks/6e1fe2a7-0000-4000-8000-000000000000"),
    ],
)
def test_an_unknown_path_is_404_in_the_gateways_own_words(api: Api, method: str, path: str) -> None:
    answer = api.http.request(method, path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_key_without_the_scope_is_rejected_in_runways_shape(deployment: Deployment) -> None:
    """The gateway only identifies; the function decides."""
    with Api.of_new_client(deployment, scopes=("uploads", "account")) as api:
        for answer in (
            api.http.get("/v1/tasks"),
            api.http.get("/v1/tasks/some-id"),
            api.http.delete("/v1/tasks/some-id"),
            api.post("text_to_video", text_to_video()),
        ):
            assert answer.status_code == 403
            assert answer.json() == {"error": "The client key lacks the required scope tasks"}
        assert deployment.rows_of(api.client) == []


def test_another_clients_task_looks_like_one_that_does_not_exist(api: Api, deployment: Deployment) -> None:
    """When it reads, lists and deletes; the owner's task stays unchanged."""
    with Api.of_new_client(deployment) as owner:
        task_id = owner.create("text_to_video", text_to_video("seconds=60"))
        for method in ("GET", "DELETE"):
            foreign = api.http.request(method, f"/v1/tasks/{task_id}")
            missing = api.http.request(method, f"/v1/tasks/{uuid.uuid4()}")
            assert foreign.status_code == missing.status_code == 404
            assert foreign.content == missing.content
            assert set(foreign.headers) == set(missing.headers)
        assert api.ids() == []
        assert owner.ended(task_id)["status"] == "SUCCEEDED"


def test_a_browser_of_the_allowed_origin_may_call(stack: StackInfo, api: Api) -> None:
    """The preflight needs no key and names the exact origin; so does the response itself."""
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-runway-version,idempotency-key",
    }
    for path in ("/v1/image_to_video", "/v1/tasks", "/v1/tasks/some-id"):
        preflight = httpx.options(stack.api_url + path, headers=asked, trust_env=False, timeout=30)
        assert preflight.status_code in (200, 204)
        assert preflight.headers["access-control-allow-origin"] == ORIGIN
        allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
        assert allowed == {"authorization", "content-type", "x-runway-version", "idempotency-key"}
        assert {"GET", "POST", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(","))
        assert "access-control-allow-credentials" not in preflight.headers
    answer = api.http.get("/v1/tasks", headers={"Origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost:5174", "https://localhost:5173", "null", f"{ORIGIN}.evil.example"],
)
def test_a_browser_of_another_origin_is_allowed_nothing(stack: StackInfo, api: Api, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"{stack.api_url}/v1/image_to_video", headers=asked, trust_env=False, timeout=30)
    assert "access-control-allow-origin" not in preflight.headers
    answer = api.http.get("/v1/tasks", headers={"Origin": origin})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_responses_may_not_be_cached(api: Api) -> None:
    """They hold links and states that change."""
    for answer in (api.http.get("/v1/tasks"), api.http.get("/v1/tasks/some-id"), api.post("text_to_video", {})):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"]
