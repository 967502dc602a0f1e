"""Model routers and workflows: what the SDK's happy path does not reach."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from local.simulator.library import PUBLISHED

IMAGE, VIDEO = "https://example.com/a.png", "https://example.com/a.mp4"


@pytest.fixture
def own(own: httpx.Client) -> httpx.Client:
    """A simulator with a router that allows every model."""
    own.post("/v1/routers", json={"slug": "any"})
    return own


def generate(client: httpx.Client, kind: str, config: str = "any", **wanted: Any) -> httpx.Response:
    return client.post(f"/v1/generate/{kind}", json={"configId": config, "input": wanted})


def test_an_unknown_router(own: httpx.Client) -> None:
    answer = generate(own, "video", "none", promptText="x")
    assert answer.status_code == 404
    assert answer.json()["code"] == "router_config_not_found"


@pytest.mark.parametrize(
    ("settings", "wanted", "emptied_by"),
    [
        ({}, {"promptText": "x", "duration": 31, "referenceVideos": [{"uri": VIDEO, "role": "source"}]}, "capability"),
        ({"models": {"mode": "allowlist_only", "ids": ["gen4_turbo"]}}, {"promptText": "x"}, "allow_deny"),
        ({"maxCreditsPerGeneration": {"video": 1}}, {"promptText": "x"}, "price"),
        (
            {},
            {"referenceImages": [{"uri": IMAGE, "role": "last"}], "keyframes": [{"uri": IMAGE, "at": 1}]},
            "input_support",
        ),
    ],
)
def test_a_router_that_leaves_no_model(
    own: httpx.Client, settings: dict[str, Any], wanted: dict[str, Any], emptied_by: str
) -> None:
    """The response lists the filters that ran and the one that removed the last model."""
    own.post("/v1/routers", json={"slug": "strict", "settings": settings})
    answer = generate(own, "video", "strict", **wanted)
    body = answer.json()
    assert (answer.status_code, body["code"], body["emptiedBy"]) == (400, "no_eligible_model", [emptied_by])
    assert body["pipeline"][-1] == {"type": "filter", "filter": emptied_by, "models": []}
    router = next(each for each in own.get("/v1/routers").json()["data"] if each["slug"] == "strict")
    request = own.get(f"/v1/routers/{router['id']}/requests").json()["data"][0]
    assert (request["status"], request["model"], request["taskId"]) == ("no_eligible_model", None, None)
    assert own.get("/_simulator/ledger").json()["creates"] == []


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"promptText": "x"}, "/v1/text_to_video"),
        ({"promptText": "x", "referenceImages": [{"uri": IMAGE, "role": "reference"}]}, "/v1/text_to_video"),
        ({"promptText": "x", "referenceImages": [{"uri": IMAGE, "role": "first"}]}, "/v1/image_to_video"),
        ({"promptText": "x", "referenceVideos": [{"uri": VIDEO, "role": "source"}]}, "/v1/video_to_video"),
    ],
)
def test_inputs_decide_the_endpoint(own: httpx.Client, wanted: dict[str, Any], path: str) -> None:
    created = generate(own, "video", **wanted)
    assert created.status_code == 200, created.text
    assert own.get("/_simulator/ledger").json()["creates"][0]["path"] == path
    assert created.json()["routing"]["resolvedSettings"] == {"optimizeFor": "cost", "priceCeiling": None}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"slug": "Any"}, ["slug"]),
        ({"slug": "any"}, ["slug"]),
        ({"slug": "x", "settings": {"optimizeFor": "fun"}}, ["settings", "optimizeFor"]),
        (
            {"slug": "x", "settings": {"models": {"mode": "allowlist_only", "ids": ["gen9"]}}},
            ["settings", "models", "ids", 0],
        ),
        ({"slug": "x", "colour": "red"}, []),
    ],
)
def test_bad_routers(own: httpx.Client, body: dict[str, Any], where: list[str]) -> None:
    answer = own.post("/v1/routers", json=body)
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, where)


def test_generations_can_fail_on_create(own: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        generate(own, "image", promptText="[[sim: create=lost]]")
    assert len(own.get("/_simulator/ledger").json()["creates"]) == 1
    assert generate(own, "image", promptText="[[sim: create=429]]").status_code == 429


def test_a_workflow_shows_its_outputs_while_it_runs(own: httpx.Client, clock: list[float]) -> None:
    workflow, values = PUBLISHED[1], {"prompt": {"type": "primitive", "value": "[[sim: pending=5, seconds=40]]"}}
    nodes = [node.id for node in workflow.nodes]
    run = own.post(f"/v1/workflows/{workflow.id}", json={"nodeOutputs": {nodes[0]: values}}).json()

    def read() -> dict[str, Any]:
        answer: dict[str, Any] = own.get(f"/v1/workflow_invocations/{run['id']}").json()
        return answer

    assert set(run) == {"id"}
    assert set(read()) == {"id", "createdAt", "status"}
    clock[0] += 5
    assert (read()["status"], read()["output"], read()["progress"]) == ("RUNNING", {}, 0)
    clock[0] += 10
    assert list(read()["output"]) == nodes[:1]
    clock[0] += 29.9
    running = read()
    assert (running["status"], list(running["output"])) == ("RUNNING", nodes[:2])
    assert httpx.get(running["output"][nodes[1]][0], timeout=20).status_code == 200
    clock[0] += 0.1
    assert (read()["status"], list(read()["output"])) == ("SUCCEEDED", nodes)
    assert "nodeErrors" not in read()
    assert own.get(f"/v1/tasks/{run['id']}").status_code == 404, "a run is not a task"


@pytest.mark.parametrize(
    ("directives", "status", "outputs"), [("node_error=INTERNAL", "SUCCEEDED", 2), ("fail=INTERNAL", "FAILED", 0)]
)
def test_workflows_fail_in_part_or_as_a_whole(
    own: httpx.Client, clock: list[float], directives: str, status: str, outputs: int
) -> None:
    workflow = PUBLISHED[1]
    values = {"prompt": {"type": "primitive", "value": f"[[sim: {directives}]]"}}
    run = own.post(f"/v1/workflows/{workflow.id}", json={"nodeOutputs": {workflow.nodes[0].id: values}}).json()
    clock[0] += 10_000
    answer = own.get(f"/v1/workflow_invocations/{run['id']}").json()
    assert (answer["status"], len(answer.get("output", {}))) == (status, outputs)
    if outputs:
        assert answer["nodeErrors"][workflow.nodes[-1].id]["failureCode"] == "INTERNAL"
    else:
        assert answer["failureCode"] == "INTERNAL"


@pytest.mark.parametrize(
    ("node_outputs", "where"),
    [
        ({"nowhere": {}}, ["nodeOutputs"]),
        (
            {PUBLISHED[0].nodes[0].id: {"image": {"type": "image"}}},
            ["nodeOutputs", PUBLISHED[0].nodes[0].id, "image", "uri"],
        ),
        ({PUBLISHED[0].nodes[0].id: {"x": {"type": "exe"}}}, ["nodeOutputs", PUBLISHED[0].nodes[0].id, "x", "type"]),
    ],
)
def test_bad_runs(http: httpx.Client, node_outputs: dict[str, Any], where: list[str]) -> None:
    answer = http.post(f"/v1/workflows/{PUBLISHED[0].id}", json={"nodeOutputs": node_outputs})
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, where)
    assert http.post("/v1/workflows/none", json={}).status_code == 404
    assert http.get("/v1/workflow_invocations/none").status_code == 404
