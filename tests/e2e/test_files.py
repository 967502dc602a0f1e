"""Outputs that are not one MP4: several at once, images, sounds, and what comes in an archive."""

from __future__ import annotations

from typing import Any

import httpx

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import QUICK, prompt
from tests.e2e.simulator import Simulator

VIDEO = f"https://media.example.com/street.mp4?[[sim:{QUICK}]]"
VOICE = {"type": "runway-preset", "presetId": "Maya"}


def made(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "promptText": prompt()} | more


CREATES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("text_to_image", made("gpt_image_2", ratio="1920:1088", outputCount=3), "png png png"),
    ("text_to_image", made("muse_image", ratio="2016:1152", outputFormat="webp"), "webp"),
    ("text_to_image", made("recraft_v4_1_vector"), "svg"),
    ("sound_effect", made("mirelo_sfx_2_0", duration=2, numVariants=2, format="flac"), "flac flac"),
    ("text_to_speech", made("seed_audio", outputFormat="ogg_opus"), "ogg"),
    ("text_to_speech", made("eleven_multilingual_v2", voice=VOICE), "mp3"),
    ("video_to_hdr", {"model": "ruby", "videoUri": VIDEO, "outputFormat": "hdr_exr_sequence"}, "zip wav"),
    ("text_to_video", made("gen4.5", ratio="1280:720", duration=2, outputFormat="prores"), "mov"),
)
TYPES = {
    "png": "image/png",
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "zip": "application/zip",
    "mov": "video/quicktime",
}


def test_each_output_is_archived_under_the_type_of_its_bytes(
    api: Api, deployment: Deployment, simulator: Simulator
) -> None:
    """The extension and content type follow from the bytes, and every byte is archived. All tasks run at once."""
    ids = [api.create(operation, body) for operation, body, _ in CREATES]
    for task_id, (operation, body, extensions) in zip(ids, CREATES, strict=True):
        task, row = api.ended(task_id), deployment.announced(task_id)
        assert task["status"] == "SUCCEEDED", (operation, body["model"], task)
        assert row.upstream_id
        named = [f"{number:02d}.{extension}" for number, extension in enumerate(extensions.split(), start=1)]
        assert [output.key.rpartition("/")[2] for output in row.outputs] == named
        assert len(task["output"]) == len(named)
        for number, (output, link) in enumerate(zip(row.outputs, task["output"], strict=True)):
            fetched = httpx.get(link, trust_env=False, timeout=30)
            content_type = TYPES[output.key.rpartition(".")[2]]
            assert (output.content_type, fetched.headers["content-type"]) == (content_type, content_type)
            assert fetched.content == simulator.output(row.upstream_id, number)
