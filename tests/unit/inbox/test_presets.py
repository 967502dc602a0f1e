"""Presets: checked when uploaded, used by folder, overridden by metadata."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from tarmac.inbox.accept_upload import Noted, Rejected, Upload, UploadDefaults, accept_upload
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


def test_a_good_preset_is_checked_and_says_nothing(world: World) -> None:
    assert preset(world, "warm", WARM) == Noted("checked")
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
def test_a_preset_need_not_say_what_object_metadata_or_line_will_say(good: dict[str, Any], world: World) -> None:
    assert preset(world, "good", good) == Noted("checked")


BAD: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{operation: image_to_video}", "not JSON"),
    "no object": (b"[]", "must be a JSON object"),
    "a key twice": (b'{"operation": "a", "operation": "b"}', "twice"),
    "no operation": ({"request": {}}, "operation: Required"),
    "an unknown operation": ({"operation": "image_to_gold"}, "Unknown operation 'image_to_gold'"),
    "a request that is none": ({"operation": "image_to_video", "request": []}, "request: Must be an object"),
    "a misspelt word": ({"operation": "image_to_video", "requests": {}}, "requests: not a word of a preset"),
    "a model of another operation": (
        {"operation": "image_to_video", "request": {"model": "gen4_aleph"}},
        "gen4_aleph is not a model",
    ),
    "a value that is wrong": (
        {"operation": "image_to_video", "request": {"model": "gen4_turbo", "ratio": "16:9"}},
        "ratio: Expected one of",
    ),
    "two values that are wrong": (
        {"operation": "image_to_video", "request": {"model": "gen4_turbo", "ratio": "16:9", "duration": 99}},
        "duration: Must be at most 10",
    ),
    "metadata that is too long": ({**WARM, "metadata": {"look": "x" * 501}}, "metadata.look"),
    "metadata that is no object": ({**WARM, "metadata": ["x"]}, "metadata"),
    "a webhook that is none": ({**WARM, "webhookUrl": "http://localhost/"}, "webhookUrl"),
    "a file that is no preset's": (
        {**WARM, "request": {"model": "gen4_turbo", "promptImage": "ftp://x"}},
        "promptImage",
    ),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_a_bad_preset_yields_a_notice_that_names_the_error(content: Any, reason: str, world: World) -> None:
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
def test_a_preset_that_no_folder_could_use_is_none(key: str, world: World) -> None:
    found = drop(world, key, json.dumps(WARM).encode(), "application/json")
    assert isinstance(found, Rejected)
    assert "lies directly in presets/" in found.reason


def test_a_preset_that_is_gone_already_is_nothing(world: World) -> None:
    assert accept_upload(Upload("uploads", "presets/a.json", None, "01", NOW), world, DEFAULTS) == Noted("ignored")


def test_objects_of_its_folder_use_it_and_no_default(world: World) -> None:
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


def test_a_folder_without_preset_is_a_folder(world: World) -> None:
    assert body_of(world, drop(world, "inbox/holidays/a.png"))["promptText"] == "a default prompt"


def test_a_preset_is_found_however_a_mac_writes_its_name(world: World) -> None:
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


def test_another_operation_than_the_presets_takes_nothing_of_its_request(world: World) -> None:
    preset(world, "warm", WARM)
    found = drop(world, "inbox/warm/a.png", operation="image_upscale")
    assert body_of(world, found).keys() <= {"model", "imageUri"}


def test_films_and_sound_go_where_their_operation_takes_them(world: World) -> None:
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
    assert "does not start from a file of type image/png" in picture.reason


def test_a_preset_may_say_where_the_object_belongs(world: World) -> None:
    frames = [{"uri": "https://example.com/a.png", "position": "first"}, {"uri": "{object}", "position": "last"}]
    preset(
        world,
        "end",
        {"operation": "image_to_video", "request": {"model": "veo3.1", "promptImage": frames, "ratio": "1280:720"}},
    )
    body = body_of(world, drop(world, "inbox/end/b.png"))
    assert body["promptImage"] == [frames[0], {"uri": "s3://uploads/inbox/end/b.png", "position": "last"}]


def test_a_preset_that_cannot_be_used_is_named_by_what_needs_it(world: World) -> None:
    preset(world, "bad", b"{")
    found = drop(world, "inbox/bad/a.png")
    assert isinstance(found, Rejected)
    assert "The preset of this folder cannot be used." in found.reason
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

    def test_is_a_task(self, world: World) -> None:
        found = self.file(world, self.REQUEST)
        assert body_of(world, found) == self.REQUEST["request"]
        assert found.task.metadata == {"shot": "7"}
        assert found.task.webhook.url == "https://example.com/hook"
        assert found.task.source == {"kind": "s3", "bucket": "uploads", "key": "inbox/one.json"}
        assert world.uploads.tagged["inbox/one.json"] == {"tarmac-task": found.task.id}

    def test_of_a_presets_folder_is_completed_by_it(self, world: World) -> None:
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
            ({"operation": "text_to_video", "model": "veo3"}, "model: Not known here"),
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
    def test_that_is_none_is_rejected_with_its_issues(self, content: Any, reason: str, world: World) -> None:
        found = self.file(world, content)
        assert isinstance(found, Rejected)
        report = json.loads(world.uploads.open("failed/inbox/one.json.json").read())
        assert report["reason"] == found.reason
        assert reason.removeprefix("request.") in found.reason
        assert world.executions.started == {}

    def test_may_hold_a_file_as_over_http(self, world: World) -> None:
        request = {"model": "gen4_turbo", "promptImage": data_uri(), "ratio": "1280:720", "duration": 5}
        found = self.file(world, {"operation": "image_to_video", "request": request})
        assert world.tasks.request(found.task.id)["inputs"][0]["key"].startswith(f"inputs/{found.task.id}/")


VEO = {"operation": "text_to_video", "request": {"model": "veo3.1", "audio": True}}


@pytest.mark.parametrize("spelling", ["promptText", "prompt_text"])
def test_what_overrides_a_preset_does_so_in_any_spelling(spelling: str, world: World) -> None:
    preset(world, "warm", WARM | {"request": {"model": "gen4.5", spelling: "Warm", "ratio": "720:1280", "duration": 4}})
    assert body_of(world, drop(world, "inbox/warm/lamp.png", prompt_text="Cold"))["promptText"] == "Cold"
    line = {"request": {"promptImage": "https://example.com/a.png", "prompt_text": "Cold"}}
    found = drop(world, "inbox/warm/one.json", json.dumps(line).encode(), "application/json")
    assert body_of(world, found)["promptText"] == "Cold"


def test_a_preset_of_a_strict_model_is_held_against_its_parameters(world: World) -> None:
    assert isinstance(preset(world, "good", VEO), Noted)
    refused = preset(world, "bad", VEO | {"request": {"model": "veo3.1", "audios": True}})
    assert isinstance(refused, Rejected)
    assert "audios: Unknown parameter" in refused.reason
