"""Every resource of the official SDK against the simulator, without Tarmac."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import io
import pkgutil
import re
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import av
import httpx
import pytest
import runwayml.resources
from PIL import Image
from runwayml import RunwayML

from local.simulator.contract import OPERATIONS
from local.simulator.contract.legacy import legacy_models
from local.simulator.contract.sdk import variants
from local.simulator.endpoints import RUNWAY
from local.simulator.server import RunningSimulator, running_simulator
from tests.conformance import characters, sessions
from tests.conformance.cases import Case
from tests.conformance.generations import IMAGE, ROUTER, WRITTEN
from tests.conformance.sdks import FORMS, as_arguments, opened, resolve

CASES = characters.CASES.by_name | sessions.CASES.by_name


@pytest.fixture(scope="module")
def instant() -> Iterator[RunningSimulator]:
    """A client of a simulator in which everything finishes at once."""
    with running_simulator(time_scale=0.0, concurrency=1000) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(instant: RunningSimulator) -> Iterator[RunwayML]:
    with RunwayML(api_key="key_sdk", base_url=instant.base_url, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def router(instant: RunningSimulator) -> None:
    """The router that generations name."""
    record = f"{instant.base_url}/_simulator/records/routers/{uuid.uuid4()}"
    httpx.put(record, json={"slug": ROUTER}).raise_for_status()


def test_every_endpoint_of_the_sdk_exists() -> None:
    """Each path in the source of the SDK's resources is routed, with its method."""
    call = re.compile(r'self\._(get|post|patch|delete|get_api_list)\(\s*(?:path_template\(\s*)?"(/v1/[^"]+)"')
    known = {(endpoint.method, re.sub(r"\{\w+\}", "{}", endpoint.path)) for endpoint in RUNWAY}
    wanted = set()
    for module in pkgutil.walk_packages(runwayml.resources.__path__, "runwayml.resources."):
        for verb, path in call.findall(inspect.getsource(importlib.import_module(module.name))):
            method = "GET" if verb == "get_api_list" else verb.upper()
            wanted.add((method, re.sub(r"\{\w+\}", "{}", path)))
    assert len(wanted) > 60
    assert wanted <= known


def test_a_model_of_the_sdk_is_not_described_as_legacy() -> None:
    """A legacy description would hide the SDK's own type."""
    for path, operation in OPERATIONS.items():
        current = [fields["model"].choices for fields in variants(operation.type_name) if "model" in fields]
        assert not set().union(*current) & legacy_models(path).keys()


@pytest.mark.parametrize("name", WRITTEN)
def test_a_generation_makes_real_files(sdk: RunwayML, router: str, name: str) -> None:
    """Created and read with the SDK; every output has the right format and can be opened."""
    task = made(sdk, name)
    assert [httpx.URL(url).path.rpartition(".")[2] for url in task.output] == WRITTEN[name].formats
    if name not in ("avatar_videos",):
        assert task.cost.credits > 0
    for url in task.output:
        answer = httpx.get(url, timeout=30)
        assert answer.status_code == 200
        check_file(answer.headers["content-type"], answer.content)


def made(sdk: RunwayML, name: str) -> Any:
    """The task of a generation, after its end."""
    generation = WRITTEN[name]
    task = sdk.tasks.retrieve(resolve(sdk, generation.method)(**as_arguments(generation.body)).id)
    assert task.status == "SUCCEEDED"
    return task


def check_file(content_type: str, data: bytes) -> None:
    kind, _, subtype = content_type.partition("/")
    if subtype == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            frame = archive.read(archive.namelist()[0])
        with av.open(io.BytesIO(frame), "r", format="exr_pipe" if frame[:4] == b"v/1\1" else "png_pipe") as picture:
            assert next(picture.decode(video=0)).width == 480
    elif subtype == "svg+xml":
        assert data.startswith(b"<svg")
    elif kind == "image":
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert image.format == subtype.upper()
    else:
        with av.open(io.BytesIO(data), "r") as container:
            assert sum(1 for _ in container.decode(container.streams[0])) > 10
            assert container.streams[0].type == kind


def test_every_generation_endpoint_is_tried() -> None:
    assert {path.removeprefix("/v1/") for path in OPERATIONS} <= {each.operation for each in WRITTEN.values()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_a_case_of_conformance_holds_of_the_simulator_too(form: str, case: Case) -> None:
    """With the simulator in place of Tarmac, and an account of its own."""

    async def called_by(base_url: str) -> set[str]:
        async with opened(form, base_url, "key_sdk") as sdk:
            await case.play(sdk, None)  # type: ignore[arg-type]
            return sdk.called

    with running_simulator(time_scale=0.0) as running:
        assert set(case.covers) <= asyncio.run(called_by(running.base_url))


def test_routers_and_generate(sdk: RunwayML) -> None:
    """The cheapest eligible model is chosen, and the decision is listed."""
    router = sdk.routers.create(
        slug="cheap", settings={"optimize_for": "cost", "max_credits_per_generation": {"video": 99}}
    )
    assert (router.name, router.version) == ("cheap", 1)
    video: Any = sdk.generate.video.create(
        config_id="cheap",
        input={"prompt_text": "x", "duration": 4, "reference_images": [{"uri": IMAGE, "role": "first"}]},
    )
    assert video.routing.model == "gen4_turbo"
    assert video.routing.resolved_input.duration == 4
    image: Any = sdk.generate.image.create(
        config_id="cheap", input={"prompt_text": "x", "aspect_ratio": "16:9", "output_count": 2}
    )
    assert image.routing.resolved_input.aspect_ratio == "16:9"
    speech: Any = sdk.generate.audio.create(config_id="cheap", input={"type": "speech", "prompt_text": "hello"})
    assert speech.routing.resolved_input.voice == "default"
    sound: Any = sdk.generate.audio.create(config_id="cheap", input={"type": "audio", "prompt_text": "x", "loop": True})
    assert sound.routing.model == "eleven_text_to_sound_v2"
    outputs = [sdk.tasks.retrieve(each.id) for each in (video, image, speech, sound)]
    assert [len(task.output) for task in outputs if task.status == "SUCCEEDED"] == [1, 2, 1, 1]

    requests = list(sdk.routers.list_requests(router.id, limit=2))
    assert [each.task_id for each in requests] == [sound.id, speech.id, image.id, video.id]
    assert requests[-1].reason_code in ("lowest_cost", "only_eligible_model")
    changed = sdk.routers.update(router.id, name="Cheap", settings={"max_credits_per_generation": {"video": None}})
    assert (changed.name, changed.version, changed.settings.optimize_for) == ("Cheap", 2, "cost")
    assert "cheap" in [each.slug for each in sdk.routers.list(limit=1)]
    assert sdk.routers.retrieve(router.id).settings.schema_version == 1
    sdk.routers.delete(router.id)
    assert "cheap" not in [each.slug for each in sdk.routers.list(limit=10)]


def test_workflows(sdk: RunwayML) -> None:
    versions = sdk.workflows.list().data[0].versions
    assert [each.version for each in versions] == [2, 1]
    workflow = sdk.workflows.retrieve(versions[0].id)
    assert len(workflow.graph.nodes) == 3
    first: Any = workflow.graph.nodes[0]
    values: Any = {
        first["id"]: {"prompt": {"type": "primitive", "value": "x"}, "image": {"type": "image", "uri": IMAGE}}
    }
    run = sdk.workflows.run(workflow.id, node_outputs=values)
    invocation = sdk.workflow_invocations.retrieve(run.id)
    assert invocation.status == "SUCCEEDED"
    kinds = [httpx.get(url, timeout=20).headers["content-type"] for urls in invocation.output.values() for url in urls]
    assert kinds == ["image/png", "video/mp4", "audio/mpeg"]
    assert invocation.cost is not None
    assert invocation.cost.credits == 30


def test_the_organization(sdk: RunwayML) -> None:
    sdk.recipes.product_campaign_image(image={"uri": IMAGE}, prompt="x", version="2026-06")
    assert "product_campaign_image" in sdk.organization.retrieve().usage.models
    assert "product_campaign_image" in sdk.organization.retrieve_usage().models
    now = datetime.now(UTC)
    charges = list(sdk.organization.webapp.list_usage(limit=1, from_=now - timedelta(days=1), to=now))
    assert [charge.type for charge in charges] == ["charge", "charge"]
    events = list(sdk.organization.webapp.audit_logs.list(limit=1))
    assert len(events) == 2
    assert sdk.organization.webapp.audit_logs.retrieve(events[1].event_id).action == "GenerationCreated"


def test_no_two_tasks_share_a_file(sdk: RunwayML) -> None:
    """For every format, with the same body twice."""
    kinds = ("text_to_image", "text_to_image as WebP", "text_to_image, drawn", "sound_effect", "text_to_speech as Ogg")
    for name in kinds:
        files = [httpx.get(made(sdk, name).output[0], timeout=20).content for _ in range(2)]
        assert files[0] != files[1], name
