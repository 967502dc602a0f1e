"""What each generation endpoint accepts, as data: adding a model is one entry in OPERATIONS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.simulator.checks import (
    Check,
    Findings,
    either,
    flag,
    listed,
    media,
    one_of,
    record,
    text,
    whole,
)

Body = Mapping[str, Any]

LANDSCAPE, PORTRAIT = "1280:720", "720:1280"
GEN4_RATIOS = (LANDSCAPE, PORTRAIT, "1104:832", "960:960", "832:1104", "1584:672")
VEO_RATIOS = (LANDSCAPE, PORTRAIT, "1080:1920", "1920:1080")


@dataclass(frozen=True, slots=True)
class Model:
    """One model at one endpoint.

    check         of the whole body
    credit_rate   credits per second of output, given the body
    seconds       of output when the body decides nothing
    timed_by_body whether the model has a `duration`
    sized_by_body whether the model has a `ratio`; if not, the output is 1280x720
    """

    check: Check
    credit_rate: Callable[[Body], float]
    seconds: int = 5
    timed_by_body: bool = True
    sized_by_body: bool = True

    def size(self, body: Body) -> tuple[int, int]:
        """Width and height of the output in pixels."""
        ratio = body.get("ratio", LANDSCAPE) if self.sized_by_body else LANDSCAPE
        width, height = ratio.split(":")
        return int(width), int(height)

    def duration(self, body: Body) -> int:
        """Seconds of output."""
        return int(body.get("duration", self.seconds)) if self.timed_by_body else self.seconds

    def credits(self, body: Body) -> int:
        """What one generation costs."""
        return round(self.credit_rate(body) * self.duration(body))


_prompt = text(1, 1000)
_seed = whole(0, 2**32 - 1)
_moderation = record({"publicFigureThreshold": one_of("auto", "low")}, ())
_output_format = one_of(
    "mp4",
    "prores",
    "png_sequence",
    "hdr10",
    "hlg",
    "sdr_rec709_10bit",
    "hdr_pq_12bit_master",
    "hdr_prores",
    "hdr_png_sequence",
    "hdr_exr_sequence",
    "hdr_exr_acescg_sequence_1_3",
    "hdr_exr_acescg_sequence_2_0",
)
_prores_profile = one_of("422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ")


def _typed_media(kind: str) -> Check:
    check = media("image" if kind == "image" else "video")
    return record({"type": one_of(kind), "uri": check}, ("type", "uri"))


def _keyframes(*positions: str) -> Check:
    frame = record({"uri": media("image"), "position": one_of(*positions)}, ("uri", "position"))
    return either(listed(frame, 1, len(positions)), media("image"), is_first=lambda value: isinstance(value, list))


_character = either(
    _typed_media("video"),
    _typed_media("image"),
    is_first=lambda value: isinstance(value, dict) and value.get("type") == "video",
)


def _flat(rate: float) -> Callable[[Body], float]:
    return lambda body: rate


def _with_sound(silent: float, sound: float) -> Callable[[Body], float]:
    """Veo prices by its `audio` flag, which is on unless it is switched off."""
    return lambda body: silent if body.get("audio") is False else sound


def _gen45_rate(body: Body) -> float:
    surcharges = {"mp4": 0, "prores": 5, "png_sequence": 5}
    return 12 + surcharges.get(body.get("outputFormat", "mp4"), 20)


def _gen45(ratios: tuple[str, ...], more: Mapping[str, Check]) -> Model:
    fields = {
        **more,
        "promptText": _prompt,
        "ratio": one_of(*ratios),
        "duration": whole(2, 10),
        "seed": _seed,
        "contentModeration": _moderation,
        "outputFormat": _output_format,
        "proresProfile": _prores_profile,
    }
    return Model(record(fields, {*more, "promptText", "ratio", "duration"}), _gen45_rate)


def _veo31(rate: Callable[[Body], float], required: tuple[str, ...], more: Mapping[str, Check]) -> Model:
    fields = {
        **more,
        "model": text(1, 64),
        "promptText": _prompt,
        "ratio": one_of(*VEO_RATIOS),
        "duration": one_of(4, 6, 8),
        "negativePrompt": _prompt,
        "audio": flag,
        "seed": _seed,
    }
    return Model(record(fields, {*required, "ratio"}, strict=True), rate, seconds=8)


def _veo3(required: tuple[str, ...], more: Mapping[str, Check]) -> Model:
    fields = {
        **more,
        "promptText": _prompt,
        "ratio": one_of(*VEO_RATIOS),
        "duration": one_of(8),
        "negativePrompt": _prompt,
    }
    return Model(record(fields, {*required, "ratio", "duration"}), _flat(40), seconds=8)


_FIRST_AND_LAST: Final = {"promptImage": _keyframes("first", "last")}
_TEXT_TO_VIDEO: Final = {
    "gen4.5": _gen45((LANDSCAPE, PORTRAIT), {}),
    "veo3.1": _veo31(_with_sound(20, 40), ("promptText",), {}),
    "veo3.1_fast": _veo31(_with_sound(10, 15), ("promptText",), {}),
    "veo3": _veo3(("promptText",), {}),
}
_IMAGE_TO_VIDEO: Final = {
    "gen4.5": _gen45(GEN4_RATIOS, {"promptImage": _keyframes("first")}),
    "gen4_turbo": Model(
        record(
            {
                "promptImage": _keyframes("first"),
                "ratio": one_of(*GEN4_RATIOS),
                "promptText": _prompt,
                "duration": whole(2, 10),
                "seed": _seed,
                "contentModeration": _moderation,
            },
            ("promptImage", "ratio"),
        ),
        _flat(5),
    ),
    "veo3.1": _veo31(_with_sound(20, 40), ("promptImage",), _FIRST_AND_LAST),
    "veo3.1_fast": _veo31(_with_sound(10, 15), ("promptImage",), _FIRST_AND_LAST),
    "veo3": _veo3(("promptImage",), {"promptImage": _keyframes("first")}),
}
_VIDEO_TO_VIDEO: Final = {
    "gen4_aleph": Model(
        record(
            {
                "videoUri": media("video"),
                "promptText": _prompt,
                "references": listed(_typed_media("image"), 0, 1),
                "seed": _seed,
                "contentModeration": _moderation,
            },
            ("videoUri", "promptText"),
        ),
        _flat(15),
        timed_by_body=False,
        sized_by_body=False,
    ),
}
_CHARACTER_PERFORMANCE: Final = {
    "act_two": Model(
        record(
            {
                "character": _character,
                "reference": _typed_media("video"),
                "ratio": one_of(*GEN4_RATIOS),
                "bodyControl": flag,
                "expressionIntensity": whole(1, 5),
                "seed": _seed,
                "contentModeration": _moderation,
            },
            ("character", "reference"),
        ),
        _flat(5),
        timed_by_body=False,
    ),
}

OPERATIONS: Final[Mapping[str, Mapping[str, Model]]] = {
    "/v1/text_to_video": _TEXT_TO_VIDEO,
    "/v1/image_to_video": _IMAGE_TO_VIDEO,
    "/v1/video_to_video": _VIDEO_TO_VIDEO,
    "/v1/character_performance": _CHARACTER_PERFORMANCE,
}
MODELS: Final = tuple(sorted({name for models in OPERATIONS.values() for name in models}))


def examine(path: str, body: object) -> tuple[Model | None, Findings]:
    """The model that serves this create, None if there is none, and what is wrong with the body."""
    findings = Findings()
    if not isinstance(body, dict):
        findings.object_to("invalid_type", (), "Invalid input: expected object")
        return None, findings
    name = body.get("model")
    model = OPERATIONS[path].get(name) if isinstance(name, str) else None
    if model is None:
        # The code that a union discriminated by `model` reports.
        findings.object_to("invalid_union", ("model",), "Invalid input: no such model at this endpoint")
        return None, findings
    model.check(body, (), findings)
    return model, findings
