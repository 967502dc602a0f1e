"""Uploads of media files: metadata is the request, a repeated event starts nothing, an invalid object is rejected."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tarmac.inbox.accept_upload import accept_upload
from tarmac.inbox.keys import task_id_of_object
from tarmac.inbox.rejections import Rejected
from tarmac.inbox.upload import Upload, UploadDefaults
from tarmac.tasks.accept import Accepted
from tarmac.tasks.submit import submit
from tests.fakes import World
from tests.fakes.samples import NOW, PNG, event
from tests.fakes.stories import DEADLINE_SECONDS

KEY = "inbox/photo.png"
DEFAULTS = UploadDefaults("s3", "gen4_turbo", "", "1280:720", 5, DEADLINE_SECONDS)
UPLOAD = Upload("uploads", KEY, None, "0055AED6DCD90281E5", NOW)


def put(world: World, key: str = KEY, content_type: str = "image/png", **metadata: str) -> Upload:
    """Put an object with percent-encoded `tarmac-…` metadata."""
    about = {f"tarmac-{name.replace('_', '-')}": quote(value, safe="") for name, value in metadata.items()}
    world.uploads.put(key, PNG, content_type, about)
    return Upload("uploads", key, None, "0055AED6DCD90281E5", NOW)


def body_of(world: World, upload: Upload, defaults: UploadDefaults = DEFAULTS) -> dict[str, Any]:
    found = accept_upload(upload, world, defaults)
    assert isinstance(found, Accepted), found
    body: dict[str, Any] = world.tasks.request(found.task.id)["body"]
    return body


class TestEvent:
    def test_names_an_object_version(self) -> None:
        upload = Upload.from_event(event("s3-object-created"))
        assert (upload.bucket, upload.key) == ("uploads", "inbox/Café am Hafen + Boot.jpg")
        assert (upload.version_id, upload.sequencer) == ("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "00617F08299329D189")
        assert upload.created_at == NOW

    def test_of_an_unversioned_bucket_is_identified_by_its_sequencer(self) -> None:
        sample = event("s3-object-created")
        del sample["detail"]["object"]["version-id"]
        upload = Upload.from_event(sample)
        assert upload.version_id is None
        assert upload.task_id == task_id_of_object("uploads", upload.key, "00617F08299329D189")
        assert "versionId" not in upload.source

    def test_of_another_version_is_another_task(self) -> None:
        versions = {Upload("uploads", KEY, version, "same", NOW).task_id for version in ("a", "b", None)}
        assert len(versions) == 3


class TestAccepted:
    def test_an_image_becomes_a_task_of_the_built_in_client(self, world: World) -> None:
        upload = put(world)
        found = accept_upload(upload, world, DEFAULTS)
        assert isinstance(found, Accepted)
        task = world.tasks.get(upload.task_id)
        assert (task.client, task.operation, task.model) == ("s3", "image_to_video", "gen4_turbo")
        assert task.source == {"kind": "s3", "bucket": "uploads", "key": KEY}
        assert list(world.executions.started) == [task.id]
        assert world.topic.published == []

    def test_the_object_reaches_runway_as_an_upload(self, world: World) -> None:
        upload = put(world)
        accept_upload(upload, world, DEFAULTS)
        submit(upload.task_id, world, 0)
        assert world.runway.uploads == {"runway://upload-1": PNG}
        assert world.runway.bodies["up-1"] == {
            "model": "gen4_turbo",
            "promptImage": "runway://upload-1",
            "ratio": "1280:720",
            "duration": 5,
        }

    def test_defaults_replace_missing_metadata(self, world: World) -> None:
        defaults = UploadDefaults("s3", "gen4.5", "Let it move", "720:1280", 7, DEADLINE_SECONDS)
        assert body_of(world, put(world), defaults) == {
            "model": "gen4.5",
            "promptImage": "s3://uploads/inbox/photo.png",
            "promptText": "Let it move",
            "ratio": "720:1280",
            "duration": 7,
        }

    def test_metadata_overrides_the_defaults(self, world: World) -> None:
        upload = put(
            world,
            model="gen4.5",
            prompt_text="Größer & heller 🎬 100 %",
            ratio="960:960",
            duration="10",
            seed="4294967295",
        )
        assert body_of(world, upload) == {
            "model": "gen4.5",
            "promptImage": "s3://uploads/inbox/photo.png",
            "promptText": "Größer & heller 🎬 100 %",
            "ratio": "960:960",
            "duration": 10,
            "seed": 4294967295,
        }

    def test_metadata_names_are_read_in_any_case(self, world: World) -> None:
        world.uploads.put(KEY, PNG, "image/png", {"Tarmac-Duration": "3"})
        assert body_of(world, UPLOAD)["duration"] == 3

    def test_a_prompt_that_contains_a_link_is_not_resolved(self, world: World) -> None:
        upload = put(world, prompt_text="s3://uploads/inputs/another-owner/01.png")
        assert body_of(world, upload)["promptText"] == "s3://uploads/inputs/another-owner/01.png"
        submit(upload.task_id, world, 0)
        assert world.runway.bodies["up-1"]["promptText"] == "s3://uploads/inputs/another-owner/01.png"
        assert len(world.runway.uploads) == 1

    @pytest.mark.parametrize(
        "key",
        [
            "inbox/Café am Hafen + Boot.jpg",
            "inbox/a%20b.png",
            "inbox/100%.png",
            "inbox/a?versionId=1.png",
            "inbox/a#b.png",
            "inbox//double.png",
            "inbox/字/🎬.png",
            "inbox/a&b=c;d.png",
            "inbox/[x].png",
        ],
    )
    def test_submit_reads_an_object_with_any_key(self, key: str, world: World) -> None:
        upload = put(world, key)
        assert isinstance(accept_upload(upload, world, DEFAULTS), Accepted)
        assert submit(upload.task_id, world, 0).word == "running"
        assert world.runway.uploads == {"runway://upload-1": PNG}

    @pytest.mark.parametrize(
        ("key", "content_type"),
        [("inbox/photo.JPG", "binary/octet-stream"), ("inbox/photo", "image/png"), ("inbox/photo", "IMAGE/PNG; q=1")],
    )
    def test_an_image_is_recognised_by_extension_or_content_type(
        self, key: str, content_type: str, world: World
    ) -> None:
        assert isinstance(accept_upload(put(world, key, content_type), world, DEFAULTS), Accepted)

    def test_a_video_fills_the_video_parameter(self, world: World) -> None:
        upload = put(
            world,
            "inbox/clip.mp4",
            "video/mp4",
            operation="video_to_video",
            model="gen4_aleph",
            prompt_text="As a cartoon",
        )
        body = body_of(world, upload)
        assert body["videoUri"] == "s3://uploads/inbox/clip.mp4"
        assert "duration" not in body

    def test_a_repeated_event_makes_no_second_task(self, world: World) -> None:
        upload = put(world)
        first, second = (accept_upload(upload, world, DEFAULTS) for _ in range(2))
        assert isinstance(first, Accepted)
        assert isinstance(second, Accepted)
        assert (first.is_new, second.is_new) == (True, False)
        assert len(world.executions.started) == 1

    def test_a_repeated_event_starts_a_missing_execution(self, world: World) -> None:
        upload = put(world)
        accept_upload(upload, world, DEFAULTS)
        world.executions.started.clear()
        accept_upload(upload, world, DEFAULTS)
        assert list(world.executions.started) == [upload.task_id]


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "a text": ({"key": "inbox/notes.txt", "content_type": "text/plain"}, "text/plain"),
    "a video for an image model": ({"key": "inbox/clip.mp4", "content_type": "video/mp4"}, "video/mp4"),
    "an unknown operation": ({"operation": "video_to_smell"}, "video_to_smell"),
    "an empty operation": ({"operation": ""}, ""),
    "an operation that takes no file": ({"operation": "text_to_video", "model": "gen4.5"}, "image/png"),
    "an unknown model": ({"model": "gen9"}, "gen9"),
    "a model of another operation": ({"model": "gen4_aleph"}, "gen4_aleph"),
    "an unknown ratio": ({"ratio": "1:1"}, "ratio"),
    "a duration out of range": ({"duration": "99"}, "duration"),
    "a duration in words": ({"duration": "five"}, "tarmac-duration"),
    "a negative seed": ({"seed": "-1"}, "seed: Must be at least 0"),
    "a misspelt parameter": ({"promt_text": "Glow"}, "tarmac-promt-text: gen4_turbo has no parameter promtText"),
    "a seed with a decimal point": ({"seed": "1.5"}, "tarmac-seed"),
    "a seed in other digits": ({"seed": "٣"}, "tarmac-seed"),
    "a seed of many digits": ({"seed": "9" * 5000}, "tarmac-seed"),
    "a prompt that is too long": ({"prompt_text": "x" * 1001}, "promptText"),
}


@pytest.mark.parametrize(("about", "reason"), REJECTED.values(), ids=REJECTED)
def test_an_invalid_object_is_rejected_with_the_reason(about: dict[str, Any], reason: str, world: World) -> None:
    upload = put(world, **about)
    found = accept_upload(upload, world, DEFAULTS)
    assert isinstance(found, Rejected)
    assert reason in found.reason
    assert world.table.rows == {}
    assert world.executions.started == {}
    [(message, attributes)] = world.topic.published
    notice = json.loads(message)
    assert (notice["type"], notice["client"], notice["taskId"]) == ("upload.rejected", "s3", None)
    assert notice["eventId"] == f"{upload.task_id}-rejected"
    assert notice["source"] == {"kind": "s3", "bucket": "uploads", "key": upload.key}
    assert attributes["type"] == "upload.rejected"
    assert len(message) < 10_000


def test_a_deleted_object_is_rejected_as_deleted(world: World) -> None:
    found = accept_upload(UPLOAD, world, DEFAULTS)
    assert isinstance(found, Rejected)
    assert "deleted" in found.reason


def test_a_repeated_rejection_publishes_an_identical_notice(world: World) -> None:
    upload = put(world, model="gen9")
    for _ in range(2):
        accept_upload(upload, world, DEFAULTS)
        world.clock.advance(60)
    first, second = world.topic.published
    assert first == second


@pytest.mark.parametrize("value", ["video\x00to", "a\x07b", "￾", "\x7f"])
def test_a_rejection_has_only_printable_attributes(value: str, world: World) -> None:
    """SNS rejects attributes with characters that XML does not allow, and retrying the event would not help."""
    accept_upload(put(world, operation=value), world, DEFAULTS)
    [(_, attributes)] = world.topic.published
    assert all(character.isprintable() for text in attributes.values() for character in text)
