"""Each error as the SDKs read it: its status, Runway's shape, the name of the call, and whether to retry.

Those of a Runway that is down: `tests/unit/account`, `tests/unit/http`.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import text_to_video

Send = Callable[[Api], httpx.Response]


def reused(api: Api) -> httpx.Response:
    api.create("text_to_video", text_to_video(), idempotency_key="once")
    return api.post("text_to_video", text_to_video(), idempotency_key="once")


ERRORS: dict[str, tuple[int, Send]] = {
    "a body with issues": (400, lambda api: api.post("image_to_video", {"model": "gen4_turbo"})),
    "a malformed body": (400, lambda api: api.http.post("/v1/image_to_video", content=b"{")),
    "a query with issues": (400, lambda api: api.http.get("/v1/tasks?limit=0")),
    "an unknown key": (401, lambda api: api.http.get("/v1/tasks", headers={"Authorization": "Bearer key_0"})),
    "an unknown task": (404, lambda api: api.http.get("/v1/tasks/nobodys")),
    "an unknown task in a DELETE": (404, lambda api: api.http.delete("/v1/tasks/nobodys")),
    "an unknown operation": (404, lambda api: api.post("text_to_gold", {"model": "gen4.5"})),
    "a body too large": (413, lambda api: api.post("text_to_video", text_to_video(notes="n" * 2**20))),
    "an idempotency key of another body": (422, reused),
}
WITH_ISSUES = ("a body with issues", "a query with issues")


@pytest.mark.parametrize("what", ERRORS)
def test_an_error_has_runways_shape_and_a_name(what: str, api: Api) -> None:
    status, send = ERRORS[what]
    answer = send(api)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    reported = answer.json()
    assert set(reported) == ({"error", "issues"} if what in WITH_ISSUES else {"error"})
    assert reported["error"]
    for issue in reported.get("issues", ()):
        assert (set(issue), bool(issue["path"])) == ({"code", "path", "message"}, True)
    assert answer.headers["x-request-id"]
    # The SDKs retry none of these statuses; the header prevents a proxy from doing so.
    assert answer.headers.get("x-should-retry", "false") == "false"
    assert "retry-after" not in answer.headers


def test_a_missing_scope_is_403(deployment: Deployment) -> None:
    with Api.of_new_client(deployment, scopes=("account",)) as api:
        answer = api.http.get("/v1/tasks")
    assert (answer.status_code, set(answer.json())) == (403, {"error"})
    assert answer.headers["x-request-id"]


def test_each_call_has_a_name_of_its_own(api: Api) -> None:
    names = {api.http.get("/v1/tasks/nobodys").headers["x-request-id"] for _ in range(3)}
    assert len(names) == 3
