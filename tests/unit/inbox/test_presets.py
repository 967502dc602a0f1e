"""Presets are checked when uploaded, used by the objects of their folder, and overridden by metadata."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from tarmac.inbox.accept_upload import accept_upload
from tarmac.inbox.rejections import Rejected
from tarmac.inbox.upload import NothingStarted, Upload, UploadDefaults
from tarmac.tasks.accept import Accepted
from tarmac.tasks.orders import AllowLists
from tests.fakes import World
from tests.fakes.samples import NOW, PNG, data_uri
from tests.fakes.stories import DEADLINE_SECONDS

DEFAULTS = UploadDefaults(
    "s3", "gen4_turbo", "a default prompt", "1280:720", 5, DEADLINE_SECONDS, AllowLists(frozenset({"media"}))
)
WARM = {
    "operation": "image_to_video",
    "request": {"model": "gen4.5", "promptText": "Warm light", "ratio": "720:1280", "duration": 4},
    "metadata": {"look": "warm"},
}


def drop(world: World, key: str, content: bytes = PNG, content_type: str = "image/png", **about: str) -> Any:
    world.uploads.put(key, content, content_type, {f"tarmac-{name.replace('_', '-')}": v for name, v in about.items()})
    etag = world.uploads.head(key).etag
    return accept_upload(Upload("uploads", key, None, "0055AED6DCD90281E5", NOW, etag), world, DEFAULTS)


def preset(world: World, name: str, content: Any) -> Any:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return drop(world, f"presets/{name}.json", text, "application/json")


def body_of(world: World, found: Any) -> dict[str, Any]:
    assert isinstance(found, Accepted), found
    body: dict[str, Any] = world.tasks.request(found.task.id)["body"]
    return body


def test_a_valid_preset_is_checked_without_a_notice(world: World) -> None:
    assert preset(world, "warm", WARM) == NothingStarted("checked")
    assert (world.topic.published, world.table.rows, list(world.uploads.objects)) == ([], {}, ["presets/warm.json"])


@pytest.mark.parametrize(
    "good",
    [
        {"operation": "image_to_video"},
        {"operation": "character_performance", "request": {"ratio": "1280:720"}},
        {
            "operation": "image_to_video",
            "request": {
                "model": "veo3.1",
                "promptImage": [
                    {"uri": "{object}", "position": "last"},
                    {"uri": "https://example.com/a.png", "position": "first"},
                ],
                "ratio": "1280:720",
            },
        },
        {
            "operation": "video_to_video",
            "request": {"model": "gen4_aleph", "references": [{"type": "image", "uri": data_uri()}]},
        },
        {"operation": "recipes/product_ad", "request": {"version": "2026-06"}},
    ],
)
def test_a_preset_may_leave_out_what_the_object_metadata_or_line_adds(good: dict[str, Any], world: World) -> None:
    assert preset(world, "good", good) == NothingStarted("checked")


BAD: dict[str, tuple[Any, str]] = {
    "not JSON": (b"{operation: image_to_video}", "not JSON"),
    "not an object": (b"[]", "must be a JSON object"),
    "a key twice": (b'{"operation": "a", "operation": "b"}', "twice"),
    "no operation": ({"request": {}}, "operation: Required"),
    "an unknown operation": ({"operation": "image_to_gold"}, "Unknown operation 'image_to_gold'"),
    "a request that is not an object": ({"operation": "image_to_video", "request": []}, "request: Must be an object"),
    "a misspelt field": ({"operation": "image_to_video", "requests": {}}, "requests: Unknown field"),
    "a model of another operation": (
        {"operation": "image_to_video", "request": {"model": "gen4_aleph"}},
        "Unknown model gen4_aleph of image_to_video",
    ),
    "an invalid value": (
        {"operation": "image_to_video", "request": {"model": "gen4_turbo", "ratio": "16:9"}},
        "ratio: Expected one of",
    ),
    "two invalid values": (
        {"operation": "image_to_video", "request": {"model": "gen4_turbo", "ratio": "16:9", "duration": 99}},
        "duration: Must be at most 10",
    ),
    "metadata that is too long": ({**WARM, "metadata": {"look": "x" * 501}}, "metadata.look"),
    "metadata that is not an object": ({**WARM, "metadata": ["x"]}, "metadata"),
    "an invalid webhook": ({**WARM, "webhookUrl": "http://localhost/"}, "webhookUrl"),
    "an invalid link": (
        {**WARM, "request": {"model": "gen4_turbo", "promptImage": "ftp://x"}},
        "promptImage",
    ),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_an_invalid_preset_is_rejected_with_the_reason(content: Any, reason: str, world: World) -> None:
    found = preset(world, "bad", content)
    assert isinstance(found, Rejected)
    assert reason in found.reason
    [(message, attributes)] = world.topic.published
    notice = json.loads(message)
    assert (attributes["type"], notice["source"]["key"]) == ("upload.rejected", "presets/bad.json")
    assert reason in notice["failure"]
    report = json.loads(world.uploads.open("failed/presets/bad.json.json").read())
    assert report["reason"] == notice["failure"]
    assert not any(key.startswith("task#") for key, _ in world.table.rows)


@pytest.mark.parametrize("key", ["presets/deep/a.json", "presets/a.JSON", "presets/notes.txt", "presets/.json"])
def test_a_preset_with_an_unusable_name_is_rejected(key: str, world: World) -> None:
    found = drop(world, key, json.dumps(WARM).encode(), "application/json")
    assert isinstance(found, Rejected)
    assert "directly in presets/" in found.reason


def test_a_deleted_preset_is_ignored(world: World) -> None:
    assert accept_upload(Upload("uploads", "presets/a.json", None, "01", NOW), world, DEFAULTS) == NothingStarted(
        "ignored"
    )


def test_objects_of_its_folder_use_the_preset_instead_of_defaults(world: World) -> None:
    preset(world, "warm light", WARM)
    found = drop(world, "inbox/warm light/deep/er/Café + 1.PNG")
    assert body_of(world, found) == {
        "model": "gen4.5",
        "promptImage": "s3://uploads/inbox/warm%20light/deep/er/Caf%C3%A9%20%2B%201.PNG",
        "promptText": "Warm light",
        "ratio": "720:1280",
        "duration": 4,
    }
    assert found.task.metadata == {"look": "warm"}


def test_a_folder_without_a_preset_uses_the_defaults(world: World) -> None:
    assert body_of(world, drop(world, "inbox/holidays/a.png"))["promptText"] == "a default prompt"


def test_a_preset_is_found_in_any_unicode_form_of_its_name(world: World) -> None:
    preset(world, "Wüste", WARM)
    folder = unicodedata.normalize("NFD", "Wüste")
    assert body_of(world, drop(world, f"inbox/{folder}/a.png"))["promptText"] == "Warm light"


def test_metadata_overrides_the_preset(world: World) -> None:
    preset(world, "warm", WARM)
    found = drop(
        world,
        "inbox/warm/a.png",
        prompt_text="K%C3%BChl",
        duration="6",
        seed="7",
        metadata_look="cool",
        metadata_shot="3",
    )
    body = body_of(world, found)
    assert (body["promptText"], body["duration"], body["seed"], body["ratio"]) == ("Kühl", 6, 7, "720:1280")
    assert found.task.metadata == {"look": "cool", "shot": "3"}


def test_the_request_of_a_preset_is_not_used_for_another_operation(world: World) -> None:
    preset(world, "warm", WARM)
    found = drop(world, "inbox/warm/a.png", operation="image_upscale")
    assert body_of(world, found).keys() <= {"model", "imageUri"}


def test_videos_and_audio_fill_the_parameter_of_their_kind(world: World) -> None:
    preset(
        world, "toon", {"operation": "video_to_video", "request": {"model": "gen4_aleph", "promptText": "A cartoon"}}
    )
    preset(world, "clean", {"operation": "voice_isolation"})
    film = body_of(world, drop(world, "inbox/toon/a.MOV", content_type="binary/octet-stream"))
    assert film["videoUri"] == "s3://uploads/inbox/toon/a.MOV"
    sound = body_of(world, drop(world, "inbox/clean/a.Mp3", content_type="binary/octet-stream"))
    assert sound["audioUri"] == "s3://uploads/inbox/clean/a.Mp3"
    picture = drop(world, "inbox/clean/a.png")
    assert isinstance(picture, Rejected)
    assert "has no parameter for a file of type image/png" in picture.reason


def test_a_preset_may_name_the_place_of_the_object(world: World) -> None:
    frames = [{"uri": "https://example.com/a.png", "position": "first"}, {"uri": "{object}", "position": "last"}]
    preset(
        world,
        "end",
        {"operation": "image_to_video", "request": {"model": "veo3.1", "promptImage": frames, "ratio": "1280:720"}},
    )
    body = body_of(world, drop(world, "inbox/end/b.png"))
    assert body["promptImage"] == [frames[0], {"uri": "s3://uploads/inbox/end/b.png", "position": "last"}]


def test_an_object_with_an_invalid_preset_is_rejected_with_its_name(world: World) -> None:
    preset(world, "bad", b"{")
    found = drop(world, "inbox/bad/a.png")
    assert isinstance(found, Rejected)
    assert "The preset presets/bad.json is invalid." in found.reason
    assert "not JSON" in found.reason


class TestOneRequest:
    REQUEST: dict[str, Any] = {  # noqa: RUF012
        "operation": "text_to_video",
        "request": {"model": "veo3.1_fast", "promptText": "A harbour", "ratio": "1280:720", "duration": 4},
        "metadata": {"shot": "7"},
        "webhookUrl": "https://example.com/hook",
    }

    def file(self, world: World, content: Any, key: str = "inbox/one.json") -> Any:
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        return drop(world, key, text, "application/json")

    def test_becomes_a_task(self, world: World) -> None:
        found = self.file(world, self.REQUEST)
        assert body_of(world, found) == self.REQUEST["request"]
        assert found.task.metadata == {"shot": "7"}
        assert found.task.webhook.url == "https://example.com/hook"
        assert found.task.source == {"kind": "s3", "bucket": "uploads", "key": "inbox/one.json"}
        assert world.uploads.tagged["inbox/one.json"] == {"tarmac-task": found.task.id}

    def test_in_the_folder_of_a_preset_is_completed_by_it(self, world: World) -> None:
        preset(world, "warm", WARM)
        wanted = {"request": {"promptImage": "https://example.com/a.png", "duration": 2}, "metadata": {"shot": "7"}}
        found = self.file(world, wanted, "inbox/warm/one.JSON")
        assert body_of(world, found) == {**WARM["request"], "promptImage": "https://example.com/a.png", "duration": 2}  # type: ignore[dict-item]
        assert found.task.metadata == {"look": "warm", "shot": "7"}

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"[]", ".jsonl"),
            (b"", "empty"),
            (b"{", "not JSON"),
            ({}, "operation: Required"),
            ({"operation": "text_to_video"}, "request.model: Required"),
            ({"operation": "text_to_gold", "request": {}}, "operation: Unknown operation 'text_to_gold'"),
            ({"operation": "text_to_video", "model": "veo3"}, "model: Unknown field"),
            ({"operation": "text_to_video", "request": {"model": "veo3", "promptText": 5}}, "promptText"),
            (
                {
                    "operation": "image_to_video",
                    "request": {
                        "model": "gen4_turbo",
                        "promptImage": "s3://other/a.png",
                        "ratio": "1280:720",
                        "duration": 5,
                    },
                },
                "promptImage",
            ),
        ],
    )
    def test_that_is_invalid_is_rejected_with_its_issues(self, content: Any, reason: str, world: World) -> None:
        found = self.file(world, content)
        assert isinstance(found, Rejected)
        report = json.loads(world.uploads.open("failed/inbox/one.json.json").read())
        assert report["reason"] == found.reason
        assert reason.removeprefix("request.") in found.reason
        assert world.executions.started == {}

    def test_may_contain_an_inline_file(self, world: World) -> None:
        request = {"model": "gen4_turbo", "promptImage": data_uri(), "ratio": "1280:720", "duration": 5}
        found = self.file(world, {"operation": "image_to_video", "request": request})
        assert world.tasks.request(found.task.id)["inputs"][0]["key"].startswith(f"inputs/{found.task.id}/")


VEO = {"operation": "text_to_video", "request": {"model": "veo3.1", "audio": True}}


@pytest.mark.parametrize("spelling", ["promptText", "prompt_text"])
def test_a_preset_is_overridden_in_any_spelling(spelling: str, world: World) -> None:
    preset(world, "warm", WARM | {"request": {"model": "gen4.5", spelling: "Warm", "ratio": "720:1280", "duration": 4}})
    assert body_of(world, drop(world, "inbox/warm/lamp.png", prompt_text="Cold"))["promptText"] == "Cold"
    line = {"request": {"promptImage": "https://example.com/a.png", "prompt_text": "Cold"}}
    found = drop(world, "inbox/warm/one.json", json.dumps(line).encode(), "application/json")
    assert body_of(world, found)["promptText"] == "Cold"


def test_a_preset_of_a_strict_model_rejects_unknown_parameters(world: World) -> None:
    assert isinstance(preset(world, "good", VEO), NothingStarted)
    rejected = preset(world, "bad", VEO | {"request": {"model": "veo3.1", "audios": True}})
    assert isinstance(rejected, Rejected)
    assert "audios: Unknown parameter" in rejected.reason
