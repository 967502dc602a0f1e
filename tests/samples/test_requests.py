"""Every request of the samples on the running stack: accepted, bought in the contract's words, archived."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from runwayml import DefaultHttpxClient, RunwayML, TaskFailedError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import picture
from tests.e2e.requests import prompt
from tests.e2e.simulator import Simulator
from tests.samples.requests import SAMPLES, UPLOAD, Body, Sample

# All are sent before the first is waited for.
pytestmark = pytest.mark.xdist_group("samples")


@pytest.fixture(scope="module")
def caller(deployment: Deployment) -> Iterator[Api]:
    with Api.of_new_client(deployment) as api:
        yield api


@pytest.fixture(scope="module")
def sent(caller: Api) -> dict[tuple[str, str], httpx.Response]:
    """The response to each sample, in either spelling."""
    uri = upload(caller)
    return {
        (sample.name, spelling): send(caller, sample.path, filled(body, uri))
        for sample in SAMPLES
        for spelling, body in (("own", sample.body), ("contract", sample.contract))
    }


def upload(api: Api) -> str:
    """A file sent as the SDKs send it: a slot, then the form without a key."""
    slot = api.http.post("/v1/uploads", json={"filename": "avatar-image.png", "type": "ephemeral"}).json()
    with httpx.Client(trust_env=False, timeout=60) as plain:
        form = {"data": slot["fields"], "files": {"file": ("avatar-image.png", picture("PNG"), "image/png")}}
        assert plain.post(slot["uploadUrl"], **form).is_success
    assert slot["uri"] == slot["runwayUri"]
    return str(slot["runwayUri"])


def filled(body: Body, uri: str) -> dict[str, Any]:
    return {name: uri if value == UPLOAD else value for name, value in body.items()}


def send(api: Api, path: str, body: Body) -> httpx.Response:
    return api.http.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


def polled(api: Api, path: str) -> dict[str, Any]:
    """As the samples poll, at fifty times their pace."""
    for _ in range(600):
        task: dict[str, Any] = api.http.get(path).raise_for_status().json()
        if task["status"] in ("SUCCEEDED", "FAILED"):
            return task
        assert task["status"] in ("PENDING", "THROTTLED", "RUNNING")
        time.sleep(0.1)
    raise AssertionError(f"{path} has not ended")


@pytest.mark.parametrize("spelling", ["own", "contract"])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_works_as_it_stands(
    sample: Sample,
    spelling: str,
    caller: Api,
    sent: dict[tuple[str, str], httpx.Response],
    deployment: Deployment,
    simulator: Simulator,
) -> None:
    answer = sent[sample.name, spelling]
    assert answer.status_code == 200, answer.text
    if sample.credits is not None:
        assert answer.json()["estimatedCost"] == {"credits": sample.credits}
    base, _, _ = sample.path.rpartition("/")

    task = polled(caller, f"{base}/tasks/{answer.json()['id']}")

    assert task["status"] == "SUCCEEDED", task
    row = deployment.announced(task["id"])
    assert row.upstream_id
    bought = json.loads(simulator.body_text(row.upstream_id))
    assert {name for name, value in bought.items() if str(value).startswith("runway://")} == {
        name for name, value in sample.contract.items() if value == UPLOAD
    }
    assert filled(sample.contract, bought.get("promptImage", "")) == bought
    assert [output.key.rpartition(".")[2] for output in row.outputs] == [sample.makes]
    content = httpx.get(task["output"][0], trust_env=False, timeout=30).raise_for_status().content
    assert content == simulator.output(row.upstream_id)


@pytest.mark.parametrize("version", ["2024-11-06", "<x-runway-version>", None])
def test_the_version_header_is_not_needed(caller: Api, version: str | None) -> None:
    """A placeholder in the header is accepted too. The create is invalid, so nothing is made."""
    headers = {"Authorization": f"Bearer {caller.key}"} | ({} if version is None else {"X-Runway-Version": version})
    with httpx.Client(base_url=caller.http.base_url, trust_env=False, timeout=30) as curl:
        answer = curl.post("/v1/character_performance", json={"model": "act_two"}, headers=headers)
    assert [issue["path"] for issue in answer.json()["issues"]] == [["character"], ["reference"]]


def test_a_failed_task_reports_the_reason_that_the_polling_samples_read(caller: Api) -> None:
    body = {**SAMPLES[0].body, "promptText": prompt("seconds=3, fail=SAFETY.INPUT.TEXT")}
    task = polled(caller, f"/v1/tasks/{send(caller, SAMPLES[0].path, body).json()['id']}")
    assert (task["status"], task["failureCode"]) == ("FAILED", "SAFETY.INPUT.TEXT")
    assert task["failure"]


def test_a_route_of_ones_own_server_answers_with_the_video(caller: Api, simulator: Simulator) -> None:
    """As the samples for web frameworks do: an SDK on the server, text or text and image in, the first output out; what
    goes wrong becomes a 500 with the reason.
    """
    http = DefaultHttpxClient(trust_env=False)

    with RunwayML(api_key=caller.key, base_url=str(caller.http.base_url), http_client=http) as runway:

        def generate(wanted: dict[str, Any]) -> str:
            about: dict[str, Any] = {"model": "gen4.5", "ratio": "1280:720", "duration": 5}
            if "imageUrl" in wanted:
                task = runway.image_to_video.create(
                    prompt_text=wanted["prompt"], prompt_image=wanted["imageUrl"], **about
                ).wait_for_task_output()
            else:
                task = runway.text_to_video.create(prompt_text=wanted["prompt"], **about).wait_for_task_output()
            return str((task.output or [])[0])

        async def route(request: Request) -> JSONResponse:
            try:
                return JSONResponse({"videoUrl": await run_in_threadpool(generate, await request.json())})
            except TaskFailedError as error:
                return JSONResponse({"error": str(error)}, 500)

        server = Starlette(routes=[Route("/api/generate-video", route, methods=["POST"])])
        wanted = [
            {"prompt": prompt()},
            {"prompt": prompt(), "imageUrl": "https://media.example.com/landscape.jpg"},
            {"prompt": prompt("seconds=3, fail=ASSET.INVALID")},
        ]

        async def browse() -> list[httpx.Response]:
            """Make all requests at once: the SDK sleeps six seconds before each poll."""
            transport = httpx.ASGITransport(server)
            async with httpx.AsyncClient(transport=transport, base_url="http://server", timeout=60) as browser:
                requests = [browser.post("/api/generate-video", json=body) for body in wanted]
                return list(await asyncio.gather(*requests))

        text, image, failed = asyncio.run(browse())

    for answer, body in ((text, wanted[0]), (image, wanted[1])):
        assert answer.status_code == 200, answer.text
        [bought] = simulator.creates(body["prompt"].split()[5])
        content = httpx.get(answer.json()["videoUrl"], trust_env=False, timeout=30).content
        assert content == simulator.output(bought["id"])
    assert failed.status_code == 500
    assert failed.json()["error"]
