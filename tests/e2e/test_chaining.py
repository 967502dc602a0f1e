"""The output of one task is the input of the next: the link from a read goes unchanged into the request."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import image_to_video, prompt
from tests.e2e.simulator import Simulator


def text_to_image() -> dict[str, Any]:
    return {"model": "gen4_image", "promptText": prompt(), "ratio": "1280:720"}


def test_an_image_becomes_a_video(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    image = api.ended(api.create("text_to_image", text_to_image()))
    [link] = image["output"]
    video_id = api.create("image_to_video", image_to_video(promptImage=link))
    [held] = deployment.tasks.request(video_id)["inputs"]
    assert (held["bucket"], held["key"].split("/")[-2]) == (deployment.info.archive_bucket, image["id"])

    assert api.ended(video_id)["status"] == "SUCCEEDED"
    upstream_id = deployment.tasks.get(video_id).upstream_id
    assert upstream_id
    assert json.loads(simulator.body_text(upstream_id))["promptImage"].startswith("runway://")


def test_an_output_is_an_input_by_the_bucket_and_key_of_its_notice(api: Api, deployment: Deployment) -> None:
    image_id = api.create("text_to_image", text_to_image())
    api.ended(image_id)
    [output] = deployment.tasks.get(image_id).outputs
    video_id = api.create("image_to_video", image_to_video(promptImage=f"s3://{output.bucket}/{output.key}"))
    assert api.ended(video_id)["status"] == "SUCCEEDED"


def test_an_output_of_another_kind_is_refused_by_name(api: Api) -> None:
    video = api.ended(api.create("image_to_video", image_to_video()))
    answer = api.post("image_to_video", image_to_video(promptImage=video["output"][0]))
    assert answer.status_code == 400, answer.text
    [issue] = answer.json()["issues"]
    assert issue["path"] == ["promptImage"]
    assert "video/mp4" in issue["message"]


def test_an_output_of_another_client_cannot_be_an_input(api: Api, deployment: Deployment) -> None:
    image_id = api.create("text_to_image", text_to_image())
    api.ended(image_id)
    [output] = deployment.tasks.get(image_id).outputs
    with Api.of_new_client(deployment) as other:
        answer = other.post("image_to_video", image_to_video(promptImage=f"s3://{output.bucket}/{output.key}"))
    assert answer.status_code == 400, answer.text
    assert [issue["path"] for issue in answer.json()["issues"]] == [["promptImage"]]
