"""The OpenAPI document: valid, complete, and true to what the functions do."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from typing import Any

import pytest
import runwayml.resources
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tarmac import VERSION
from tarmac.catalogue import operation, operations
from tarmac.http.routes import ROUTES
from tarmac.openapi import describe
from tarmac.openapi.answers import Task
from tarmac.openapi.schemas import of_media
from tarmac.requests.contract import CreateTask, parse_create
from tarmac.requests.media import KINDS, check_media_uri, decode_data_uri, is_inline
from tarmac.requests.validation import InvalidRequest
from tarmac.rows import NoticeState, Output
from tarmac.runway.connection import API_VERSION
from tarmac.sessions.read import _of_row
from tarmac.sessions.requests import parse_create as parse_session
from tarmac.sessions.session import SessionState
from tarmac.tasks.accept import Order, accept
from tarmac.tasks.responses import STATUSES, task_view
from tarmac.tasks.task import State
from tests.fakes import World
from tests.fakes.samples import OFFERED, a_task, good_body, issues_of
from tests.unit.catalogue.catalogue_bodies import for_each_entry, minimal
from tests.unit.characters.character_bodies import BAD_BODIES, BODIES
from tests.unit.sessions.samples import a_session

DOCUMENT = json.loads(json.dumps(describe()))
OPERATIONS = {
    (method, path): call
    for path, item in DOCUMENT["paths"].items()
    for method, call in item.items()
    if method != "parameters"
}


def validator(schema: Any) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": DOCUMENT["components"]})


def body_schema(operation_name: str) -> Any:
    return OPERATIONS["post", f"/v1/{operation_name}"]["requestBody"]["content"]["application/json"]["schema"]


def response_problems(schema_name: str, answer: Any) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{schema_name}"}
    return [error.message for error in validator(schema).iter_errors(answer)]


def test_it_is_valid_openapi() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_it_is_small_enough_for_a_response() -> None:
    """Lambda returns at most 6 MB, and a reader waits for much less."""
    assert len(json.dumps(DOCUMENT, separators=(",", ":"))) < 500_000


def test_it_is_the_same_each_time() -> None:
    assert json.dumps(describe()) == json.dumps(describe())


def test_every_route_is_described() -> None:
    """And every call that is described has a route; a test compares routes with the template."""
    taken = {
        call: [route for route in ROUTES if _matches((route.method.lower(), route.path), call)] for call in OPERATIONS
    }
    assert [call for call, found in taken.items() if not found] == []
    assert {route.key for route in ROUTES} == {route.key for found in taken.values() for route in found}


ELSEWHERE = ("/v1/avatars", "/v1/avatar_", "/v1/documents", "/v1/voices", "/v1/realtime_sessions")
"""Characters and their sessions: described where they are served."""


def test_every_call_of_the_official_sdk_is_described() -> None:
    calls = set()
    for module in pkgutil.walk_packages(runwayml.resources.__path__, "runwayml.resources."):
        source = inspect.getsource(importlib.import_module(module.name))
        for verb, call in re.findall(
            r'self\._(get_api_list|get|post|patch|delete)\(\s*(?:path_template\()?"([^"]+)"', source
        ):
            method = "get" if verb == "get_api_list" else verb
            calls.add((method, re.sub(r"\{\w+\}", "{id}", call)))
    assert ("patch", "/v1/routers/{id}") in calls
    assert ("get", "/v1/organization/webapp/audit_logs") in calls
    described = set(OPERATIONS)
    assert sorted(call for call in calls - described if not call[1].startswith(ELSEWHERE)) == []


def _matches(route: tuple[str, str], call: tuple[str, str]) -> bool:
    """At API Gateway a path parameter is one segment."""
    pattern = re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(route[1]))
    return route[0] == call[0] and re.fullmatch(pattern, call[1]) is not None


def test_only_health_and_documentation_are_public() -> None:
    public = {path for (_, path), call in OPERATIONS.items() if call.get("security") == []}
    assert public == {"/health", "/openapi.json", "/docs"}
    guarded = {path: call["security"] for (_, path), call in OPERATIONS.items() if call.get("security")}
    either: list[dict[str, list[str]]] = [{"clientToken": []}, {"clientKey": []}]
    assert guarded == {
        "/v1/realtime_sessions/{id}/consume": [{"sessionKey": []}],
        "/api/avatar/connect": either,
        "/api/avatar/session": either,
    }


def test_every_call_has_a_name_a_summary_and_a_request_id_in_its_responses() -> None:
    names = [call["operationId"] for call in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    for (_, path), call in OPERATIONS.items():
        assert call["summary"]
        assert call["tags"][0] in [tag["name"] for tag in DOCUMENT["tags"]]
        if path.startswith("/v1/"):
            [good] = [answer for status, answer in call["responses"].items() if status < "300"]
            assert "x-request-id" in good["headers"]
            assert {"401", "403", "429", "500", "503"} <= call["responses"].keys()


def test_every_operation_and_model_of_the_catalogue_is_there() -> None:
    for name in operations():
        titles = [DOCUMENT["components"]["schemas"][_name(one)].get("title") for one in body_schema(name)["anyOf"]]
        known = list(operation(name).models)
        assert titles == (known if operation(name).sole_model else [*known, "another model"])


def _name(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def test_a_legacy_model_is_marked() -> None:
    assert DOCUMENT["components"]["schemas"]["image_to_video.veo3"]["deprecated"] is True
    assert "deprecated" not in DOCUMENT["components"]["schemas"]["image_to_video.gen4_turbo"]


def test_every_create_has_tarmacs_additions() -> None:
    additions = CreateTask.model_fields.keys() - {"model"}
    assert "metadata" in additions
    for name in operations():
        call = OPERATIONS["post", f"/v1/{name}"]
        assert {"$ref": "#/components/parameters/Idempotency-Key"} in call["parameters"]
        for one in body_schema(name)["anyOf"]:
            assert additions <= DOCUMENT["components"]["schemas"][_name(one)]["properties"].keys()


def test_versions_are_those_of_the_code() -> None:
    assert DOCUMENT["info"]["version"] == VERSION
    assert DOCUMENT["components"]["parameters"]["X-Runway-Version"]["schema"]["examples"] == [API_VERSION]


@for_each_entry
def test_what_the_catalogue_takes_the_schema_takes(name: str, model: Any) -> None:
    """The least body that a model takes, and the same without each of the things that it requires."""
    at = operation(name)
    body = minimal(model) | ({} if at.sole_model else {"model": model.name})
    schema = validator(body_schema(name))
    assert [error.message for error in schema.iter_errors(body)] == []
    required = [parameter for parameter, spec in (model.parameters or {}).items() if spec.get("required")]
    for parameter in required:
        lacking = {key: value for key, value in body.items() if key != parameter}
        assert not schema.is_valid(lacking)
        with pytest.raises(InvalidRequest):
            accept(Order(name, "acme", lacking, {"kind": "api"}), World(), 3600)


WRONG: list[dict[str, Any]] = [
    {"promptImage": "http://example.com/a.png"},
    {"promptImage": "https://127.0.0.1/a.png"},
    {"promptImage": "https://localhost/a.png"},
    {"promptImage": "https://user@example.com/a.png"},
    {"promptImage": "a.png"},
    {"promptImage": "data:video/mp4;base64,AAAA"},
    {"promptImage": []},
    {"promptImage": [{"uri": "https://example.com/a.png"}]},
    {"promptImage": [{"uri": "https://example.com/a.png", "position": "middle"}]},
    {"promptText": 7},
    {"promptText": "a" * 1001},
    {"ratio": "1:1"},
    {"duration": 1},
    {"duration": 5.5},
    {"duration": True},
    {"seed": -1},
    {"contentModeration": []},
    {"contentModeration": {"publicFigureThreshold": "high"}},
    {"model": ""},
    {"model": 7},
    {"model": "gen4_aleph"},
    {"metadata": {"a": 1}},
    {"metadata": {"a" * 41: "b"}},
    {"metadata": {"": "b"}},
    {"metadata": None},
    {"metadata": {str(number): "" for number in range(21)}},
    {"webhookUrl": "http://example.com/"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_the_schema_rejects_is_rejected(wrong: dict[str, Any]) -> None:
    body = good_body("image_to_video", "gen4_turbo") | wrong
    assert not validator(body_schema("image_to_video")).is_valid(body)
    with pytest.raises(InvalidRequest):
        accept(Order("image_to_video", "acme", parse_create(body).upstream_body(), {"kind": "api"}), World(), 3600)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_media_as_described_is_taken(kind: str, data: st.DataObject) -> None:
    """All kinds of media except s3:// links, which depend on the operator's buckets."""
    form = data.draw(st.sampled_from([form for form in of_media([kind])["anyOf"] if form["title"] != "s3:// link"]))
    value = data.draw(st.from_regex(re.compile(form["pattern"], re.ASCII), fullmatch=form["pattern"].endswith("$")))
    assume(form.get("minLength", 0) <= len(value) <= form["maxLength"] and not value.endswith("\n"))
    check_media_uri(value, (kind,))
    if is_inline(value):
        assert decode_data_uri(value).content


@pytest.mark.parametrize(("name", "model"), OFFERED)
def test_null_is_not_given(name: str, model: str) -> None:
    body = good_body(name, model)
    optional = {
        parameter: None
        for parameter, spec in (operation(name).model(model).parameters or {}).items()
        if not spec.get("required") and parameter not in body
    }
    assert validator(body_schema(name)).is_valid(body | optional)
    accept(Order(name, "acme", body | optional, {"kind": "api"}), World(), 3600)


@pytest.mark.parametrize("state", State)
def test_tasks_are_shown_as_described(state: State) -> None:
    output = Output("archive", "a/01.mp4", 7, "ab" * 32, "video/mp4")
    task = a_task(state, progress=0.5, outputs=(output,), metadata={"order": "A-17"}, notice_state=NoticeState.NONE)
    view = task_view(task, lambda key: f"https://archive.example/{key}")
    assert response_problems("Task", view) == []
    assert view.keys() <= Task.model_fields.keys()


def test_statuses_are_those_of_the_views() -> None:
    assert DOCUMENT["components"]["schemas"]["Task"]["properties"]["status"]["enum"] == list(STATUSES)


def test_a_date_that_is_described_is_a_date() -> None:
    day = {"$ref": "#/components/schemas/UsageSpan/properties/startDate"}
    assert validator(day).is_valid("2026-01-31")
    assert validator(day).is_valid(None)
    assert DOCUMENT["components"]["schemas"]["CreateUpload"]["properties"]["filename"]["minLength"] == 3


@pytest.mark.parametrize(
    ("name", "fits"),
    [("a.png", True), ("A.PNG", True), ("a.m4v", True), ("a.gif", False), ("png", False), ("a", False)],
)
def test_file_names_are_described_as_they_are_taken(name: str, fits: bool) -> None:
    body = {"filename": name, "type": "ephemeral"}
    assert validator({"$ref": "#/components/schemas/CreateUpload"}).is_valid(body) is fits


@pytest.mark.parametrize(("collection", "changes", "path"), BAD_BODIES, ids=lambda case: str(case)[:60])
def test_bodies_of_characters_are_described_as_they_are_taken(
    collection: str, changes: dict[str, Any], path: list[Any]
) -> None:
    """A schema cannot express whether an upload, a bucket or a voice exists."""
    schema = validator(body_schema(collection))
    assert schema.is_valid(BODIES[collection])
    beyond_the_schema = "runway://" in str(changes) or "s3://" in str(changes) or "missing" in str(changes)
    # A string is not a list, whatever its text.
    assert schema.is_valid(BODIES[collection] | changes) is (
        beyond_the_schema and changes != {"documentIds": "missing"}
    )


def body_problems(path: str, body: Any) -> list[str]:
    schema = OPERATIONS["post", path]["requestBody"]["content"]["application/json"]["schema"]
    return [error.message for error in validator(schema).iter_errors(body)]


@pytest.mark.parametrize(
    ("body", "is_good"),
    [
        ({"model": "gwm1_avatars", "avatar": {"type": "custom", "avatarId": "a"}}, True),
        (
            {"model": "gwm1_avatars", "avatar": {"type": "runway-preset", "presetId": "influencer"}, "maxDuration": 9},
            False,
        ),
        ({"model": "gwm1_avatars", "avatar": {"type": "runway-preset", "presetId": "dog"}}, False),
        ({"avatar": {"type": "custom", "avatarId": "a"}}, False),
    ],
)
def test_the_bodies_of_sessions_are_judged_as_the_function_judges_them(body: Any, is_good: bool) -> None:
    assert (body_problems("/v1/realtime_sessions", body) == []) is is_good
    if is_good:
        assert parse_session(body, 300).max_seconds == 300
    else:
        assert issues_of(parse_session, body, 300)


def test_a_session_is_described_as_it_is_shown() -> None:
    for state in SessionState:
        row = a_session(state, cancel_requested_at=None, metadata={"page": "7"})
        assert response_problems("LiveSession", _of_row(row)) == []
    ready = {"id": "a", "createdAt": "2026-11-20T10:00:00.000Z", "status": "READY", "sessionKey": "k"}
    assert response_problems("LiveSession", ready | {"expiresAt": "2026-11-20T10:01:00.000Z"}) == []
    assert response_problems("LiveSession", ready | {"status": "SLEEPING"}) != []
