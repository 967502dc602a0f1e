"""The S3 inbox with the AWS CLI as client: presets, pairs, audio and large files, request files and batches."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from tarmac.inbox.keys import task_id_of_line
from tarmac.tasks.task import Task
from tests.e2e.aws_cli import AwsCli
from tests.e2e.deployment import Deployment
from tests.e2e.media import film, picture, sound
from tests.e2e.notices import Notice, Notices
from tests.e2e.requests import QUICK, prompt, text_to_video
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually


@pytest.fixture
def aws(deployment: Deployment) -> AwsCli:
    return AwsCli(deployment.info)


@pytest.fixture
def name() -> str:
    """A unique part of a key and name of a preset."""
    return uuid.uuid4().hex


def write(folder: Path, name: str, content: bytes | str | Any) -> Path:
    file = folder / name
    text = content if isinstance(content, (bytes, str)) else json.dumps(content)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def tasks_of(deployment: Deployment, *keys: str) -> list[Task]:
    return [row for row in deployment.rows_of("s3") if row.source.get("key") in keys]


def notice_of(notices: Notices, key: str, kind: str) -> Notice:
    def wanted(notice: Notice) -> bool:
        return bool(notice.body["source"].get("key") == key and notice.body["type"] == kind)

    return notices.matching(wanted, f"{kind} of {key}")[0]


def body(simulator: Simulator, task: Task) -> dict[str, Any]:
    assert task.upstream_id
    sent: dict[str, Any] = json.loads(simulator.body_text(task.upstream_id))
    return sent


def tags(aws: AwsCli, key: str) -> dict[str, str]:
    said = json.loads(aws.run("s3api", "get-object-tagging", "--bucket", aws.info.upload_bucket, "--key", key))
    return {tag["Key"]: tag["Value"] for tag in said["TagSet"]}


def test_a_preset_completes_the_objects_of_its_folder_and_source_and_output_name_each_other(
    aws: AwsCli, deployment: Deployment, simulator: Simulator, notices: Notices, name: str, tmp_path: Path
) -> None:
    """A valid preset publishes no notice; objects in its folder use it, and metadata overrides it.

    The object's tag, the task, its notice and the output's metadata name each other.
    """
    wanted = prompt(text="Warmes Licht über dem Hafen")
    template = {
        "operation": "image_to_video",
        "request": {"model": "gen4_turbo", "promptText": wanted, "ratio": "960:960", "duration": 5},
        "metadata": {"look": "warm"},
    }
    aws.cp(write(tmp_path, "preset.json", template), f"presets/{name}.json")
    key = f"inbox/{name}/Hafen/Café + Boot (1).PNG"
    aws.cp(write(tmp_path, "a.PNG", picture("PNG")), key, {"duration": "2", "metadata_shot": "7"})

    task = deployment.announced(deployment.task_of_object(key).id)

    assert task.state == "SUCCEEDED", task.failure
    sent = body(simulator, task)
    assert sent.pop("promptImage").startswith("runway://")
    assert sent == {"model": "gen4_turbo", "promptText": wanted, "ratio": "960:960", "duration": 2}
    (notice,) = notices.of(task.id)
    assert notice.body["metadata"] == {"look": "warm", "shot": "7"}
    assert notice.body["source"] == task.source
    assert tags(aws, key) == {"tarmac-task": task.id}
    output = notice.body["outputs"][0]
    head = deployment.clients.s3.head_object(Bucket=output["bucket"], Key=output["key"])
    assert head["Metadata"]["tarmac-source"] == f"s3://{deployment.info.upload_bucket}/{quote(key)}"
    assert not [each for each in notices.received() if each.body["source"].get("key") == f"presets/{name}.json"]


def test_an_invalid_preset_is_rejected_and_so_are_the_objects_of_its_folder(
    aws: AwsCli, deployment: Deployment, notices: Notices, name: str, tmp_path: Path
) -> None:
    template = {"operation": "image_to_video", "request": {"model": "gen4_turbo", "ratio": "16:9"}}
    aws.cp(write(tmp_path, "preset.json", template), f"presets/{name}.json")
    aws.cp(write(tmp_path, "a.png", picture("PNG")), f"inbox/{name}/a.png")

    bad = notice_of(notices, f"presets/{name}.json", "upload.rejected")
    assert "ratio: Expected one of" in bad.body["failure"]
    unused = notice_of(notices, f"inbox/{name}/a.png", "upload.rejected")
    assert f"The preset presets/{name}.json is invalid." in unused.body["failure"]
    report = aws.run("s3", "cp", f"s3://{aws.info.upload_bucket}/failed/inbox/{name}/a.png.json", "-")
    assert json.loads(report)["reason"] == unused.body["failure"]
    assert tasks_of(deployment, f"inbox/{name}/a.png") == []


def test_two_files_with_one_name_are_a_pair_and_a_new_half_starts_another_task(
    aws: AwsCli, deployment: Deployment, simulator: Simulator, name: str, tmp_path: Path
) -> None:
    """Here, the video arrives first; unit tests cover all orders."""
    character, reference = f"inbox/{name}/take 1.character.png", f"inbox/{name}/take 1.reference.MP4"
    said = {"ratio": "1280:720"}
    aws.cp(write(tmp_path, "r.MP4", film()), reference, said)
    aws.cp(write(tmp_path, "c.png", picture("PNG")), character, said)

    def tasks(count: int) -> list[Task]:
        found = eventually(
            lambda: tasks_of(deployment, character), lambda rows: len(rows) >= count, f"{count} task(s) of {character}"
        )
        return [deployment.announced(row.id) for row in found]

    (task,) = tasks(1)
    assert (task.state, task.operation) == ("SUCCEEDED", "character_performance"), task.failure
    assert task.source["reference"] == reference
    sent = body(simulator, task)
    assert (sent["character"]["type"], sent["reference"]["type"]) == ("image", "video")
    assert tags(aws, reference) == tags(aws, character) == {"tarmac-task": task.id}

    aws.cp(write(tmp_path, "c2.png", picture("PNG")), character, said)
    assert {row.state for row in tasks(2)} == {"SUCCEEDED"}
    assert len(tasks_of(deployment, character, reference)) == 2


def test_audio_and_a_multipart_upload(
    aws: AwsCli, deployment: Deployment, simulator: Simulator, name: str, tmp_path: Path
) -> None:
    """Audio uses its preset. An image that the CLI uploads in parts is one object and one task."""
    aws.cp(write(tmp_path, "preset.json", {"operation": "voice_isolation"}), f"presets/{name}.json")
    heard, seen = f"inbox/{name}/Voice.WAV", f"inbox/{name}-large.jpg"
    aws.cp(write(tmp_path, "Voice.WAV", sound()), heard)
    large = io.BytesIO()
    Image.effect_noise((3000, 3000), 90).convert("RGB").save(large, "JPEG", quality=97)
    assert len(large.getvalue()) > 8 * 1024 * 1024
    aws.cp(write(tmp_path, "large.jpg", large.getvalue()), seen, {"duration": "2", "prompt_text": prompt()})
    head = deployment.clients.s3.head_object(Bucket=deployment.info.upload_bucket, Key=seen)
    assert "-" in head["ETag"], "uploaded in parts"

    for key, operation in ((heard, "voice_isolation"), (seen, "image_to_video")):
        task = deployment.announced(deployment.task_of_object(key).id)
        assert (task.state, task.operation) == ("SUCCEEDED", operation), task.failure
        assert len(tasks_of(deployment, key)) == 1


def test_a_request_file_becomes_a_task(
    aws: AwsCli, deployment: Deployment, simulator: Simulator, notices: Notices, name: str, tmp_path: Path
) -> None:
    good, bad = f"inbox/{name}/one.json", f"inbox/{name}/bad.json"
    request = text_to_video()
    aws.cp(write(tmp_path, "one.json", {"operation": "text_to_video", "request": request}), good)
    aws.cp(write(tmp_path, "bad.json", {"operation": "text_to_video", "request": request | {"ratio": "1:9"}}), bad)

    rejected = notice_of(notices, bad, "upload.rejected")
    assert "ratio: Expected one of" in rejected.body["failure"]
    report = json.loads(aws.run("s3", "cp", f"s3://{aws.info.upload_bucket}/failed/{bad}.json", "-"))
    assert report["issues"][0]["path"] == ["ratio"]
    task = deployment.announced(deployment.task_of_object(good).id)
    assert (task.state, body(simulator, task)) == ("SUCCEEDED", request)


def test_a_table_is_a_batch_with_a_report_and_the_same_table_starts_nothing(
    aws: AwsCli, deployment: Deployment, simulator: Simulator, notices: Notices, name: str, tmp_path: Path
) -> None:
    """Of four lines, two succeed, one fails at Runway and one is rejected. The preset supplies the other fields."""
    template: dict[str, Any] = {
        "operation": "text_to_video",
        "request": {"model": "veo3.1_fast", "ratio": "1280:720"},
    }
    aws.cp(write(tmp_path, "preset.json", template), f"presets/{name}.json")
    prompts = [prompt(), prompt(f"{QUICK}, fail=SAFETY.INPUT.TEXT"), prompt(), prompt()]
    rows = [f'"{text}",{duration},{n}' for n, (text, duration) in enumerate(zip(prompts, [4, 6, 8, 99], strict=True))]
    file = write(tmp_path, "b.csv", "\r\n".join(["promptText,duration,metadata.shot", *rows, ""]))
    key = f"inbox/{name}/Batch 1.csv"
    aws.cp(file, key)

    ended = notice_of(notices, key, "batch.ended").body

    counts = {word: ended["batch"][word] for word in ("lines", "accepted", "rejected", "succeeded", "failed")}
    assert counts == {"lines": 4, "accepted": 3, "rejected": 1, "succeeded": 2, "failed": 1}
    at = ended["batch"]["report"]
    report = json.loads(aws.run("s3", "cp", f"s3://{at['bucket']}/{at['key']}", "-"))
    results = {result["line"]: result for result in report["results"]}
    states = [results[line]["status"] for line in (2, 3, 4, 5)]
    assert states == ["SUCCEEDED", "FAILED", "SUCCEEDED", "REJECTED"]
    assert results[3]["failureCode"] == "SAFETY.INPUT.TEXT"
    assert "duration" in results[5]["reason"]
    first = deployment.row(task_id_of_line(ended["batch"]["id"], 2))
    assert body(simulator, first) == {
        "model": "veo3.1_fast",
        "promptText": prompts[0],
        "ratio": "1280:720",
        "duration": 4,
    }
    assert results[2]["outputs"] == [first.outputs[0].key]
    head = deployment.clients.s3.head_object(Bucket=first.outputs[0].bucket, Key=first.outputs[0].key)
    assert (head["Metadata"]["tarmac-batch"], head["Metadata"]["tarmac-line"]) == (ended["batch"]["id"], "2")
    (notice,) = notices.of(first.id)
    assert (notice.body["source"]["kind"], notice.body["source"]["line"]) == ("batch", 2)
    assert notice_of(notices, key, "batch.accepted").body["batch"]["accepted"] == 3

    before = creates(simulator, prompts)
    again = f"inbox/{name}/again.csv"
    aws.cp(file, again)
    repeated = notice_of(notices, again, "batch.repeated").body
    assert repeated["batch"]["id"] == ended["batch"]["id"]
    assert creates(simulator, prompts) == before
    assert len(tasks_of(deployment, key, again)) == 3


def creates(simulator: Simulator, prompts: Iterable[str]) -> int:
    return sum(len(simulator.creates(text.split()[5])) for text in prompts)
