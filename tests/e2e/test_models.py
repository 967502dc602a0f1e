"""Every operation and model that the product was asked for: bought once, archived in the shape that was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import data_uri, picture, play
from tests.e2e.requests import QUICK, marker, prompt
from tests.e2e.simulator import Simulator

# A character performance has no prompt: its scenario is in the query of a link, which is not read otherwise.
QUIET = f"[[sim:{QUICK}]]"
IMAGE = f"https://media.example.com/knight.png?{QUIET}"
VIDEO = "https://media.example.com/street.mp4"


@pytest.mark.parametrize(
    ("operation", "body", "upstream", "size", "seconds"),
    [
        pytest.param(
            "text_to_video",
            {"model": "gen4.5", "promptText": prompt(), "ratio": "720:1280", "duration": 2, "seed": 4294967295},
            {},
            (720, 1280),
            2,
            id="text_to_video gen4.5",
        ),
        pytest.param(
            "text_to_video",
            {"model": "veo3", "promptText": prompt(), "ratio": "1280:720", "duration": 8},
            {},
            (1280, 720),
            8,
            id="text_to_video veo3",
        ),
        pytest.param(
            "text_to_video",
            {"model": "veo3.1", "promptText": prompt(), "ratio": "720:1280", "duration": 4, "audio": False},
            {},
            (720, 1280),
            4,
            id="text_to_video veo3.1",
        ),
        pytest.param(
            "image_to_video",
            {
                "model": "veo3.1_fast",
                "promptImage": [
                    {"uri": "https://media.example.com/first.png", "position": "first"},
                    {"uri": "https://media.example.com/last.png", "position": "last"},
                ],
                "promptText": prompt(),
                "ratio": "1280:720",
                "duration": 4,
            },
            {},
            (1280, 720),
            4,
            id="image_to_video veo3.1_fast, first and last frame",
        ),
        pytest.param(
            "image_to_video",
            {"model": "gen4.5", "promptImage": IMAGE, "promptText": prompt(), "ratio": "1104:832", "duration": 2},
            {},
            (1104, 832),
            2,
            id="image_to_video gen4.5",
        ),
        pytest.param(
            "video_to_video",
            {"model": "gen4_aleph", "videoUri": VIDEO, "promptText": prompt(), "ratio": "1280:720"},
            {},
            (1280, 720),
            None,
            id="video_to_video gen4_aleph",
        ),
        pytest.param(
            "video_to_video",
            {"model": "gen4_aleph", "promptVideo": VIDEO, "promptText": prompt(), "ratio": "1280:720", "duration": 5},
            {"videoUri": VIDEO, "promptVideo": None, "duration": None},
            (1280, 720),
            None,
            id="video_to_video gen4_aleph, older spelling",
        ),
        pytest.param(
            "character_performance",
            {
                "model": "act_two",
                "character": {"type": "image", "uri": IMAGE},
                "reference": {"type": "video", "uri": VIDEO},
                "ratio": "1280:720",
                "bodyControl": True,
                "expressionIntensity": 3,
            },
            {},
            (1280, 720),
            None,
            id="character_performance act_two",
        ),
        pytest.param(
            "character_performance",
            {"model": "act_two", "promptImage": IMAGE, "promptPerformance": VIDEO, "ratio": "1280:720"},
            {
                "character": {"type": "image", "uri": IMAGE},
                "reference": {"type": "video", "uri": VIDEO},
                "promptImage": None,
                "promptPerformance": None,
            },
            (1280, 720),
            None,
            id="character_performance act_two, older spelling",
        ),
    ],
)
def test_a_request_reaches_runway_in_the_contracts_words_and_its_video_is_archived(
    api: Api,
    deployment: Deployment,
    simulator: Simulator,
    operation: str,
    body: dict[str, Any],
    upstream: dict[str, Any],
    size: tuple[int, int],
    seconds: int | None,
) -> None:
    """`upstream` holds the fields of Runway's body that differ from the client's (None: the field is absent)."""
    answer = api.post(operation, body)
    assert answer.status_code == 200, answer.text
    task = api.ended(answer.json()["id"])
    assert task["status"] == "SUCCEEDED", task

    row = deployment.announced(task["id"])
    assert (row.operation, row.model, row.attempt) == (operation, body["model"], 1)
    assert row.upstream_id
    bought = simulator.billed(row.upstream_id)
    assert bought["path"] == f"/v1/{operation}"
    assert json.loads(simulator.body_text(row.upstream_id)) == {
        name: value for name, value in (body | upstream).items() if value is not None
    }
    # The estimate is Runway's own price, or its most where a clip's length decides; the cost is what Runway billed.
    estimate = answer.json()["estimatedCost"]["credits"]
    assert estimate >= bought["credits"] if seconds is None else estimate == bought["credits"]
    assert task["cost"] == {"credits": bought["billed"]}
    content = deployment.archived_bytes(row.outputs[0].key)
    assert content == simulator.output(row.upstream_id)
    video = play(content)
    assert (video.width, video.height) == size
    assert seconds is None or abs(video.seconds - seconds) < 0.1


def test_every_output_of_a_task_is_archived_in_order(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    body = {"model": "gen4.5", "promptText": prompt("seconds=3, outputs=3"), "ratio": "1280:720", "duration": 2}
    task_id = api.create("text_to_video", body)
    assert len(api.ended(task_id)["output"]) == 3
    row = deployment.announced(task_id)
    assert [output.key.rpartition("/")[2] for output in row.outputs] == ["01.mp4", "02.mp4", "03.mp4"]
    assert row.upstream_id
    for number, output in enumerate(row.outputs):
        assert deployment.archived_bytes(output.key) == simulator.output(row.upstream_id, number)


def test_metadata_is_echoed_and_never_sent_upstream(api: Api, simulator: Simulator) -> None:
    """Metadata is Tarmac's own addition: Runway would reject or store an unknown field."""
    secret = marker()
    body = {
        "model": "gen4.5",
        "promptText": prompt(),
        "ratio": "1280:720",
        "duration": 2,
        "metadata": {"order": secret, "Café ☕": ""},
    }
    task = api.ended(api.create("text_to_video", body))
    assert task["metadata"] == body["metadata"]
    listed = api.http.get("/v1/tasks").json()["data"]
    assert [each["metadata"] for each in listed] == [body["metadata"]]
    (bought,) = simulator.creates(str(body["promptText"]).split()[5])
    sent = simulator.body_text(bought["id"])
    assert secret not in sent
    assert "metadata" not in json.loads(sent)


def test_the_same_image_given_twice_is_uploaded_at_each_place(api: Api, simulator: Simulator) -> None:
    """Inline media anywhere in the body: stored, uploaded, replaced in place."""
    image = data_uri(picture("PNG"), "image/png")
    body = {
        "model": "veo3.1_fast",
        "promptImage": [{"uri": image, "position": "first"}, {"uri": image, "position": "last"}],
        "promptText": prompt(),
        "ratio": "1280:720",
        "duration": 4,
    }
    task = api.ended(api.create("image_to_video", body))
    assert task["status"] == "SUCCEEDED", task
    (bought,) = simulator.creates(str(body["promptText"]).split()[5])
    frames = json.loads(simulator.body_text(bought["id"]))["promptImage"]
    assert [frame["position"] for frame in frames] == ["first", "last"]
    assert all(frame["uri"].startswith("runway://") for frame in frames)
