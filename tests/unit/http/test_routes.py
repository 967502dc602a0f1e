"""The route table: equal to the events of the template, served by its functions, and light to import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from local.aws import template
from local.paths import ROOT
from tarmac.http.clients import SCOPES
from tarmac.http.handler import Call, route_handler
from tarmac.http.routes import BODIES, CREATE_TASK, ROUTES, body_of, described, routes_of
from tarmac.openapi.components import ANSWERS
from tarmac.openapi.queries import QUERIES

Http = Callable[..., dict[str, Any]]


def test_routes_are_the_events_of_the_template() -> None:
    """The same function, and an authorizer on exactly the routes that have scopes."""
    functions = template.resources(
        template.parse((ROOT / "template.yaml").read_text(encoding="utf-8")), "AWS::Serverless::Function"
    )
    events = [
        (function["CodeUri"].removeprefix("functions/").strip("/"), event["Properties"])
        for _, function in functions
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]
    in_template = [
        (f"{event['Method']} {event['Path']}", function, event.get("Auth", {}).get("Authorizer") != "NONE")
        for function, event in events
    ]
    assert sorted(in_template) == sorted((route.key, route.function, route.scopes != ()) for route in ROUTES)


def test_every_name_of_the_table_is_described() -> None:
    for route in ROUTES:
        assert set(route.scopes) <= set(SCOPES), route.key
        assert route.body in (None, CREATE_TASK) or body_of(route), route.key
        assert route.answer in (None, "OpenApi", "Page") or route.answer in ANSWERS, route.key
        assert route.query is None or route.query in QUERIES, route.key
    assert {route.body for route in ROUTES} - {None, CREATE_TASK} == BODIES.keys()
    assert {route.query for route in ROUTES} - {None} == QUERIES.keys()


def test_a_body_is_a_model_or_parameters() -> None:
    for name in BODIES:
        assert isinstance(described(name), type | dict), name


def test_the_table_imports_no_models() -> None:
    """A function loads the models of its own routes only."""
    script = "import sys, tarmac.http.handler; print(*sorted(sys.modules))"
    path = str(ROOT / "layers/tarmac/python")
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "tarmac.http.routes" in loaded
    features = ("pydantic", "tarmac.openapi", "tarmac.tasks", "tarmac.sessions", "tarmac.characters", "tarmac.runway")
    assert not [name for name in loaded if name.startswith(features)]


def test_a_function_serves_exactly_its_routes() -> None:
    serving: dict[str, Callable[[Call], Any]] = {key: lambda call: {} for key in routes_of("read_account")}
    route_handler("read_account", serving)
    with pytest.raises(ValueError, match="GET /v1/usage"):
        route_handler("read_account", {key: serve for key, serve in serving.items() if key != "GET /v1/usage"})
    with pytest.raises(ValueError, match="GET /v1/tasks"):
        route_handler("read_account", serving | {"GET /v1/tasks": lambda call: {}})


def response_of(call: Http, key: str, serve: Callable[[Call], Any], function: str = "read_account", **more: Any) -> Any:
    """The response of a function with `serve` for all its routes."""
    sent = call(**more) | {"routeKey": key}
    return route_handler(function, dict.fromkeys(routes_of(function), serve))(sent, None)


def test_the_scope_is_checked_before_the_route_is_served(call: Http) -> None:
    seen: list[str] = []
    served = response_of(call, "GET /v1/usage", lambda call: seen.append(call.client), scopes="tasks uploads")
    assert (served["statusCode"], seen) == (403, [])
    served = response_of(call, "GET /v1/usage", lambda call: seen.append(call.client), scopes="account")
    assert (served["statusCode"], seen) == (204, ["acme"])


@pytest.mark.parametrize(
    ("text", "status"), [("", 200), ('{"startDate":"2026-01-31"}', 200), ('{"startDate":"soon"}', 400), ("[]", 400)]
)
def test_a_body_is_checked_by_the_model_of_its_route(text: str, status: int, call: Http) -> None:
    key = "POST /v1/organization/usage"
    assert response_of(call, key, lambda call: call.body, text=text, scopes="account")["statusCode"] == status


def test_an_empty_body_is_invalid_where_the_table_does_not_allow_it(call: Http) -> None:
    key = "POST /v1/uploads"
    served = response_of(call, key, lambda call: call.body, "create_upload", text="", scopes="uploads")
    assert served["statusCode"] == 400
