"""S3 as an entry point: an object under inbox/ becomes one task of the client `s3`, however often its event comes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import picture, play
from tests.e2e.notices import Notices
from tests.e2e.requests import QUICK, prompt
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually
from tests.fakes.samples import event


@pytest.fixture
def name() -> str:
    """A part of an object key that no other test has."""
    return uuid.uuid4().hex


def test_an_image_in_the_inbox_becomes_a_video(
    deployment: Deployment, simulator: Simulator, notices: Notices, name: str
) -> None:
    """Spaces, plus, unicode and an upper-case extension in the key; the whole request in percent-encoded metadata."""
    key = f"inbox/{name}/Café am Hafen + Boot (1).JPG"
    wanted = prompt(text="Möwen über dem Hafen, 波のように – 50 %\n\u201eruhig\u201c 🌊")
    deployment.drop(
        key,
        picture(),
        model="gen4_turbo",
        prompt_text=quote(wanted),
        ratio="960:960",
        duration="2",
        seed="7",
    )

    task = deployment.announced(deployment.task_of_object(key).id)

    assert (task.state, task.operation, task.client) == ("SUCCEEDED", "image_to_video", "s3")
    assert task.source == {"kind": "s3", "bucket": deployment.info.upload_bucket, "key": key, **task.source}
    assert task.upstream_id
    sent = json.loads(simulator.body_text(task.upstream_id))
    assert sent.pop("promptImage").startswith("runway://")
    assert sent == {"model": "gen4_turbo", "promptText": wanted, "ratio": "960:960", "duration": 2, "seed": 7}
    content = deployment.archived_bytes(task.outputs[0].key)
    assert content == simulator.output(task.upstream_id)
    video = play(content)
    assert (video.width, video.height) == (960, 960)
    (notice,) = notices.of(task.id)
    assert notice.attributes["client"] == "s3"
    assert notice.body["source"]["key"] == key
    assert deployment.execution(task.id)["status"] == "SUCCEEDED"


def test_an_image_without_metadata_gets_the_templates_defaults(
    deployment: Deployment, simulator: Simulator, name: str
) -> None:
    """gen4_turbo, 1280:720, five seconds, no prompt; the key gives the type where the upload names none."""
    key = f"inbox/{name}.png"
    deployment.drop(key, picture("PNG"), content_type="binary/octet-stream")

    task = deployment.announced(deployment.task_of_object(key).id)

    assert task.state == "SUCCEEDED", task.failure
    assert task.upstream_id
    sent = json.loads(simulator.body_text(task.upstream_id))
    assert sent.pop("promptImage").startswith("runway://")
    assert sent == {"model": "gen4_turbo", "ratio": "1280:720", "duration": 5}


@pytest.mark.parametrize(
    ("file", "content_type", "metadata", "reason"),
    [
        ("notes.txt", "text/plain", {}, "gen4_turbo has no parameter for a file of type text/plain"),
        ("clip.mp4", "video/mp4", {}, "gen4_turbo has no parameter for a file of type video/mp4"),
        ("a.jpg", "image/jpeg", {"duration": "five"}, "tarmac-duration: expected a whole number, received 'five'"),
        ("b.jpg", "image/jpeg", {"duration": "99"}, "duration: Must be at most 10"),
        ("c.jpg", "image/jpeg", {"ratio": "16:9"}, "ratio: Expected one of"),
        ("d.jpg", "image/jpeg", {"model": "no-such-model"}, "unknown model no-such-model of image_to_video"),
        ("e.jpg", "image/jpeg", {"operation": "image_to_gold"}, "Unknown operation 'image_to_gold'"),
        ("f.jpg", "image/jpeg", {"prompt_text": quote("é" * 1001)}, "promptText: Must have at most 1000 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_an_unusable_object_is_announced_with_its_reason(
    deployment: Deployment,
    notices: Notices,
    name: str,
    file: str,
    content_type: str,
    metadata: dict[str, str],
    reason: str,
) -> None:
    """It becomes no task, and the notice gives its uploader the reason."""
    key = f"inbox/{name}-{file}"
    deployment.drop(key, picture(), content_type=content_type, **metadata)

    (notice,) = notices.matching(lambda notice: notice.body["source"].get("key") == key, f"the object {key}")

    assert notice.attributes["type"] == notice.body["type"] == "upload.rejected"
    assert (notice.body["taskId"], notice.body["client"]) == (None, "s3")
    assert reason in notice.body["failure"]
    assert notice.body["failureCode"] == "TARMAC.UPLOAD_REJECTED"
    assert not [row for row in deployment.rows_of("s3") if row.source["key"] == key]


def test_a_broken_picture_fails_with_a_reason(deployment: Deployment, notices: Notices, name: str) -> None:
    """Runway validates the content: a text uploaded as a picture ends as FAILED, with a notice."""
    key = f"inbox/{name}.jpg"
    deployment.drop(key, b"this is no picture, whatever its name says; it goes on for a while" * 20)

    task = deployment.announced(deployment.task_of_object(key).id)

    assert (task.state, task.cost_credits) == ("FAILED", 0)
    # Runway may read the file when it is uploaded, or when the create names it.
    assert task.failure_code in ("ASSET.INVALID", "TARMAC.REJECTED.400")
    assert notices.of(task.id)[0].attributes["type"] == "task.failed"


def test_an_object_outside_the_inbox_starts_nothing(deployment: Deployment, name: str) -> None:
    """Also one whose key merely contains the word. A later object in the inbox proves that events were delivered."""
    outside = [f"{name}.jpg", f"outbox/{name}.jpg", f"inbox-{name}.jpg", f"my/inbox/{name}.jpg"]
    with _object_events(deployment, name) as heard:
        for key in outside:
            deployment.drop(key, picture())
        last = f"inbox/{name}.jpg"
        deployment.drop(last, picture(), prompt_text=quote(prompt()))
        deployment.task_of_object(last)
        keys = [f"{each['detail']['object']['key']}" for each in heard(len(outside) + 1)]
    assert sorted(keys) == sorted([*outside, last])
    assert not [row for row in deployment.rows_of("s3") if row.source["key"] in outside]


def test_an_object_event_that_comes_again_starts_nothing_new(
    deployment: Deployment, simulator: Simulator, name: str
) -> None:
    """EventBridge delivers at least once: the very event again, while the task runs and after it has ended."""
    key = f"inbox/{name}.jpg"
    wanted = prompt("seconds=60")
    with _object_events(deployment, name) as heard:
        deployment.drop(key, picture(), prompt_text=quote(wanted))
        (original,) = heard(1)

    task_id = deployment.task_of_object(key).id
    assert deployment.invoke("AcceptUpload", original) == {"taskId": task_id, "status": "repeated"}
    ended = deployment.announced(task_id)
    assert deployment.invoke("AcceptUpload", original) == {"taskId": task_id, "status": "repeated"}

    assert [row.id for row in deployment.rows_of("s3") if row.source["key"] == key] == [task_id]
    assert len(simulator.creates(wanted.split()[5])) == 1
    assert deployment.announced(task_id).version == ended.version


def test_a_new_object_under_the_same_key_is_a_new_task(deployment: Deployment, name: str) -> None:
    """Another version of the object is another task."""
    key = f"inbox/{name}.jpg"
    for _ in range(2):
        deployment.drop(key, picture(), prompt_text=quote(prompt()))

    def tasks() -> list[str]:
        return [row.id for row in deployment.rows_of("s3") if row.source["key"] == key]

    assert len(set(eventually(tasks, lambda found: len(list(found)) == 2, f"two tasks of {key}"))) == 2


def test_an_object_that_was_deleted_before_it_was_read_is_announced(
    deployment: Deployment, notices: Notices, name: str
) -> None:
    """The sample event with a key that is not there."""
    sample = event("s3-object-created")
    sample["detail"]["bucket"]["name"] = deployment.info.upload_bucket
    sample["detail"]["object"] = {"key": f"inbox/{name}.jpg", "sequencer": "00617F08299329D189"}

    answer = deployment.invoke("AcceptUpload", sample)

    assert answer["status"] == "rejected"
    (notice,) = notices.matching(lambda notice: notice.body["source"].get("key") == f"inbox/{name}.jpg", name)
    assert notice.body["failure"] == "The object was deleted before Tarmac read it."


def test_tasks_from_s3_are_hidden_from_other_clients(deployment: Deployment, api: Api, name: str) -> None:
    key = f"inbox/{name}.jpg"
    deployment.drop(key, picture(), prompt_text=quote(prompt(QUICK)))
    task_id = deployment.task_of_object(key).id
    assert api.http.get(f"/v1/tasks/{task_id}").status_code == 404
    with Api.of_new_client(deployment, "s3") as owner:
        assert owner.ended(task_id)["status"] == "SUCCEEDED"


@contextmanager
def _object_events(deployment: Deployment, name: str) -> Iterator[Any]:
    """Receive, beside AcceptUpload, the events of objects with `name` in their key; give the number to wait for."""
    sqs, bus = deployment.clients.sqs, deployment.client("events")
    queue = sqs.create_queue(QueueName=f"objects-{uuid.uuid4().hex}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = f"objects-{uuid.uuid4().hex[:20]}"
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [deployment.info.upload_bucket]}}}
    bus.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    bus.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    found: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        events = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        found.extend(each for each in events if name in each["detail"]["object"]["key"])
        return found

    try:
        yield lambda count: eventually(read, lambda seen: len(seen) >= count, f"{count} events of objects {name}")
    finally:
        bus.remove_targets(Rule=rule, Ids=["queue"])
        bus.delete_rule(Name=rule)
        bus.close()
