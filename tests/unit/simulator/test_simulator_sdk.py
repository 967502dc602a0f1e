"""The official SDK pointed straight at the simulator: every resource that it has."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints

import av
import httpx
import pytest
import runwayml.resources
from PIL import Image
from runwayml import RunwayML, types

from local.simulator.contract import OPERATIONS
from local.simulator.endpoints import RUNWAY
from local.simulator.server import RunningSimulator, running_simulator

IMAGE, VIDEO, AUDIO = (f"https://example.com/a.{extension}" for extension in ("png", "mp4", "mp3"))
PRESET: Any = {"type": "runway-preset", "preset_id": "Maya"}
CAT: Any = {"type": "runway-preset", "preset_id": "cat-character"}
Made = Callable[[RunwayML], Any]

# Each create, and the formats of its outputs.
GENERATIONS: dict[str, tuple[Made, list[str]]] = {
    "text_to_video": (
        lambda sdk: sdk.text_to_video.create(model="gen4.5", prompt_text="a lamp", ratio="1280:720", duration=2),
        ["mp4"],
    ),
    "text_to_video as a sequence": (
        lambda sdk: sdk.text_to_video.create(
            model="gen4.5", prompt_text="a lamp", ratio="1280:720", duration=2, output_format="hdr_exr_sequence"
        ),
        ["zip", "wav"],
    ),
    "image_to_video": (
        lambda sdk: sdk.image_to_video.create(
            model="veo3.1",
            prompt_image=[{"uri": IMAGE, "position": "first"}, {"uri": IMAGE, "position": "last"}],
            ratio="1280:720",
            duration=4,
        ),
        ["mp4"],
    ),
    "video_to_video": (
        lambda sdk: sdk.video_to_video.create(
            model="aleph2", video_uri=VIDEO, prompt_text="winter", output_format="png_sequence"
        ),
        ["zip", "wav"],
    ),
    "video_to_video of another vendor": (
        lambda sdk: sdk.video_to_video.create(
            model="seedance2_5", prompt_video=VIDEO, output_format="mov", duration=4, ratio="854:480"
        ),
        ["mov"],
    ),
    "character_performance": (
        lambda sdk: sdk.character_performance.create(
            model="act_two", character={"type": "image", "uri": IMAGE}, reference={"type": "video", "uri": VIDEO}
        ),
        ["mp4"],
    ),
    "text_to_image": (
        lambda sdk: sdk.text_to_image.create(
            model="gen4_image", prompt_text="@Ref", ratio="1920:1080", reference_images=[{"uri": IMAGE, "tag": "Ref"}]
        ),
        ["png"],
    ),
    "text_to_image, several": (
        lambda sdk: sdk.text_to_image.create(
            model="seedream5_pro", prompt_text="x", ratio="1024:1024", output_count=3, output_format="jpeg"
        ),
        ["jpg"] * 3,
    ),
    "text_to_image, webp": (
        lambda sdk: sdk.text_to_image.create(
            model="recraft_v4_1_flash", prompt_text="x", ratio="768:1344", output_format="webp"
        ),
        ["webp"],
    ),
    "text_to_image, drawn": (
        lambda sdk: sdk.text_to_image.create(model="recraft_v4_1_vector", prompt_text="x", ratio="1024:1024"),
        ["svg"],
    ),
    "image_upscale": (
        lambda sdk: sdk.image_upscale.create(model="magnific_precision_upscaler_v2", image_uri=IMAGE, scale_factor=2),
        ["png"],
    ),
    "video_upscale": (
        lambda sdk: sdk.video_upscale.create(
            model="magnific_video_upscaler_creative", video_uri=VIDEO, resolution="720p"
        ),
        ["mp4"],
    ),
    "video_to_hdr": (lambda sdk: sdk.video_to_hdr.create(model="ruby", video_uri=VIDEO), ["mp4"]),
    "video_to_audio": (
        lambda sdk: sdk.video_to_audio.create(model="mirelo_sfx_2_0", video_uri=VIDEO, duration=5),
        ["mp3"],
    ),
    "sound_effect": (
        lambda sdk: sdk.sound_effect.create(model="eleven_text_to_sound_v2", prompt_text="thunder", duration=2.5),
        ["mp3"],
    ),
    "sound_effect, several": (
        lambda sdk: sdk.sound_effect.create(
            model="mirelo_sfx_2_0", prompt_text="thunder", duration=2, format="flac", num_variants=2
        ),
        ["flac"] * 2,
    ),
    "text_to_speech": (
        lambda sdk: sdk.text_to_speech.create(model="eleven_multilingual_v2", prompt_text="hello", voice=PRESET),
        ["mp3"],
    ),
    "text_to_speech, ogg": (
        lambda sdk: sdk.text_to_speech.create(model="seed_audio", prompt_text="hello", output_format="ogg_opus"),
        ["ogg"],
    ),
    "speech_to_speech": (
        lambda sdk: sdk.speech_to_speech.create(
            model="eleven_multilingual_sts_v2", media={"type": "audio", "uri": AUDIO}, voice=PRESET
        ),
        ["mp3"],
    ),
    "voice_dubbing": (
        lambda sdk: sdk.voice_dubbing.create(model="eleven_voice_dubbing", audio_uri=AUDIO, target_lang="es"),
        ["mp3"],
    ),
    "voice_isolation": (
        lambda sdk: sdk.voice_isolation.create(model="eleven_voice_isolation", audio_uri=AUDIO),
        ["mp3"],
    ),
    "avatar_videos": (
        lambda sdk: sdk.avatar_videos.create(
            model="gwm1_avatars",
            avatar=CAT,
            speech={"type": "text", "text": "hello", "voice": {"type": "preset", "preset_id": "clara"}},
        ),
        ["mp4"],
    ),
    "ad_localization": (
        lambda sdk: sdk.recipes.ad_localization(
            reference_image={"uri": IMAGE}, target_language="de", version="2026-06"
        ),
        ["png"],
    ),
    "marketing_stock_image": (
        lambda sdk: sdk.recipes.marketing_stock_image(prompt="a lamp", version="2026-06"),
        ["png"] * 4,
    ),
    "multi_shot_video": (
        lambda sdk: sdk.recipes.multi_shot_video(mode="auto", prompt="story", version="2026-06", duration=5),
        ["mp4"],
    ),
    "multi_shot_video, custom": (
        lambda sdk: sdk.recipes.multi_shot_video(
            mode="custom", shots=[{"prompt": "one", "duration": 1}] * 5, version="2026-06", duration=5
        ),
        ["mp4"],
    ),
    "product_ad": (
        lambda sdk: sdk.recipes.product_ad(product_images=[{"uri": IMAGE}], version="2026-07", duration=4),
        ["mp4"],
    ),
    "product_campaign_image": (
        lambda sdk: sdk.recipes.product_campaign_image(image={"uri": IMAGE}, prompt="x", version="2026-06"),
        ["png"],
    ),
    "product_swap": (
        lambda sdk: sdk.recipes.product_swap(
            new_product_images=[{"uri": IMAGE}],
            original_product_image={"uri": IMAGE},
            reference_video={"uri": VIDEO},
            version="2026-06",
            duration=4,
        ),
        ["mp4"],
    ),
    "product_ugc": (
        lambda sdk: sdk.recipes.product_ugc(
            character_image={"uri": IMAGE}, product_image={"uri": IMAGE}, version="2026-06", duration=4
        ),
        ["mp4"],
    ),
}


@pytest.fixture(scope="module")
def instant() -> Iterator[RunningSimulator]:
    """Everything is finished as soon as it has begun."""
    with running_simulator(time_scale=0.0, concurrency=1000) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(instant: RunningSimulator) -> Iterator[RunwayML]:
    with RunwayML(api_key="key_sdk", base_url=instant.base_url, max_retries=0) as client:
        yield client


def test_every_endpoint_of_the_sdk_is_there() -> None:
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


# What Runway has taken out of its SDK, and still takes.
LEGACY = {"veo3", "gen3a_turbo", "gen4_aleph", "upscale_v1"}


@pytest.mark.parametrize("path", [path for path, each in OPERATIONS.items() if each.chosen_by == "model"])
def test_the_models_are_those_of_the_sdk(path: str) -> None:
    """Adding a model there turns this red."""
    name = path.removeprefix("/v1/")
    params = importlib.import_module(f"runwayml.types.{name.replace('videos', 'video')}_create_params")
    literals = {
        model
        for _, variant in inspect.getmembers(params, inspect.isclass)
        if "model" in getattr(variant, "__annotations__", {})
        for model in _literals(get_type_hints(variant)["model"])
    }
    assert set(OPERATIONS[path].models) - LEGACY == literals


def _literals(annotation: Any) -> set[str]:
    if isinstance(annotation, str):
        return {annotation}
    return {found for each in get_args(annotation) for found in _literals(each)}


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_generation_makes_real_files(sdk: RunwayML, name: str) -> None:
    """Created and read in the SDK's words; every output is of the right kind and can be opened."""
    make, extensions = GENERATIONS[name]
    task = sdk.tasks.retrieve(make(sdk).id)
    assert task.status == "SUCCEEDED"
    assert [httpx.URL(url).path.rpartition(".")[2] for url in task.output] == extensions
    if name not in ("avatar_videos",):
        assert task.cost.credits > 0
    for url in task.output:
        answer = httpx.get(url, timeout=30)
        assert answer.status_code == 200
        check_file(answer.headers["content-type"], answer.content)


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
    tried = {name.partition(",")[0].partition(" ")[0] for name in GENERATIONS}
    assert {path.rpartition("/")[2] for path in OPERATIONS} == tried


def test_avatars_documents_and_voices(sdk: RunwayML) -> None:
    """Made, read, listed in pages, changed and deleted."""
    documents = [sdk.documents.create(name=f"FAQ {number}", content="# hi").id for number in range(3)]
    sdk.documents.update(documents[0], name="Answers")
    assert sdk.documents.retrieve(documents[0]).name == "Answers"
    voice = sdk.voices.create(
        name="warm", from_={"type": "text", "model": "eleven_ttv_v3", "prompt": "a warm steady narrator voice"}
    )
    avatar = sdk.avatars.create(
        name="Nova",
        personality="kind",
        reference_image=IMAGE,
        voice={"type": "custom", "id": voice.id},
        document_ids=documents[:2],
        start_script="Hi",
    )
    assert avatar.status == "READY"
    assert isinstance(avatar.voice, types.avatar_create_response.ReadyVoiceCustom)
    assert (avatar.voice.name, avatar.voice.deleted) == ("warm", False)
    changed = sdk.avatars.update(avatar.id, start_script=None, document_ids=documents[1:])
    assert (changed.start_script, changed.document_ids) == (None, documents[1:])
    listed = list(sdk.documents.list(limit=2, order="asc", sort="createdAt"))
    assert [each.id for each in listed] == documents
    assert [user.id for user in listed[1].used_by] == [avatar.id]
    assert [each.id for each in sdk.avatars.list(limit=50)] == [avatar.id]

    assert sdk.voices.update(voice.id, description="deep").description == "deep"
    sample = sdk.voices.retrieve(voice.id)
    assert isinstance(sample, types.voice_retrieve_response.Ready)
    assert httpx.get(sample.preview_url or "").headers["content-type"] == "audio/mpeg"
    assert [each.id for each in sdk.voices.list(limit=1)] == [voice.id]
    preview = sdk.voices.preview(model="eleven_ttv_v3", prompt="a warm steady narrator voice")
    assert httpx.get(preview.url).status_code == 200
    assert httpx.get(avatar.reference_image_uri or "").headers["content-type"] == "image/png"

    sdk.voices.delete(voice.id)
    orphan = sdk.avatars.retrieve(avatar.id).voice
    assert isinstance(orphan, types.avatar_retrieve_response.ReadyVoiceCustom)
    assert (orphan.deleted, orphan.name) == (True, None)
    sdk.avatars.delete(avatar.id)
    sdk.documents.delete(documents[0])
    assert [each.id for each in sdk.avatars.list(limit=50)] == []


def test_sessions_and_conversations(sdk: RunwayML, instant: RunningSimulator) -> None:
    created = sdk.realtime_sessions.create(
        model="gwm1_avatars",
        avatar=CAT,
        max_duration=120,
        tools=[{"type": "client_event", "name": "show", "description": "Show it"}],
    )
    ready = sdk.realtime_sessions.retrieve(created.id)
    assert ready.status == "READY"
    claimed = httpx.post(
        f"{instant.base_url}/v1/realtime_sessions/{created.id}/consume",
        headers={"Authorization": f"Bearer {ready.session_key}"},
    )
    assert set(claimed.json()) == {"url", "token", "roomName"}
    done = sdk.realtime_sessions.retrieve(created.id)
    assert done.status == "COMPLETED"
    assert done.duration == 120

    assert [each.id for each in sdk.avatar_conversations.list(limit=20)] == [created.id]
    conversation = sdk.avatar_conversations.retrieve(created.id)
    assert conversation.status == "ended"
    assert [entry.role for entry in conversation.transcript] == ["assistant", "user", "assistant", "assistant"]
    assert conversation.transcript[2].tool_calls is not None
    assert conversation.transcript[2].tool_calls[0].name == conversation.tools[0].name == "show"
    assert httpx.get(conversation.recording_url or "").headers["content-type"] == "video/mp4"
    now = datetime.now(UTC)
    usage = sdk.avatars.get_usage(start_date=now - timedelta(days=2), end_date=now + timedelta(hours=1))
    assert (usage.total_sessions, usage.total_seconds, usage.avg_duration_seconds) == (1, 120, 120)
    assert sum(day.sessions for day in usage.by_day) == 1
    assert len(usage.by_day) in (3, 4)
    sdk.avatar_conversations.delete(created.id)
    assert list(sdk.avatar_conversations.list(limit=20)) == []

    cancelled = sdk.realtime_sessions.create(model="gwm1_avatars", avatar=CAT)
    sdk.realtime_sessions.delete(cancelled.id)
    assert sdk.realtime_sessions.retrieve(cancelled.id).status == "CANCELLED"


def test_routers_and_generate(sdk: RunwayML) -> None:
    """The cheapest model that can do it does it; what was decided is on record."""
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
    assert [each.slug for each in sdk.routers.list(limit=10)] == ["cheap"]
    assert sdk.routers.retrieve(router.id).settings.schema_version == 1
    sdk.routers.delete(router.id)
    assert list(sdk.routers.list(limit=10)) == []


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
    kinds = [httpx.get(url).headers["content-type"] for urls in invocation.output.values() for url in urls]
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
    """Of whatever kind, with the same body twice."""
    for name in ("text_to_image", "text_to_image, webp", "text_to_image, drawn", "sound_effect", "text_to_speech, ogg"):
        files = []
        for _ in range(2):
            task = sdk.tasks.retrieve(GENERATIONS[name][0](sdk).id)
            assert task.status == "SUCCEEDED"
            files.append(httpx.get(task.output[0]).content)
        assert files[0] != files[1], name
