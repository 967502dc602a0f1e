"""The main path from beginning to end, as README.md describes it, with every resource on the way checked."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import httpx

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import data_uri, picture, play
from tests.e2e.notices import Notices
from tests.e2e.requests import mark_of, prompt
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually


def test_an_image_becomes_an_archived_and_announced_video(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """One image over HTTP: bought once, polled, archived byte for byte and announced; no secret is recorded."""
    info = deployment.info
    body = {
        "model": "gen4_turbo",
        "promptImage": data_uri(picture("PNG"), "image/png"),
        "promptText": prompt("seconds=150"),
        "ratio": "720:1280",
        "duration": 3,
        "metadata": {"order": "A-17"},
    }

    # The client creates a task and gets a response of Runway's shape.
    answer = api.post("image_to_video", body)
    assert answer.status_code == 200, answer.text
    task_id = answer.json()["id"]
    assert answer.json() == {"id": task_id, "estimatedCost": {"credits": 15}}

    # The client waits, and sees Runway's words only.
    shown: list[str] = []

    def read() -> dict[str, Any]:
        task = api.read(task_id)
        shown.append(str(task["status"]))
        if task["status"] == "RUNNING":
            assert 0 <= task["progress"] <= 0.99
        return task

    task = eventually(read, lambda seen: seen["status"] not in ("PENDING", "THROTTLED", "RUNNING"), "the task's end")
    assert shown[0] in ("PENDING", "THROTTLED", "RUNNING")
    assert "RUNNING" in shown
    assert task["status"] == "SUCCEEDED", task
    assert set(task) == {"id", "createdAt", "status", "output", "cost", "metadata"}
    assert (task["cost"], task["metadata"]) == ({"credits": 15}, {"order": "A-17"})

    # Runway received one create, with the uploaded image and without Tarmac's own fields.
    (bought,) = simulator.creates(mark_of(body))
    sent = json.loads(simulator.body_text(bought["id"]))
    assert sent.pop("promptImage").startswith("runway://")
    assert sent == {name: body[name] for name in ("model", "promptText", "ratio", "duration")}

    # The link leads into the archive, to the very bytes that Runway made; and they play.
    (link,) = task["output"]
    served = httpx.get(link, trust_env=False, timeout=30)
    assert served.status_code == 200
    assert served.headers["content-type"] == "video/mp4"
    content = served.content
    assert content == simulator.output(bought["id"])
    video = play(content)
    assert (video.width, video.height, video.codec) == (720, 1280, "h264")
    assert abs(video.seconds - 3) < 0.1

    # The object's key consists of client, day and task.
    row = deployment.announced(task_id)
    (output,) = row.outputs
    assert output.key in link
    assert re.fullmatch(rf"{api.client}/\d{{4}}/\d{{2}}/\d{{2}}/{task_id}/01\.mp4", output.key)
    assert deployment.archived(task_id) == [output.key]
    stored = deployment.clients.s3.head_object(Bucket=info.archive_bucket, Key=output.key)
    assert stored["ContentType"] == output.content_type == "video/mp4"
    assert stored["ContentLength"] == output.size_bytes == len(content)
    assert stored["Metadata"] == {
        "tarmac-task": task_id,
        "tarmac-operation": "image_to_video",
        "tarmac-model": "gen4_turbo",
    }
    assert output.sha256 == hashlib.sha256(content).hexdigest()
    assert (row.attempt, row.run, row.reserved_credits, row.cost_credits) == (1, 1, 0.0, 15)

    # Subscribers get one notice, which they can filter.
    (notice,) = notices.of(task_id)
    assert notice.attributes == {
        "type": "task.succeeded",
        "client": api.client,
        "operation": "image_to_video",
        "model": "gen4_turbo",
    }
    assert notice.body == {
        "version": 1,
        "eventId": f"{task_id}-ended",
        "type": "task.succeeded",
        "taskId": task_id,
        "client": api.client,
        "operation": "image_to_video",
        "model": "gen4_turbo",
        "status": "SUCCEEDED",
        "outputs": [
            {
                "bucket": info.archive_bucket,
                "key": output.key,
                "bytes": len(content),
                "sha256": output.sha256,
                "contentType": "video/mp4",
            }
        ],
        "failure": None,
        "failureCode": None,
        "credits": 15,
        "metadata": {"order": "A-17"},
        "source": {"kind": "api"},
        "createdAt": task["createdAt"],
        "endedAt": notice.body["endedAt"],
    }

    # The operator finds a green execution under the task's id.
    execution = deployment.execution(task_id)
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["input"]) == {"taskId": task_id}
    summary = json.loads(execution["output"])
    assert (summary["ending"], summary["outputs"]) == (
        "succeeded",
        [{"bucket": info.archive_bucket, "key": output.key}],
    )

    # Prompt, links and keys are in none of its events, nor in the notice.
    recorded = json.dumps(deployment.history(task_id), default=str) + json.dumps(execution, default=str) + notice.raw
    for secret in (mark_of(body), "runway://", "s3://", "data:image", "ignature=", "http://127", api.key, "Bearer"):
        assert secret not in recorded


def test_the_local_queue_holds_the_notice_as_published(api: Api, deployment: Deployment) -> None:
    """`make up` subscribes a queue for developers, named in stack.json: messages there are the notices themselves."""
    task_id = api.create("text_to_video", {"model": "veo3", "promptText": prompt(), "ratio": "1280:720", "duration": 8})
    heard: list[dict[str, object]] = []

    def read() -> list[dict[str, object]]:
        answer = deployment.clients.sqs.receive_message(
            QueueUrl=deployment.info.notice_queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        )
        heard.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return [notice for notice in heard if notice["taskId"] == task_id]

    (notice,) = eventually(read, bool, f"the notice of {task_id} in the local queue")
    assert (notice["type"], notice["client"]) == ("task.succeeded", api.client)
