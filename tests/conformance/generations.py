"""Generations to ask for: at least one of every endpoint, of every model, and of every format of output.

Bodies are in the contract's words, as they go over the wire; Python's SDK has other names for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.catalogue import operation
from tests.unit.catalogue.catalogue_bodies import ENTRIES, MEDIA, minimal

IMAGE, VIDEO, AUDIO = MEDIA["image"], MEDIA["video"], MEDIA["audio"]
MAYA = {"type": "runway-preset", "presetId": "Maya"}
ROUTER = "conformance"
"""The slug of the model router that generations of `generate/…` name. The runner of the tests makes it."""

AT_ONCE = "[[sim:pending=0,seconds=0]]"
"""The shortest life at the simulator: the first poll finds the task ended."""


@dataclass(frozen=True)
class Generation:
    """One create. method: the SDKs' name of it, in Python's spelling; formats: of its outputs, None if unspecified."""

    name: str
    operation: str
    body: Mapping[str, Any]
    formats: list[str] | None = None

    @property
    def method(self) -> str:
        """`recipes/product_ad` → `recipes.product_ad`, `generate/video` → `generate.video.create`"""
        path = self.operation.replace("/", ".")
        return path if path.startswith("recipes.") else f"{path}.create"

    @property
    def model(self) -> str | None:
        """None where the operation has but one, or chooses."""
        return self.body.get("model")


_WRITTEN = [
    Generation(
        "text_to_video",
        "text_to_video",
        {
            "model": "gen4.5",
            "promptText": "a lamp",
            "ratio": "1280:720",
            "duration": 2,
            "seed": 7,
            "contentModeration": {"publicFigureThreshold": "low"},
        },
        ["mp4"],
    ),
    Generation(
        "text_to_video as a sequence",
        "text_to_video",
        {
            "model": "gen4.5",
            "promptText": "a lamp",
            "ratio": "1280:720",
            "duration": 2,
            "outputFormat": "hdr_exr_sequence",
        },
        ["zip", "wav"],
    ),
    Generation(
        "image_to_video with its first and last frame",
        "image_to_video",
        {
            "model": "veo3.1",
            "promptImage": [{"uri": IMAGE, "position": "first"}, {"uri": IMAGE, "position": "last"}],
            "ratio": "1280:720",
            "duration": 4,
        },
        ["mp4"],
    ),
    Generation(
        "video_to_video as a sequence",
        "video_to_video",
        {
            "model": "aleph2",
            "videoUri": VIDEO,
            "promptText": "winter",
            "outputFormat": "png_sequence",
            "keyframes": [{"uri": IMAGE, "seconds": 1}],
        },
        ["zip", "wav"],
    ),
    Generation(
        "video_to_video of another vendor",
        "video_to_video",
        {
            "model": "seedance2_5",
            "promptVideo": VIDEO,
            "references": [{"uri": IMAGE}],
            "outputFormat": "mov",
            "duration": 4,
            "ratio": "854:480",
        },
        ["mov"],
    ),
    Generation(
        "character_performance",
        "character_performance",
        {
            "model": "act_two",
            "character": {"type": "image", "uri": IMAGE},
            "reference": {"type": "video", "uri": VIDEO},
            "bodyControl": True,
            "expressionIntensity": 3,
        },
        ["mp4"],
    ),
    Generation(
        "text_to_image",
        "text_to_image",
        {
            "model": "gen4_image",
            "promptText": "@Ref",
            "ratio": "1920:1080",
            "referenceImages": [{"uri": IMAGE, "tag": "Ref"}],
        },
        ["png"],
    ),
    Generation(
        "text_to_image, several",
        "text_to_image",
        {
            "model": "seedream5_pro",
            "promptText": "a lamp",
            "ratio": "1024:1024",
            "outputCount": 3,
            "outputFormat": "jpeg",
        },
        ["jpg"] * 3,
    ),
    Generation(
        "text_to_image as WebP",
        "text_to_image",
        {"model": "recraft_v4_1_flash", "promptText": "a lamp", "ratio": "768:1344", "outputFormat": "webp"},
        ["webp"],
    ),
    Generation(
        "text_to_image, drawn",
        "text_to_image",
        {"model": "recraft_v4_1_vector", "promptText": "a lamp", "ratio": "1024:1024"},
        ["svg"],
    ),
    Generation(
        "image_upscale",
        "image_upscale",
        {"model": "magnific_precision_upscaler_v2", "imageUri": IMAGE, "scaleFactor": 2},
        ["png"],
    ),
    Generation(
        "video_upscale",
        "video_upscale",
        {"model": "magnific_video_upscaler_creative", "videoUri": VIDEO, "resolution": "720p"},
        ["mp4"],
    ),
    Generation("video_to_hdr", "video_to_hdr", {"model": "ruby", "videoUri": VIDEO}, ["mp4"]),
    Generation(
        "video_to_audio",
        "video_to_audio",
        {"model": "mirelo_sfx_2_0", "videoUri": VIDEO, "duration": 5},
        ["mp3"],
    ),
    Generation(
        "sound_effect",
        "sound_effect",
        {"model": "eleven_text_to_sound_v2", "promptText": "thunder", "duration": 2.5, "loop": False},
        ["mp3"],
    ),
    Generation(
        "sound_effect, several",
        "sound_effect",
        {"model": "mirelo_sfx_2_0", "promptText": "thunder", "duration": 2, "format": "flac", "numVariants": 2},
        ["flac"] * 2,
    ),
    Generation(
        "text_to_speech",
        "text_to_speech",
        {"model": "eleven_multilingual_v2", "promptText": "hello", "voice": MAYA},
        ["mp3"],
    ),
    Generation(
        "text_to_speech as Ogg",
        "text_to_speech",
        {"model": "seed_audio", "promptText": "hello", "outputFormat": "ogg_opus"},
        ["ogg"],
    ),
    Generation(
        "speech_to_speech",
        "speech_to_speech",
        {"model": "eleven_multilingual_sts_v2", "media": {"type": "audio", "uri": AUDIO}, "voice": MAYA},
        ["mp3"],
    ),
    Generation(
        "voice_dubbing",
        "voice_dubbing",
        {"model": "eleven_voice_dubbing", "audioUri": AUDIO, "targetLang": "es"},
        ["mp3"],
    ),
    Generation("voice_isolation", "voice_isolation", {"model": "eleven_voice_isolation", "audioUri": AUDIO}, ["mp3"]),
    Generation(
        "avatar_videos",
        "avatar_videos",
        {
            "model": "gwm1_avatars",
            "avatar": {"type": "runway-preset", "presetId": "cat-character"},
            "speech": {"type": "text", "text": "hello", "voice": {"type": "preset", "presetId": "clara"}},
        },
        ["mp4"],
    ),
    Generation(
        "generate/video",
        "generate/video",
        {
            "configId": ROUTER,
            "input": {"promptText": "a lamp", "duration": 4, "referenceImages": [{"uri": IMAGE, "role": "first"}]},
        },
        ["mp4"],
    ),
    Generation(
        "generate/image",
        "generate/image",
        {"configId": ROUTER, "input": {"promptText": "a lamp", "aspectRatio": "16:9", "outputCount": 2}},
        ["png"] * 2,
    ),
    Generation(
        "generate/audio",
        "generate/audio",
        {"configId": ROUTER, "input": {"type": "speech", "promptText": "hello"}},
        ["mp3"],
    ),
    Generation(
        "ad_localization",
        "recipes/ad_localization",
        {"referenceImage": {"uri": IMAGE}, "targetLanguage": "de", "version": "2026-06"},
        ["png"],
    ),
    Generation(
        "marketing_stock_image",
        "recipes/marketing_stock_image",
        {"prompt": "a lamp", "version": "2026-06"},
        ["png"] * 4,
    ),
    Generation(
        "multi_shot_video",
        "recipes/multi_shot_video",
        {"mode": "auto", "prompt": "a story", "version": "2026-06", "duration": 5},
        ["mp4"],
    ),
    Generation(
        "multi_shot_video, custom",
        "recipes/multi_shot_video",
        {"mode": "custom", "shots": [{"prompt": "one", "duration": 1}] * 5, "version": "2026-06", "duration": 5},
        ["mp4"],
    ),
    Generation(
        "product_ad",
        "recipes/product_ad",
        {"productImages": [{"uri": IMAGE}], "version": "2026-07", "duration": 4},
        ["mp4"],
    ),
    Generation(
        "product_campaign_image",
        "recipes/product_campaign_image",
        {"image": {"uri": IMAGE}, "prompt": "a lamp", "version": "2026-06"},
        ["png"],
    ),
    Generation(
        "product_swap",
        "recipes/product_swap",
        {
            "newProductImages": [{"uri": IMAGE}],
            "originalProductImage": {"uri": IMAGE},
            "referenceVideo": {"uri": VIDEO},
            "version": "2026-06",
            "duration": 4,
        },
        ["mp4"],
    ),
    Generation(
        "product_ugc",
        "recipes/product_ugc",
        {"characterImage": {"uri": IMAGE}, "productImage": {"uri": IMAGE}, "version": "2026-06", "duration": 4},
        ["mp4"],
    ),
]


def _of_the_other_models() -> Iterator[Generation]:
    """Made from the catalogue, for all models that none is written of; a model that is added there is tested too."""
    written = {(each.operation, each.model) for each in _WRITTEN}
    for name, model in ENTRIES:
        if operation(name).sole_model is None and (name, model.name) not in written:
            more = {"promptText": "a lamp"} if "promptText" in (model.parameters or {}) else {}
            yield Generation(f"{name} {model.name}", name, {"model": model.name, **minimal(model, **more)})


WRITTEN = {each.name: each for each in _WRITTEN}
"""By name. They cover every endpoint, and use what the SDKs nest and rename."""

GENERATIONS = WRITTEN | {each.name: each for each in _of_the_other_models()}


def at_once(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body as one that the simulator finishes at once."""
    asked, found = _with_scenario(dict(body), AT_ONCE)
    assert found, body
    return asked  # type: ignore[no-any-return]


def _with_scenario(value: Any, scenario: str) -> tuple[Any, bool]:
    """The value, with the scenario in the first prompt or link in it, and whether there was one."""
    if isinstance(value, dict | list):
        made: Any = value.copy()
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key in _WORDS and isinstance(inner, str):
                made[key], found = f"{inner} {scenario}", True
            else:
                made[key], found = _with_scenario(inner, scenario)
            if found:
                return made, True
    if isinstance(value, str) and value in MEDIA.values():
        return f"{value}?{scenario}", True
    return value, False


_WORDS = ("promptText", "prompt", "text")
