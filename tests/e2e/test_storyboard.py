"""The example examples/storyboard beside the stack: films of several shots, each beginning where the last ended."""

from __future__ import annotations

import io
import itertools
import json
import uuid
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from local.storyboard import Studio, deploy_storyboard
from tests.e2e.aws_cli import AwsCli
from tests.e2e.deployment import Deployment
from tests.e2e.notices import Notices
from tests.e2e.requests import QUICK, mark_of, prompt
from tests.e2e.shared import INPUT_BUCKET
from tests.e2e.simulator import Simulator

SHARED = {"model": "gen4.5", "ratio": "1280:720", "duration": 2}


@pytest.fixture(scope="module")
def studio(deployment: Deployment) -> Studio:
    return deploy_storyboard(deployment.info, INPUT_BUCKET)


@pytest.fixture
def film() -> str:
    return f"film-{uuid.uuid4().hex[:8]}"


def pictures(content: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(content)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Average difference of two pictures, from 0 (equal) to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean) / 3


def made(deployment: Deployment, studio: Studio, name: str) -> Any:
    content = deployment.clients.s3.get_object(Bucket=studio.film_bucket, Key=f"films/{name}")["Body"].read()
    return json.loads(content) if name.endswith(".json") else content


def test_a_film_of_three_shots_continues_from_frame_to_frame(
    deployment: Deployment, simulator: Simulator, notices: Notices, studio: Studio, film: str
) -> None:
    """Started with the AWS CLI. Each shot begins with the last frame of the shot before, and the film has all frames of
    all shots, in order and unchanged."""
    aws = AwsCli(deployment.info)
    shots = [{"promptText": prompt(text=text)} for text in ("A lighthouse", "Up its wall", "The lamp")]
    board = json.dumps({"request": SHARED, "shots": shots})
    machine = ("--state-machine-arn", studio.film_machine_arn)
    aws.run("stepfunctions", "start-execution", *machine, "--name", film, "--input", board)

    execution = deployment.execution(film, studio.film_machine_arn)

    assert execution["status"] == "SUCCEEDED", execution
    summary = json.loads(execution["output"])
    assert (summary["status"], summary["shots"], summary["credits"]) == ("SUCCEEDED", 3, 72)
    manifest = made(deployment, studio, f"{film}/manifest.json")
    assert [shot["taskId"] for shot in manifest["shots"]] == [f"{film}-{number:02}" for number in (1, 2, 3)]
    for shot, body in zip(manifest["shots"], shots, strict=True):
        row = deployment.announced(shot["taskId"])
        assert row.operation == ("text_to_video" if shot["shot"] == 1 else "image_to_video")
        assert row.metadata == {"film": film, "shot": str(shot["shot"])}
        assert len(simulator.creates(mark_of(body))) == 1

    videos = [pictures(deployment.archived_bytes(shot["video"]["key"])) for shot in manifest["shots"]]
    for before, after in itertools.pairwise(videos):
        assert difference(before[-1], after[0]) * 3 < difference(before[0], after[0])
    joined = pictures(made(deployment, studio, f"{film}/film.mp4"))
    assert len(joined) == sum(map(len, videos)) == manifest["joined"]["frames"]
    assert manifest["joined"]["copied"]
    for mine, theirs in zip(joined, (picture for video in videos for picture in video), strict=True):
        assert mine.tobytes() == theirs.tobytes()

    (notice,) = notices.matching(lambda notice: notice.body.get("film") == film, f"the film {film}")
    assert notice.attributes["type"] == notice.body["type"] == "film.succeeded"
    assert notice.body["joined"]["key"] == f"films/{film}/film.mp4"
    assert not [body for body in shots if mark_of(body) in notice.raw]


def test_a_failed_shot_fails_the_film_and_earlier_shots_stay_archived(
    deployment: Deployment, simulator: Simulator, notices: Notices, studio: Studio, film: str
) -> None:
    """The execution fails with the failed shot's own code and cause; the shot before is archived and in the manifest.
    Here the first shot begins with an image of its own."""
    bodies = [
        {"promptText": prompt(QUICK), "promptImage": "https://media.example.com/lighthouse.jpg"},
        {"promptText": prompt(f"{QUICK}, fail=SAFETY.INPUT.TEXT")},
        {"promptText": prompt(QUICK)},
    ]
    deployment.start(film, {"request": SHARED, "shots": bodies}, studio.film_machine_arn)

    execution = deployment.execution(film, studio.film_machine_arn)

    failed = deployment.announced(f"{film}-02")
    assert (execution["status"], execution["error"]) == ("FAILED", "SAFETY.INPUT.TEXT")
    assert execution["cause"] == failed.failure
    manifest = made(deployment, studio, f"{film}/manifest.json")
    assert (manifest["status"], manifest["failureCode"], manifest["joined"]) == ("FAILED", "SAFETY.INPUT.TEXT", None)
    (kept,) = manifest["shots"]
    assert [kept["video"]["key"]] == deployment.archived(f"{film}-01")
    assert deployment.row(f"{film}-01").operation == "image_to_video"
    assert made(deployment, studio, f"{film}/frames/01.png").startswith(b"\x89PNG")
    (notice,) = notices.matching(lambda notice: notice.body.get("film") == film, f"the film {film}")
    assert notice.body["type"] == "film.failed"
    # AWS stops a Map at its first failure. The local AWS starts the third shot, which then lacks its first image.
    assert [len(simulator.creates(mark_of(body))) for body in bodies] == [1, 1, 0]


@pytest.mark.parametrize("board", [{}, {"shots": []}, {"shots": "three"}, {"shots": ["a"]}, {"shots": [{}] * 41}])
def test_an_invalid_storyboard_fails_before_anything_is_bought(
    deployment: Deployment, studio: Studio, film: str, board: dict[str, Any]
) -> None:
    deployment.start(film, board, studio.film_machine_arn)
    execution = deployment.execution(film, studio.film_machine_arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "TARMAC.STORYBOARD_REFUSED")
    assert "1 to 40 shots" in execution["cause"]
