"""The bodies and media that the simulator accepts and rejects."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from local.simulator.contract import OPERATIONS, examine
from local.simulator.contract.limits import Bounds, Limits, limits_of
from local.simulator.contract.sdk import body_check
from local.simulator.inputs import (
    MAX_DATA_URI_CHARACTERS,
    UnusableMedia,
    check_content,
    check_url,
    decode_data_uri,
)

URL = "https://example.com/a.png"
GEN45_TEXT = {"model": "gen4.5", "promptText": "a lamp", "ratio": "1280:720", "duration": 5}
TURBO = {"model": "gen4_turbo", "promptImage": URL, "ratio": "1280:720"}
VEO = {"model": "veo3.1", "promptText": "a lamp", "ratio": "1920:1080"}
ALEPH = {"model": "gen4_aleph", "videoUri": "https://example.com/a.mp4", "promptText": "snow"}
ACT_TWO = {
    "model": "act_two",
    "character": {"type": "image", "uri": URL},
    "reference": {"type": "video", "uri": "https://example.com/a.mp4"},
}
IMAGE = {"model": "gen4_image", "promptText": "a lamp", "ratio": "1920:1080"}
SEEDREAM = {"model": "seedream5_pro", "promptText": "a lamp", "ratio": "2048:2048"}
GPT_IMAGE = {"model": "gpt_image_2_5_flare", "promptText": "a lamp", "ratio": "2048:880"}
FILM = {"type": "video", "uri": "https://example.com/a.mp4"}
HAILUO_EDIT = {"model": "hailuo3", "promptText": "snow", "promptVideo": "https://example.com/a.mp4"}
HAILUO = {"model": "hailuo3", "promptText": "a lamp"}
SPEECH = {"model": "eleven_v3", "promptText": "hello", "voice": {"type": "runway-preset", "presetId": "Maya"}}
SFX = {"model": "mirelo_sfx_2_0", "promptText": "rain", "duration": 3}
STOCK = {"prompt": "a lamp", "version": "2026-06"}


@pytest.mark.parametrize(
    ("path", "body", "credits", "size"),
    [
        ("/v1/text_to_video", GEN45_TEXT, 60, (1280, 720)),
        ("/v1/text_to_video", GEN45_TEXT | {"outputFormat": "prores"}, 85, (1280, 720)),
        ("/v1/text_to_video", VEO, 320, (1920, 1080)),
        ("/v1/text_to_video", VEO | {"audio": False, "duration": 4}, 80, (1920, 1080)),
        ("/v1/text_to_video", VEO | {"model": "veo3.1_fast"}, 120, (1920, 1080)),
        ("/v1/text_to_video", VEO | {"model": "veo3", "duration": 8}, 320, (1920, 1080)),
        ("/v1/image_to_video", TURBO, 25, (1280, 720)),
        ("/v1/image_to_video", TURBO | {"ratio": "1584:672", "duration": 10}, 50, (1584, 672)),
        ("/v1/image_to_video", TURBO | {"promptImage": [{"uri": URL, "position": "first"}]}, 25, (1280, 720)),
        ("/v1/image_to_video", TURBO | {"somethingNew": True}, 25, (1280, 720)),
        ("/v1/video_to_video", ALEPH, 75, (1280, 720)),
        ("/v1/video_to_video", ALEPH | {"ratio": "640:480"}, 75, (1280, 720)),
        ("/v1/character_performance", ACT_TWO, 25, (1280, 720)),
        ("/v1/character_performance", ACT_TWO | {"duration": "ignored"}, 25, (1280, 720)),
        ("/v1/character_performance", ACT_TWO | {"ratio": "832:1104"}, 25, (832, 1104)),
    ],
)
def test_good_bodies(path: str, body: dict[str, Any], credits: int, size: tuple[int, int]) -> None:
    model, findings = examine(path, body)
    assert not findings.issues
    assert model is not None
    assert (model.credits(body), model.size(body)) == (credits, size)


@pytest.mark.parametrize(
    ("path", "body", "code", "where"),
    [
        ("/v1/text_to_video", [], "invalid_type", ()),
        ("/v1/text_to_video", {}, "invalid_union", ("model",)),
        ("/v1/text_to_video", GEN45_TEXT | {"model": "gen9"}, "invalid_union", ("model",)),
        ("/v1/text_to_video", GEN45_TEXT | {"model": ["gen4.5"]}, "invalid_union", ("model",)),
        ("/v1/text_to_video", TURBO, "invalid_union", ("model",)),
        ("/v1/text_to_video", GEN45_TEXT | {"ratio": "1104:832"}, "invalid_value", ("ratio",)),
        ("/v1/text_to_video", GEN45_TEXT | {"duration": 11}, "too_big", ("duration",)),
        ("/v1/text_to_video", GEN45_TEXT | {"duration": 2.5}, "invalid_type", ("duration",)),
        ("/v1/text_to_video", GEN45_TEXT | {"duration": float("inf")}, "invalid_type", ("duration",)),
        ("/v1/text_to_video", GEN45_TEXT | {"duration": True}, "invalid_type", ("duration",)),
        ("/v1/text_to_video", GEN45_TEXT | {"promptText": ""}, "too_small", ("promptText",)),
        ("/v1/text_to_video", GEN45_TEXT | {"promptText": "😀" * 501}, "too_big", ("promptText",)),
        ("/v1/text_to_video", GEN45_TEXT | {"seed": 2**32}, "too_big", ("seed",)),
        ("/v1/text_to_video", VEO | {"duration": 5}, "invalid_value", ("duration",)),
        ("/v1/text_to_video", VEO | {"metadata": {}}, "unrecognized_keys", ()),
        ("/v1/image_to_video", {"model": "gen4_turbo", "promptImage": URL}, "invalid_type", ("ratio",)),
        ("/v1/image_to_video", TURBO | {"promptImage": 5}, "invalid_type", ("promptImage",)),
        ("/v1/image_to_video", TURBO | {"promptImage": []}, "too_small", ("promptImage",)),
        (
            "/v1/image_to_video",
            TURBO | {"promptImage": [{"uri": URL, "position": "last"}]},
            "invalid_value",
            ("promptImage", 0, "position"),
        ),
        ("/v1/character_performance", ACT_TWO | {"character": URL}, "invalid_type", ("character",)),
        (
            "/v1/character_performance",
            ACT_TWO | {"reference": {"type": "image", "uri": URL}},
            "invalid_value",
            ("reference", "type"),
        ),
        (
            "/v1/character_performance",
            ACT_TWO | {"expressionIntensity": 6},
            "too_big",
            ("expressionIntensity",),
        ),
        ("/v1/text_to_image", IMAGE | {"model": "gen4_image_turbo"}, "invalid_type", ("referenceImages",)),
        (
            "/v1/text_to_image",
            IMAGE | {"referenceImages": [{"uri": URL, "tag": "1st"}]},
            "invalid_format",
            ("referenceImages", 0, "tag"),
        ),
        ("/v1/text_to_image", SEEDREAM | {"outputCount": 5}, "too_big", ("outputCount",)),
        ("/v1/text_to_image", SEEDREAM | {"seed": 1}, "unrecognized_keys", ()),
        ("/v1/text_to_image", GPT_IMAGE | {"quality": "auto"}, "invalid_value", ("quality",)),
        ("/v1/video_to_video", HAILUO_EDIT | {"referenceVideos": 3 * [FILM]}, "too_big", ("referenceVideos",)),
        ("/v1/text_to_video", VEO | {"model": "veo3", "duration": 4}, "invalid_value", ("duration",)),
        ("/v1/text_to_speech", SPEECH | {"voice": "Maya"}, "invalid_type", ("voice",)),
        ("/v1/text_to_speech", SPEECH | {"voice": {"type": "custom"}}, "invalid_value", ("voice", "type")),
        ("/v1/text_to_speech", SPEECH | {"speed": 2}, "too_big", ("speed",)),
        ("/v1/text_to_speech", SPEECH | {"speed": float("inf")}, "invalid_type", ("speed",)),
        ("/v1/sound_effect", {"model": "mirelo_sfx_2_0", "promptText": "x"}, "invalid_type", ("duration",)),
        ("/v1/recipes/multi_shot_video", STOCK, "invalid_union", ("mode",)),
        ("/v1/recipes/multi_shot_video", STOCK | {"mode": "custom"}, "invalid_type", ("shots",)),
        ("/v1/recipes/product_ad", STOCK, "invalid_type", ("productImages",)),
    ],
)
def test_bad_bodies(path: str, body: object, code: str, where: tuple[str | int, ...]) -> None:
    _, findings = examine(path, body)
    assert [(issue.code, issue.path) for issue in findings.issues] == [(code, where)]


@pytest.mark.parametrize(
    ("path", "body", "credits", "size", "formats"),
    [
        ("/v1/text_to_image", IMAGE, 8, (1920, 1080), ("png",)),
        ("/v1/text_to_image", IMAGE | {"ratio": "1280:720"}, 5, (1280, 720), ("png",)),
        ("/v1/text_to_image", SEEDREAM | {"outputCount": 3, "outputFormat": "jpeg"}, 27, (2048, 2048), ("jpeg",) * 3),
        ("/v1/text_to_image", SEEDREAM | {"ratio": "auto_1k"}, 5, (1820, 1024), ("png",)),
        ("/v1/text_to_video", GEN45_TEXT | {"outputFormat": "png_sequence"}, 85, (1280, 720), ("png_sequence", "wav")),
        ("/v1/text_to_video", GEN45_TEXT | {"outputFormat": "hdr_prores"}, 160, (1280, 720), ("mov",)),
        ("/v1/text_to_video", HAILUO | {"ratio": "9:16", "resolution": "2k"}, 50, (2048, 3640), ("mp4",)),
        ("/v1/text_to_video", HAILUO | {"ratio": "adaptive"}, 50, (1280, 720), ("mp4",)),
        ("/v1/text_to_speech", SPEECH | {"promptText": "a" * 150}, 3, (1280, 720), ("mp3",)),
        ("/v1/sound_effect", SFX | {"numVariants": 2, "format": "wav"}, 6, (1280, 720), ("wav", "wav")),
        ("/v1/recipes/marketing_stock_image", STOCK, 40, (1280, 720), ("png",) * 4),
    ],
)
def test_sizes_prices_and_files(
    path: str, body: dict[str, Any], credits: int, size: tuple[int, int], formats: tuple[str, ...]
) -> None:
    model, findings = examine(path, body)
    assert not findings.issues
    assert model is not None
    assert (model.credits(body), model.size(body), model.formats(body)) == (credits, size, formats)


class Asked(dict[str, Bounds]):
    """Limits that record which places were read, and the default returned for each place without a limit."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.defaults: dict[str, Bounds] = {}
        self.found: set[str] = set()

    def get(self, place: str, default: Any = None) -> Any:
        if place in self:
            self.found.add(place)
        else:
            self.defaults[place] = default
        return super().get(place, default)


def test_every_number_has_bounds_and_every_bound_has_a_field() -> None:
    """A new number of the SDK needs bounds, and bounds of a removed field must go."""
    bounded: set[str] = set()
    found: set[str] = set()
    for path, operation in OPERATIONS.items():
        for model in operation.models.values():
            asked = Asked(limits_of(path, model.name))
            body_check([model.fields], asked)
            unbounded = {place for place, default in asked.defaults.items() if default[1] == float("inf")}
            assert unbounded <= {"cfgScale"}, f"{path} {model.name}: add bounds to limits.py"
            bounded, found = bounded | set(asked), found | asked.found
    assert found == bounded


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "https://a.b",
        "https://127.0.0.1/a.png",
        "https://[::1]/a.png",
        "https://2130706433/a.png",
        "https://127.1/a.png",
        "https://localhost/a.png",
        "https://me:secret@example.com/a.png",
        "https://example.com:port/a.png",
        "ftp://example.com/a.png",
        "https://example.com/" + "a" * 2048,
    ],
)
def test_urls_that_runway_rejects(url: str) -> None:
    with pytest.raises(UnusableMedia):
        check_url(url)


def test_data_uris() -> None:
    def uri(data: bytes, kind: str = "image/png") -> str:
        return f"data:{kind};base64,{base64.b64encode(data).decode()}"

    assert decode_data_uri(uri(b"bytes"), "image") == b"bytes"
    for bad in (uri(b"bytes", "video/mp4"), uri(b"b") + "!", "data:image/png,bytes"):
        with pytest.raises(UnusableMedia):
            decode_data_uri(bad, "image")
    with pytest.raises(UnusableMedia, match="exceeds"):
        decode_data_uri("data:image/png;base64," + "A" * MAX_DATA_URI_CHARACTERS, "image")


def test_files_are_identified_by_their_first_bytes() -> None:
    check_content(b"\x89PNG\r\n\x1a\n....", "image")
    check_content(b"RIFF....WEBP", "image")
    check_content(b"....ftypisom", "video")
    for sound in (b"ID3\4", b"\xff\xfb\x90", b"RIFF....WAVE", b"fLaC", b"OggS", b"....ftypM4A "):
        check_content(sound, "audio")
    for content, kind in (
        (b"GIF89a......", "image"),
        (b"....ftypisom", "image"),
        (b"\xff\xd8\xff", "video"),
        (b"\x89PNG\r\n\x1a\n....", "audio"),
    ):
        with pytest.raises(UnusableMedia):
            check_content(content, kind)  # type: ignore[arg-type]
