"""Calls that are passed on to Runway: their scopes, the requests, and how Runway's errors are mapped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tarmac.runway.errors import (
    CreateAmbiguous,
    CreateRefused,
    CreateRejected,
    UpstreamGone,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tests.fakes import World
from tests.fakes.samples import event

Ask = Callable[..., tuple[int, Any]]

ROUTES = {
    "GET /v1/workflows": "tasks",
    "GET /v1/workflows/{id}": "tasks",
    "GET /v1/routers": "account",
    "POST /v1/routers": "admin",
    "GET /v1/routers/{id}": "account",
    "PATCH /v1/routers/{id}": "admin",
    "DELETE /v1/routers/{id}": "admin",
    "GET /v1/routers/{id}/requests": "account",
    "GET /v1/organization/webapp/usage": "account",
    "GET /v1/organization/webapp/audit_logs": "admin",
    "GET /v1/organization/webapp/audit_logs/{id}": "admin",
}
ID = "5b1d7c1e-0f5e-4c55-9a39-5f0c3d1f7a02"
BODIES = {"POST": {"slug": "cheap", "settings": {"optimizeFor": "cost"}}, "PATCH": {"name": "Cheap", "future": 1}}


@pytest.fixture
def ask(handler_of: Callable[[str], Callable[..., dict[str, Any]]]) -> Ask:
    """A call by its route: (status, response)."""
    handler = handler_of("ask_runway")

    def asked(
        route: str, body: Any = None, scopes: str = "tasks account admin", id: str = ID, **query: str
    ) -> tuple[int, Any]:
        sent = event("http-get-workflow")
        sent["routeKey"] = route
        sent["pathParameters"] = {"id": id} if "{id}" in route else None
        sent["queryStringParameters"] = query or None
        sent["requestContext"]["authorizer"]["lambda"]["scopes"] = scopes
        if route.partition(" ")[0] in BODIES:
            sent["body"] = body if isinstance(body, str) else json.dumps(body or BODIES[route.partition(" ")[0]])
        answer = handler(sent, None)
        return answer["statusCode"], json.loads(answer["body"]) if "body" in answer else None

    return asked


@pytest.mark.parametrize("route", ROUTES)
def test_a_call_is_passed_on_and_its_response_is_returned(route: str, world: World, ask: Ask) -> None:
    world.runway.answer = {"data": [], "anything": None}
    assert ask(route, limit="7") == (200, world.runway.answer)
    method, _, path = route.partition(" ")
    assert world.runway.relayed == [(method, path.replace("{id}", ID), {"limit": "7"}, BODIES.get(method))]


def test_an_empty_response_is_a_204(world: World, ask: Ask) -> None:
    world.runway.answer = None
    assert ask("DELETE /v1/routers/{id}") == (204, None)


@pytest.mark.parametrize(("route", "scope"), ROUTES.items())
def test_each_takes_its_scope(route: str, scope: str, world: World, ask: Ask) -> None:
    status, answer = ask(route, scopes=" ".join({"uploads", "avatars", "tasks", "account", "admin"} - {scope}))
    assert (status, scope in answer["error"], world.runway.relayed) == (403, True, [])


@pytest.mark.parametrize("id", ["../tasks", "a/b", "a%2Fb", "", " ", "a?b=c", "x" * 81, "ä", "{id}"])
def test_an_invalid_id_is_not_found(id: str, world: World, ask: Ask) -> None:
    for route in ROUTES:
        if "{id}" in route:
            assert ask(route, id=id)[0] == 404
    assert world.runway.relayed == []


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("POST /v1/routers", {"name": "x"}, "slug"),
        ("POST /v1/routers", {"slug": "Upper"}, "slug"),
        ("POST /v1/routers", {"slug": "a", "settings": []}, "settings"),
        ("PATCH /v1/routers/{id}", {"name": ""}, "name"),
        ("PATCH /v1/routers/{id}", "", "empty"),
        ("POST /v1/routers", "[]", "object"),
    ],
)
def test_an_invalid_body_is_rejected_before_runway_is_asked(
    route: str, body: Any, field: str, world: World, ask: Ask
) -> None:
    status, answer = ask(route, body)
    assert (status, field in answer["error"], world.runway.relayed) == (400, True, [])


PROBLEMS: Mapping[str, tuple[Exception, int]] = {
    "a query that Runway rejects": (UpstreamRejected("limit: too big"), 400),
    "a router that Runway rejects": (CreateRejected("slug: taken", status=400, issues=[{"path": ["slug"]}]), 400),
    "a router that is not found": (CreateRejected("Not found", status=404), 404),
    "not now": (CreateRefused("Not now", status=503), 503),
    "too much": (CreateRefused("Too many requests", status=429), 429),
    "a lost response": (CreateAmbiguous("lost"), 502),
    "a wrong key": (UpstreamUnavailable("HTTP 401", status=401), 502),
    "an outage": (UpstreamUnavailable("HTTP 503", status=503), 503),
}


@pytest.mark.parametrize(("error", "status"), PROBLEMS.values(), ids=PROBLEMS)
def test_each_error_of_runway_has_one_status(error: Exception, status: int, world: World, ask: Ask) -> None:
    world.runway.unreadable = [error]
    assert ask("POST /v1/routers")[0] == status


def test_a_missing_item_is_a_404_and_a_missing_collection_a_502(world: World, ask: Ask) -> None:
    world.runway.unreadable = [UpstreamGone("404"), UpstreamGone("404")]
    assert ask("GET /v1/workflows/{id}") == (404, {"error": "Not found"})
    assert ask("GET /v1/workflows")[0] == 502


def test_another_path_is_not_found(ask: Ask) -> None:
    assert ask("GET /v1/secrets")[0] == 404
