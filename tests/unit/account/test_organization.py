"""GET /v1/organization and POST /v1/organization/usage: Runway's responses pass unchanged, its errors are mapped."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tarmac.clock import Clock
from tarmac.runway.client import RunwayClient
from tarmac.runway.connection import RunwayConnection
from tarmac.runway.errors import KeyUnavailable, UpstreamGone, UpstreamRejected, UpstreamUnavailable
from tests.fakes import ManualClock, World
from tests.fakes.loading import Ask

ORGANIZATION = "GET /v1/organization"
USAGE = "POST /v1/organization/usage"
ANSWER = {"tier": {"models": {}}, "creditBalance": 7, "usage": {"models": {}}, "somethingNew": [1]}
KEY = "key_" + "a" * 128


@pytest.mark.parametrize("route", [ORGANIZATION, USAGE])
def test_runways_response_is_returned_unchanged(route: str, world: World, ask: Ask) -> None:
    world.runway.account = ANSWER
    assert ask(route)[:2] == (200, ANSWER)


@pytest.mark.parametrize(
    "text",
    ["{}", '{"startDate": "2026-01-01"}', '{"startDate": "2026-01-01T00:00:00Z", "beforeDate": null, "later": 1}'],
)
def test_the_dates_are_passed_on_unchanged(text: str, world: World, ask: Ask) -> None:
    assert ask(USAGE, text)[0] == 200
    assert world.runway.asked_for_usage == [json.loads(text)]


def test_usage_without_a_body_asks_runway_without_dates(world: World, ask: Ask) -> None:
    assert ask(USAGE)[0] == 200
    assert world.runway.asked_for_usage == [{}]


@pytest.mark.parametrize("value", ["2026-13-01", "yesterday", "", "20260101", "2026-W01-1", "２０２６-01-01"])
def test_an_invalid_date_is_named(value: str, world: World, ask: Ask) -> None:
    status, answer, _ = ask(USAGE, json.dumps({"beforeDate": value}))
    assert status == 400
    assert [issue["path"] for issue in answer["issues"]] == [["beforeDate"]]
    assert world.runway.asked_for_usage == []


@pytest.mark.parametrize("route", [ORGANIZATION, USAGE, "GET /v1/usage"])
def test_a_key_needs_the_scope(route: str, ask: Ask) -> None:
    assert ask(route, scopes="tasks uploads")[0] == 403


TROUBLE: list[tuple[Exception, int, str, dict[str, str]]] = [
    (UpstreamUnavailable("Runway answered HTTP 401", status=401), 502, "operator", {"x-should-retry": "false"}),
    (UpstreamUnavailable("Runway answered HTTP 403", status=403), 502, "operator", {"x-should-retry": "false"}),
    (
        UpstreamUnavailable("Runway answered HTTP 429", status=429, retry_after_seconds=17.2),
        503,
        "HTTP 429",
        {"retry-after": "17", "x-should-retry": "true"},
    ),
    (
        UpstreamUnavailable("Runway answered HTTP 500", status=500, retry_after_seconds=7200),
        503,
        "HTTP 500",
        {"retry-after": "60", "x-should-retry": "true"},
    ),
    (UpstreamUnavailable("Runway could not be read (ReadTimeout)"), 503, "ReadTimeout", {"retry-after": "5"}),
    (UpstreamGone("Runway does not know the task"), 502, "upstream", {"x-should-retry": "false"}),
    (KeyUnavailable("no Runway key is set: run `tarmac secret set`"), 503, "secret set", {"x-should-retry": "true"}),
]


@pytest.mark.parametrize(("error", "status", "word", "headers"), TROUBLE, ids=lambda case: str(case)[:40])
def test_each_trouble_with_runway_has_one_meaning(
    error: Exception, status: int, word: str, headers: dict[str, str], world: World, ask: Ask
) -> None:
    world.runway.unreadable = [error]
    found, answer, sent = ask(ORGANIZATION)
    assert (found, word in answer["error"]) == (status, True)
    assert headers.items() <= sent.items()


def test_a_request_that_runway_rejects_is_an_error_of_the_caller(world: World, ask: Ask) -> None:
    issues = [{"code": "custom", "path": ["startDate"], "message": "too long"}, "nonsense", {"path": "x"}]
    world.runway.unreadable = [UpstreamRejected("Validation of body failed", issues=issues)]
    status, answer, _ = ask(USAGE, "{}")
    assert (status, answer["error"]) == (400, "Validation of body failed")
    assert answer["issues"][0] == {"code": "custom", "path": ["startDate"], "message": "too long"}
    assert all(issue.keys() == {"code", "path", "message"} for issue in answer["issues"])


class TestClient:
    """The real client, over a transport in memory."""

    def client(self, *answers: httpx.Response | Exception) -> tuple[RunwayClient, list[httpx.Request]]:
        left, seen = list(answers), []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            given = left.pop(0)
            if isinstance(given, Exception):
                raise given
            return given

        clock: Clock = ManualClock()
        http = httpx.Client(transport=httpx.MockTransport(answer))
        return RunwayClient(RunwayConnection("https://runway.example/", lambda fresh: KEY, clock, http)), seen

    def test_asks_with_the_key_of_the_deployment(self) -> None:
        runway, _ = self.client(httpx.Response(200, json=ANSWER))
        assert runway.organization() == ANSWER

        runway, seen = self.client(httpx.Response(200, json={"results": [], "models": []}))
        assert runway.organization_usage({"startDate": "2026-01-01"}) == {"results": [], "models": []}
        [request] = seen
        assert (request.method, str(request.url)) == ("POST", "https://runway.example/v1/organization/usage")
        assert json.loads(request.content) == {"startDate": "2026-01-01"}
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["x-runway-version"] == "2024-11-06"

    def test_asks_again_what_may_be_asked_again(self) -> None:
        runway, seen = self.client(httpx.ReadTimeout("slow"), httpx.Response(503), httpx.Response(200, json=ANSWER))
        assert runway.organization_usage({}) == ANSWER
        assert len(seen) == 3

    def test_does_not_retry_what_runway_rejects(self) -> None:
        body = {"error": "Validation of body failed", "issues": [{"path": ["startDate"]}]}
        runway, seen = self.client(httpx.Response(400, json=body))
        with pytest.raises(UpstreamRejected, match="Validation") as rejected:
            runway.organization_usage({"startDate": "2020-01-01"})
        assert (rejected.value.issues, len(seen)) == ([{"path": ["startDate"]}], 1)

    def test_an_error_has_runways_status_and_not_the_key(self) -> None:
        runway, _ = self.client(*[httpx.Response(401, json={"error": f"bad key {KEY}"})] * 3)
        with pytest.raises(UpstreamUnavailable) as rejected:
            runway.organization()
        assert rejected.value.status == 401
        assert KEY not in str(rejected.value)

    @pytest.mark.parametrize("content", [b"", b"[]", b"not json", b'"text"'])
    def test_takes_no_nonsense(self, content: bytes) -> None:
        runway, _ = self.client(httpx.Response(200, content=content))
        with pytest.raises(UpstreamUnavailable, match="JSON object"):
            runway.organization()


def test_the_edge_knows_every_kind_of_trouble(world: World, ask: Ask) -> None:
    """No error of Runway becomes an internal error."""
    problems: list[Any] = [UpstreamUnavailable("u"), UpstreamGone("g"), UpstreamRejected("r"), KeyUnavailable("k")]
    for error in problems:
        world.runway.unreadable = [error]
        assert ask(ORGANIZATION)[0] != 500
