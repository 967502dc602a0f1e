"""Endpoints whose outputs are images. Prices that no source states are made up: 5 credits an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from local.simulator.checks import Check, flag, listed, matching, media, one_of, text, whole
from local.simulator.contract import ratios
from local.simulator.contract.fields import MODERATION, PROMPT, PROMPT_1000, SEED, uris
from local.simulator.contract.model import NONE, Body, Model, field_names, fields, per_output
from local.simulator.contract.ratios import Ratios

GUESSED_PRICE: Final = 5
_FULL_HD_PIXELS: Final = 1_000_000
_FIELDS: Final[Mapping[str, Check]] = {
    "background": one_of("transparent", "opaque", "auto"),
    "backgroundColor": text(1, 64),
    "colors": listed(text(1, 64), 0, 32),
    "contentModeration": MODERATION,
    "edit": flag,
    "grounding": flag,
    "maskUri": media("image"),
    "outputCount": whole(1, 10),
    "outputFormat": one_of("png", "jpeg", "webp"),
    "preciseEdit": flag,
    "promptText": PROMPT,
    "quality": one_of("very_low", "low", "medium", "high", "xhigh", "max", "auto"),
    "ratio": text(1, 32),
    "seed": SEED,
    "thinkingLevel": one_of("minimal", "medium", "high"),
}


def output_count(body: Body) -> int:
    """How many images."""
    return int(body.get("outputCount", 1))


def _files(kind: str) -> Callable[[Body], tuple[str, ...]]:
    return lambda body: (str(body.get("outputFormat", kind)),) * output_count(body)


def image(
    names: str,
    offered: Ratios = (),
    checks: Mapping[str, Check] = NONE,
    *,
    price: float | Callable[[Body], float] = GUESSED_PRICE,
    references: tuple[int, int] = (0, 14),
    strict: bool = False,
    kind: str = "png",
) -> Model:
    """A model that makes images of a ratio, with so many reference images at least and at most."""
    tag = matching(r"[A-Za-z]\w*", 16)
    known = {**_FIELDS, "referenceImages": uris("image", *references, tag=tag, subject=one_of("object", "human"))}
    if offered:
        checks = {**checks, "ratio": one_of(*offered)}
    return Model(
        fields(names, known, checks, strict=strict),
        per_output(price, output_count),
        _files(kind),
        offered,
        has=field_names(names),
    )


def _vendor(names: str, offered: Ratios = (), **settings: Any) -> Model:
    return image(names, offered, strict=True, **settings)


def _by_size(small: float, large: float, above_pixels: int) -> Callable[[Body], float]:
    def price(body: Body) -> float:
        width, _, height = str(body.get("ratio", "")).partition(":")
        known = width.isdecimal() and height.isdecimal()
        return large if known and int(width) * int(height) > above_pixels else small

    return price


_few = whole(1, 4)
_one_or_four = one_of(1, 4)
_png_or_jpeg = one_of("png", "jpeg")

TEXT_TO_IMAGE: Final = {
    "gen4_image": image(
        "promptText! ratio! referenceImages contentModeration seed",
        ratios.GEN4_IMAGE,
        price=_by_size(5, 8, _FULL_HD_PIXELS),
        references=(0, 3),
        checks={"promptText": PROMPT_1000},
    ),
    "gen4_image_turbo": image(
        "promptText! ratio! referenceImages! contentModeration seed",
        ratios.GEN4_IMAGE,
        price=2,
        references=(1, 3),
        checks={"promptText": PROMPT_1000},
    ),
    "gemini_2.5_flash": image(
        "promptText! ratio! referenceImages", ratios.GEMINI_25, references=(0, 3), checks={"promptText": text(1, 5500)}
    ),
    "gemini_image3_pro": image(
        "promptText! ratio! referenceImages outputCount",
        ratios.GEMINI_3_PRO,
        price=_by_size(20, 40, 9_000_000),
        checks={"promptText": text(1, 5500), "outputCount": _one_or_four},
    ),
    "gemini_image3.1_flash": image(
        "promptText! ratio! referenceImages outputCount",
        ratios.GEMINI_31_FLASH,
        checks={"promptText": text(1, 5500), "outputCount": _one_or_four},
    ),
    "gemini_image3.1_flash_lite": image(
        "promptText! ratio! referenceImages outputCount", ratios.GEMINI_31_LITE, checks={"outputCount": _one_or_four}
    ),
    "gpt_image_2": _vendor(
        "promptText! ratio! referenceImages outputCount quality background", ratios.GPT_IMAGE, references=(0, 16)
    ),
    "gpt_image_2_5_flare": _vendor(
        "promptText! ratio! referenceImages outputCount quality background",
        ratios.GPT_IMAGE,
        references=(0, 16),
        checks={"background": one_of("opaque", "auto")},
    ),
    "gpt_image_2_5_sunburst": _vendor(
        "promptText! ratio! referenceImages outputCount quality background", ratios.GPT_IMAGE, references=(0, 16)
    ),
    "bria_fibo_1_5": _vendor(
        "promptText! ratio! referenceImages outputFormat seed",
        ratios.BRIA,
        references=(0, 1),
        checks={"outputFormat": _png_or_jpeg},
    ),
    "bria_fibo_edit_1_5": _vendor(
        "promptText! ratio referenceImages outputFormat seed", ratios.BRIA_EDIT, checks={"outputFormat": _png_or_jpeg}
    ),
    "grok_imagine_image_2": _vendor(
        "promptText! ratio! referenceImages outputCount edit quality",
        ratios.GROK_IMAGE,
        references=(0, 3),
        checks={"quality": one_of("low", "medium")},
    ),
    "ideogram_4_0": _vendor(
        "promptText! ratio referenceImages outputCount quality",
        ratios.IDEOGRAM_40,
        checks={"quality": one_of("low", "medium", "high")},
    ),
    "ideogram_4_5": _vendor(
        "promptText! ratio referenceImages outputCount quality maskUri preciseEdit",
        ratios.IDEOGRAM_45,
        references=(0, 5),
        checks={"quality": one_of("very_low", "low", "medium", "high")},
    ),
    "muse_image": _vendor(
        "promptText! ratio! referenceImages outputCount outputFormat", ratios.MUSE, references=(0, 10)
    ),
    "nano_banana_2.1": _vendor("promptText! ratio! referenceImages outputCount thinkingLevel", ratios.NANO_BANANA),
    "recraft_v4_1_flash": _vendor(
        "promptText! ratio! outputCount outputFormat backgroundColor colors seed",
        ratios.RECRAFT,
        checks={"outputFormat": one_of("webp", "png")},
    ),
    "recraft_v4_1_vector": _vendor("promptText! ratio backgroundColor colors", ratios.RECRAFT_VECTOR, kind="svg"),
    "seedream5_flash": _vendor(
        "promptText! ratio! referenceImages outputCount outputFormat",
        ratios.SEEDREAM_FLASH,
        checks={"outputFormat": _png_or_jpeg},
    ),
    "seedream5_lite": _vendor(
        "promptText! ratio! referenceImages outputCount outputFormat grounding",
        price=4,
        checks={"promptText": text(1, 4000), "outputCount": _few, "outputFormat": _png_or_jpeg},
    ),
    "seedream5_pro": _vendor(
        "promptText! ratio! referenceImages outputCount outputFormat grounding",
        ratios.SEEDREAM_PRO,
        price=_by_size(5, 9, 2_000_000),
        references=(0, 10),
        checks={"promptText": text(1, 4000), "outputCount": _few, "outputFormat": _png_or_jpeg},
    ),
}

_percent = whole(0, 100)
_UPSCALE: Final[Mapping[str, Check]] = {
    "imageUri": media("image"),
    "flavor": one_of("sublime", "photo", "photo_denoiser"),
    "scaleFactor": one_of(2, 4, 8, 16),
    "sharpen": _percent,
    "smartGrain": _percent,
    "ultraDetail": _percent,
}
IMAGE_UPSCALE: Final = {
    "magnific_precision_upscaler_v2": Model(
        fields("imageUri! flavor scaleFactor sharpen smartGrain ultraDetail", _UPSCALE, {}, strict=True),
        per_output(GUESSED_PRICE),
        lambda body: ("png",),
        has=frozenset(_UPSCALE),
    ),
}
