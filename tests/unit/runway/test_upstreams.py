"""Whole tasks, step by step, over an upstream that is there: the simulator as Runway, and as the reseller."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from local.simulator.server import RunningSimulator, running_simulator
from tarmac.media.create_upload import create_upload
from tarmac.media.downloads import Downloader
from tarmac.media.inputs import LINK_SECONDS
from tarmac.requests.validation import InvalidRequest
from tarmac.runway.client import RunwayClient
from tarmac.runway.connection import RunwayConnection, new_http
from tarmac.runway.flavors import COMETAPI, RUNWAY, Flavor, NotOffered
from tarmac.tasks.accept import Order, accept
from tarmac.tasks.cancel import cancel
from tarmac.tasks.poll import poll
from tarmac.tasks.responses import accepted_view, invocation_view, task_view
from tarmac.tasks.submit import submit
from tarmac.tasks.task import State, Task
from tests.e2e.media import picture
from tests.fakes import World
from tests.fakes.composed import finish
from tests.fakes.runway import MP4
from tests.fakes.samples import PNG, data_uri, good_body

LARGEST = 10**9
WORKFLOW = "workflows/5b1d7c1e-0f5e-4c55-9a39-5f0c3d1f7a02"
STILL, CLIP, SOUND = (f"7d3f2f7e-6a0b-4d0e-8a57-0f6b6f0d4a0{number}" for number in (1, 2, 3))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def simulator(world: World) -> Iterator[RunningSimulator]:
    """It lives by the world's clock."""
    with running_simulator(clock=world.clock.now) as running:
        yield running


@pytest.fixture
def upstream(world: World, simulator: RunningSimulator) -> Iterator[Callable[..., World]]:
    """The world with an upstream of that flavor."""
    with new_http() as http, closing(Downloader(frozenset({simulator.base_url}))) as downloads:

        def connected(flavor: Flavor = RUNWAY) -> World:
            base_url = simulator.base_url + ("/runwayml" if flavor is COMETAPI else "")
            connection = RunwayConnection(base_url, lambda fresh: "key_test", world.clock, http)
            world.flavor = flavor
            world.runway = RunwayClient(connection, flavor)  # type: ignore[assignment]
            world.downloads = downloads  # type: ignore[assignment]
            return world

        yield connected


def order(operation: str, body: dict[str, Any], **more: Any) -> Order:
    return Order(operation, "acme", body, {"kind": "api"}, **more)


def goes_through(world: World, task: Task) -> Task:
    """The machine's states, with its waits."""
    outcome = submit(task.id, world, 0)
    while outcome.word != "ended":
        world.clock.advance(outcome.wait_seconds)
        outcome = poll(task.id, world, 1) if outcome.word == "running" else submit(task.id, world, 0)
    return finish(task.id, world, LARGEST).task


def bought(simulator: RunningSimulator) -> list[tuple[str, dict[str, Any]]]:
    """(path, body) of every create that was taken."""
    with httpx.Client(base_url=simulator.base_url) as http:
        creates = http.get("/_simulator/ledger").json()["creates"]
        return [(each["path"], http.get(f"/_simulator/tasks/{each['id']}/body").json()) for each in creates]


def link(key: str) -> str:
    return f"https://archive.example/{key}"


def marked(scenario: str) -> dict[str, Any]:
    """Inputs of a workflow's first node, with a directive for the simulator."""
    return {STILL: {"prompt": {"type": "primitive", "value": f"A lamp [[sim: {scenario}]]"}}}


class TestCometApi:
    @pytest.fixture
    def comet(self, upstream: Callable[..., World]) -> World:
        return upstream(COMETAPI)

    def test_gets_the_contracts_name_of_a_model_and_links_to_inputs(
        self, comet: World, simulator: RunningSimulator
    ) -> None:
        """A create may use the marketing name. Inline media and uploads become links that outlive the task."""
        slot = create_upload("actor.mp4", "acme", comet)
        comet.uploads.put(slot.form.fields["key"], MP4 + bytes(64), "video/mp4")
        body: dict[str, Any] = {
            "model": "runwayml-character-performance",
            "character": {"type": "image", "uri": data_uri(PNG)},
            "reference": {"type": "video", "uri": slot.uri},
            "bodyControl": True,
            "expressionIntensity": 3,
            "seed": 4294967295,
            "ratio": "1280:720",
            "contentModeration": {"publicFigureThreshold": "auto"},
        }
        task = accept(order("character_performance", body), comet, 3600).task
        assert goes_through(comet, task).state is State.SUCCEEDED
        [(_, sent)] = bought(simulator)
        links = {
            "character": f"https://uploads.example/inputs/{task.id}/01.png?expires={LINK_SECONDS}",
            "reference": f"https://uploads.example/{slot.form.fields['key']}?expires={LINK_SECONDS}",
        }
        assert sent == body | {"model": "act_two"} | {name: {**body[name], "uri": uri} for name, uri in links.items()}

    @pytest.mark.parametrize("shape", ["envelope", "bare"])
    def test_shows_a_task_late_and_in_either_shape(self, shape: str, comet: World, simulator: RunningSimulator) -> None:
        prompt = f"[[sim: unseen=25, pending=5, seconds=60, shape={shape}]]"
        task = accept(
            order("image_to_video", good_body("image_to_video", "gen4_turbo", promptText=prompt, duration=2)),
            comet,
            3600,
        )
        assert submit(task.task.id, comet, 0).word == "running"
        comet.clock.advance(20)
        assert poll(task.task.id, comet, 1).word == "running"
        assert comet.tasks.get(task.task.id).missing == 1

        ended = goes_through(comet, task.task)
        assert (ended.state, len(ended.outputs), ended.missing) == (State.SUCCEEDED, 1, 0)
        assert json.loads(comet.topic.published[0][0])["type"] == "task.succeeded"

    def test_reports_why_a_task_failed(self, comet: World) -> None:
        body = good_body("image_to_video", "gen4_turbo", promptText="[[sim: fail=SAFETY.INPUT.TEXT]]")
        ended = goes_through(comet, accept(order("image_to_video", body), comet, 3600).task)
        assert (ended.state, ended.failure_code) == (State.FAILED, "SAFETY.INPUT.TEXT")

    def test_cancels_nothing_so_a_cancelled_task_ends_here_alone(
        self, comet: World, simulator: RunningSimulator
    ) -> None:
        body = good_body("image_to_video", "gen4_turbo", promptText="[[sim: seconds=600]]")
        task = accept(order("image_to_video", body), comet, 3600).task
        comet.clock.advance(submit(task.id, comet, 0).wait_seconds)
        cancel(comet.tasks.get(task.id), comet, False)
        assert goes_through(comet, task).state is State.CANCELLED
        assert not any(seen.method == "DELETE" for seen in simulator.simulator.requests)

    @pytest.mark.parametrize("operation", ["recipes/product_ad", "generate/video", "avatar_videos", WORKFLOW])
    def test_is_not_asked_for_what_it_does_not_offer(self, operation: str, comet: World) -> None:
        with pytest.raises(NotOffered, match=f"CometAPI.*{operation}"):
            accept(order(operation, {}), comet, 3600)
        assert comet.table.rows == {}

    def test_does_not_accept_uploads_to_runway(self, comet: World) -> None:
        body = good_body("image_to_video", "gen4_turbo", promptImage="runway://an-upload-to-runway-itself")
        with pytest.raises(InvalidRequest, match="CometAPI") as rejected:
            accept(order("image_to_video", body), comet, 3600)
        assert [issue.path for issue in rejected.value.issues] == [("promptImage",)]


class TestWorkflow:
    @pytest.fixture
    def runway(self, upstream: Callable[..., World]) -> World:
        return upstream()

    def test_is_a_task_with_outputs_archived_by_node(self, runway: World, simulator: RunningSimulator) -> None:
        given = {CLIP: {"frame": {"type": "image", "uri": data_uri(picture("PNG"))}}}
        task = accept(order(WORKFLOW, {"nodeOutputs": given}), runway, 3600).task
        ended = goes_through(runway, task)
        assert ended.upstream_id is not None
        assert ended.upstream_id.startswith("workflow_invocations/")
        [(path, sent)] = bought(simulator)
        assert path == f"/v1/{WORKFLOW}"
        assert sent["nodeOutputs"][CLIP]["frame"]["uri"].startswith("runway://")

        kinds = {output.node: (output.key.rpartition(".")[2], output.content_type) for output in ended.outputs}
        assert kinds == {STILL: ("png", "image/png"), CLIP: ("mp4", "video/mp4"), SOUND: ("mp3", "audio/mpeg")}
        view = invocation_view(ended, link)
        assert view["output"] == {output.node: [link(output.key)] for output in ended.outputs}
        assert (view["status"], view["id"], view["cost"]) == ("SUCCEEDED", task.id, {"credits": 30})
        assert task_view(ended, link)["output"] == [link(output.key) for output in ended.outputs]
        notice = json.loads(runway.topic.published[0][0])
        assert (notice["operation"], notice["model"]) == (WORKFLOW, "workflow")
        assert {output["node"] for output in notice["outputs"]} == {STILL, CLIP, SOUND}

    def test_succeeds_in_spite_of_a_node_that_failed(self, runway: World) -> None:
        body = {"nodeOutputs": marked("node_error=SAFETY.OUTPUT.VIDEO")}
        view = invocation_view(goes_through(runway, accept(order(WORKFLOW, body), runway, 3600).task), link)
        assert view["status"] == "SUCCEEDED"
        assert view["output"].keys() == {STILL, CLIP}
        assert view["nodeErrors"][SOUND]["failureCode"] == "SAFETY.OUTPUT.VIDEO"

    def test_that_failed_is_not_bought_again(self, runway: World, simulator: RunningSimulator) -> None:
        """Its nodes are paid one by one, and some of them have succeeded."""
        body = {"nodeOutputs": marked("fail=INTERNAL, node_error=INTERNAL")}
        ended = goes_through(runway, accept(order(WORKFLOW, body), runway, 3600).task)
        assert (ended.state, ended.failure_code, len(bought(simulator))) == (State.FAILED, "INTERNAL", 1)
        view = invocation_view(ended, link)
        assert (view["failureCode"], view["nodeErrors"].keys()) == ("INTERNAL", {SOUND})
        assert "output" not in view

    def test_that_is_cancelled_runs_on_at_runway(self, runway: World, simulator: RunningSimulator) -> None:
        task = accept(order(WORKFLOW, {"nodeOutputs": marked("seconds=600")}), runway, 3600).task
        runway.clock.advance(submit(task.id, runway, 0).wait_seconds)
        cancel(runway.tasks.get(task.id), runway, False)
        ended = goes_through(runway, task)
        assert invocation_view(ended, link) == {
            "id": task.id,
            "createdAt": task_view(task, link)["createdAt"],
            "status": "CANCELLED",
        }
        assert not any(seen.method == "DELETE" for seen in simulator.simulator.requests)

    def test_that_is_unknown_is_rejected_by_runway(self, runway: World) -> None:
        ended = goes_through(runway, accept(order("workflows/unknown", {}), runway, 3600).task)
        assert (ended.state, ended.failure_code) == (State.FAILED, "TARMAC.REJECTED.404")


class TestRouter:
    def test_its_choice_is_shown_once_runway_has_reported_it(
        self, upstream: Callable[..., World], simulator: RunningSimulator
    ) -> None:
        world = upstream()
        made = world.runway.relay("POST", "/v1/routers", {}, {"slug": "cheap"})
        assert made is not None
        body = {"configId": "cheap", "input": {"promptText": "A lamp", "duration": 5}}
        task = accept(order("generate/video", body), world, 3600).task
        unknown = {"model": None, "provider": None, "resolvedSettings": None, "resolvedInput": None}
        expected = {"configId": "cheap", **unknown, "estimatedCost": {"credits": None}}
        assert accepted_view(task)["routing"] == task_view(task, link)["routing"] == expected

        assert submit(task.id, world, 0).word == "running"
        view = task_view(world.tasks.get(task.id), link)
        assert view["routing"]["configId"] == "cheap"
        assert view["routing"]["model"]
        assert view["estimatedCost"] == view["routing"]["estimatedCost"]
        decisions = world.runway.relay("GET", f"/v1/routers/{made['id']}/requests", {}, None)
        assert decisions is not None
        assert decisions["data"][0]["taskId"]
        assert world.runway.relay("DELETE", f"/v1/routers/{made['id']}", {}, None) is None
