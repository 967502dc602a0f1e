"""Videos made from texts and images.

Prices that no source states are made up: 10 credits a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from local.simulator.checks import Check, flag, listed, one_of, text
from local.simulator.contract import ratios
from local.simulator.contract.fields import FIELDS, PROMPT_1000, keyframes, seconds, typed_media, uris
from local.simulator.contract.model import NONE, Body, Model, field_names, fields, per_second
from local.simulator.contract.ratios import Ratios

GUESSED_RATE: Final = 10
# What each `outputFormat` is delivered as; a sequence comes as a ZIP with its sound beside it.
_DELIVERED: Final[Mapping[str, tuple[str, ...]]] = {
    "mov": ("mov",),
    "prores": ("mov",),
    "hdr_prores": ("mov",),
    "png_sequence": ("png_sequence", "wav"),
    "hdr_png_sequence": ("png_sequence", "wav"),
    "hdr_exr_sequence": ("exr_sequence", "wav"),
    "hdr_exr_acescg_sequence_1_3": ("exr_sequence", "wav"),
    "hdr_exr_acescg_sequence_2_0": ("exr_sequence", "wav"),
}


def delivered(body: Body) -> tuple[str, ...]:
    """The files that `outputFormat` asks for."""
    return _DELIVERED.get(str(body.get("outputFormat")), ("mp4",))


def clip(
    names: str,
    offered: Ratios = (),
    checks: Mapping[str, Check] = NONE,
    *,
    rate: float | Callable[[Body], float] = GUESSED_RATE,
    lasts: float = 5,
    strict: bool = False,
    sized: bool = True,
) -> Model:
    """A model that makes one clip. offered: its ratios; lasts: seconds if the body decides nothing.

    sized: whether a ratio in the body decides the size; only Runway's older models ignore it.
    """
    if offered:
        checks = {**checks, "ratio": one_of(*offered)}
    return Model(
        fields(names, FIELDS, checks, strict=strict),
        per_second(rate),
        delivered,
        offered,
        lasts,
        field_names(names),
        sized,
    )


def vendor(names: str, offered: Ratios = (), **settings: Any) -> Model:
    """Models of other vendors refuse fields that they do not know."""
    return clip(names, offered, strict=True, **settings)


def _with_sound(silent: float, sound: float) -> Callable[[Body], float]:
    """Veo prices by its `audio` flag, which is on unless it is switched off."""
    return lambda body: silent if body.get("audio") is False else sound


def surcharged(rate: float) -> Callable[[Body], float]:
    """gen4.5 and aleph2 charge for what is not a plain MP4, most for more than eight bits."""
    surcharges = {"mp4": 0, "prores": 5, "png_sequence": 5}
    return lambda body: rate + surcharges.get(body.get("outputFormat", "mp4"), 20)


_veo_prompts: Final = {"promptText": PROMPT_1000, "negativePrompt": PROMPT_1000}
_veo31: Final = {**_veo_prompts, "duration": one_of(4, 6, 8)}
_veo3: Final = {**_veo_prompts, "duration": one_of(8)}
_turbo: Final = {"promptText": PROMPT_1000, "duration": seconds(2, 10), "promptImage": keyframes("first")}
OMNI: Final = {"promptText": text(1, 4000), "duration": seconds(3, 10), "promptImage": keyframes("first")}
OMNI_11: Final = {"duration": seconds(3, 10, auto=True)}
_kling25: Final = {"duration": one_of(5, 10)}
HAILUO: Final = {
    "promptText": text(1, 6000),
    "duration": seconds(5, 15),
    "promptImage": keyframes("first", "last", references=9),
    "resolution": one_of("768p", "2k", "768P", "2K"),
}
_happyhorse: Final = {"promptText": text(2, 2500), "duration": seconds(3, 15), "promptImage": keyframes("first")}
_grok: Final = {"promptImage": keyframes("first"), "resolution": one_of("480p", "720p", "1080p")}
_wan: Final = {"promptImage": keyframes("first", "last", references=10)}
_h3: Final = {"resolution": one_of("480p", "768p")}
KLING_4: Final = {"promptImage": keyframes("first", "last", references=10)}
KLING_O3: Final = {"references": keyframes("first", "last", references=7)}
SEEDANCE: Final = {
    "promptText": text(1, 3500),
    "duration": seconds(4, 15, auto=True),
    "promptImage": keyframes("first", "last", references=9),
    "references": uris("image", 0, 9),
    "referenceAudio": listed(typed_media("audio"), 0, 3),
    "referenceVideos": listed(typed_media("video"), 0, 3),
}
SEEDANCE_25: Final = {
    "promptText": text(1, 15_000),
    "duration": seconds(4, 30, auto=True),
    "promptImage": keyframes("first", "last", references=30),
    "outputFormat": one_of("mp4", "mov"),
}


TEXT_TO_VIDEO: Final = {
    "gen4.5": clip(
        "promptText! ratio! duration! seed contentModeration outputFormat proresProfile",
        ratios.WIDE_OR_TALL,
        rate=surcharged(12),
        checks=_turbo,
    ),
    "veo3.1": vendor(
        "promptText! ratio! duration negativePrompt audio seed",
        ratios.VEO,
        rate=_with_sound(20, 40),
        lasts=8,
        checks=_veo31,
    ),
    "veo3.1_fast": vendor(
        "promptText! ratio! duration negativePrompt audio seed",
        ratios.VEO,
        rate=_with_sound(10, 15),
        lasts=8,
        checks=_veo31,
    ),
    "veo3": clip("promptText! ratio! duration! negativePrompt", ratios.VEO, rate=40, lasts=8, checks=_veo3),
    "gemini_omni_flash": clip("promptText! ratio duration", ratios.WIDE_OR_TALL, checks=OMNI),
    "gemini_omni_flash_1.1": clip(
        "promptText! ratio duration references referenceVideos", ratios.OMNI_11, checks=OMNI_11
    ),
    "grok_imagine_1_5": vendor(
        "promptText! ratio duration references referenceAudio resolution", ratios.GROK, checks=_grok
    ),
    "grok_imagine_1_5_lite": vendor("promptText! ratio duration", ratios.GROK_LITE),
    "h3_max": vendor("promptText! duration promptExpansionMode resolution seed", checks=_h3),
    "hailuo3": vendor(
        "promptText! ratio duration references referenceAudio referenceVideos resolution", ratios.HAILUO, checks=HAILUO
    ),
    "happyhorse_1_0": vendor("promptText! ratio duration", ratios.HAPPYHORSE, checks=_happyhorse),
    "kling2.5_turbo_pro": vendor("promptText! ratio duration cfgScale", ratios.KLING_25, checks=_kling25),
    "kling3.0_standard": vendor("ratio! promptText duration audio cfgScale providerSettings", ratios.KLING_STANDARD),
    "kling3.0_pro": vendor("ratio! promptText duration audio cfgScale providerSettings", ratios.KLING_PRO),
    "kling3.0_4k": vendor("ratio! promptText duration audio cfgScale providerSettings", ratios.KLING_4K),
    "klingO3_standard": vendor("ratio! promptText duration audio providerSettings", ratios.KLING_STANDARD),
    "klingO3_pro": vendor("ratio! promptText duration audio providerSettings", ratios.KLING_PRO),
    "klingO3_4k": vendor("ratio! promptText duration audio providerSettings", ratios.KLING_4K),
    "kling_4": vendor("promptText! ratio duration references referenceVideos", ratios.KLING_4),
    "seedance2": vendor(
        "promptText! ratio duration audio references referenceAudio referenceVideos seed",
        ratios.SEEDANCE,
        rate=36,
        checks=SEEDANCE,
    ),
    "seedance2_fast": vendor(
        "promptText! ratio duration audio references referenceAudio referenceVideos seed",
        ratios.SEEDANCE_FAST,
        checks=SEEDANCE,
    ),
    "seedance2_mini": vendor(
        "promptText! ratio duration audio references referenceAudio referenceVideos seed",
        ratios.SEEDANCE_FAST,
        checks=SEEDANCE,
    ),
    "seedance2_5": vendor(
        "promptText ratio duration audio draft draftTaskId outputFormat references referenceAudio referenceVideos seed",
        ratios.SEEDANCE_25,
        rate=30,
        checks=SEEDANCE_25,
    ),
    "wan3": vendor(
        "promptText! ratio duration audio references referenceAudio referenceVideos", ratios.WAN, checks=_wan
    ),
    "wan3_prime": vendor(
        "promptText! ratio duration audio references referenceAudio referenceVideos", ratios.WAN, checks=_wan
    ),
}

IMAGE_TO_VIDEO: Final = {
    "gen4.5": clip(
        "promptImage! promptText! ratio! duration! seed contentModeration outputFormat proresProfile",
        ratios.GEN4,
        rate=surcharged(12),
        checks=_turbo,
    ),
    "gen4_turbo": clip(
        "promptImage! ratio! promptText duration seed contentModeration", ratios.GEN4, rate=5, checks=_turbo
    ),
    "gen3a_turbo": clip(
        "promptImage! promptText ratio duration seed contentModeration watermark",
        (*ratios.GEN3A, *ratios.GEN4),
        rate=5,
        checks=_turbo | {"promptText": text(1, 512), "duration": one_of(5, 10), "watermark": flag},
    ),
    "veo3.1": vendor(
        "promptImage! ratio! promptText duration negativePrompt audio seed",
        ratios.VEO,
        rate=_with_sound(20, 40),
        lasts=8,
        checks=_veo31,
    ),
    "veo3.1_fast": vendor(
        "promptImage! ratio! promptText duration negativePrompt audio seed",
        ratios.VEO,
        rate=_with_sound(10, 15),
        lasts=8,
        checks=_veo31,
    ),
    "veo3": clip(
        "promptImage! ratio! duration! promptText negativePrompt",
        ratios.VEO,
        rate=40,
        lasts=8,
        checks=_veo3 | {"promptImage": keyframes("first")},
    ),
    "gemini_omni_flash": clip("promptImage! promptText ratio duration", ratios.WIDE_OR_TALL, checks=OMNI),
    "gemini_omni_flash_1.1": clip("promptImage! promptText! ratio duration", ratios.OMNI_11, checks=OMNI_11),
    "grok_imagine_1_5": vendor("promptImage! promptText duration resolution", checks=_grok),
    "grok_imagine_1_5_lite": vendor("promptImage! promptText ratio duration", ratios.AUTO, checks=_grok),
    "h3_max": vendor("promptImage! promptText! duration promptExpansionMode resolution seed", checks=_h3),
    "hailuo3": vendor(
        "promptImage! promptText! ratio duration referenceAudio resolution", ratios.HAILUO, checks=HAILUO
    ),
    "happyhorse_1_0": vendor(
        "promptImage! promptText duration resolution",
        checks=_happyhorse | {"resolution": one_of("720p", "1080p", "720P", "1080P")},
    ),
    "kling2.5_turbo_pro": vendor("promptImage! promptText! duration cfgScale", checks=_kling25),
    "kling3.0_standard": vendor(
        "promptImage! promptText ratio duration audio cfgScale providerSettings", ratios.KLING_STANDARD
    ),
    "kling3.0_pro": vendor("promptImage! promptText ratio duration audio cfgScale providerSettings", ratios.KLING_PRO),
    "kling3.0_4k": vendor("promptImage! promptText ratio duration audio cfgScale providerSettings", ratios.KLING_4K),
    "klingO3_standard": vendor(
        "promptImage! promptText ratio duration audio providerSettings references",
        ratios.KLING_STANDARD,
        checks=KLING_O3,
    ),
    "klingO3_pro": vendor(
        "promptImage! promptText ratio duration audio providerSettings references", ratios.KLING_PRO, checks=KLING_O3
    ),
    "klingO3_4k": vendor(
        "promptImage! promptText ratio duration audio providerSettings references", ratios.KLING_4K, checks=KLING_O3
    ),
    "kling_4": vendor(
        "promptImage! promptText ratio duration references referenceVideos", ratios.AUTO_HD, checks=KLING_4
    ),
    "seedance2": vendor(
        "promptImage! promptText ratio duration audio referenceAudio seed", ratios.SEEDANCE, rate=36, checks=SEEDANCE
    ),
    "seedance2_fast": vendor(
        "promptImage! promptText ratio duration audio referenceAudio seed", ratios.SEEDANCE_FAST, checks=SEEDANCE
    ),
    "seedance2_mini": vendor(
        "promptImage! promptText ratio duration audio referenceAudio seed", ratios.SEEDANCE_FAST, checks=SEEDANCE
    ),
    "seedance2_5": vendor(
        "promptImage! promptText ratio duration audio draft outputFormat referenceAudio seed",
        ratios.SEEDANCE_25,
        rate=30,
        checks=SEEDANCE_25,
    ),
    "wan3": vendor(
        "promptImage! promptText! ratio duration audio referenceAudio referenceVideos", ratios.WAN, checks=_wan
    ),
    "wan3_prime": vendor(
        "promptImage! promptText! ratio duration audio referenceAudio referenceVideos", ratios.WAN, checks=_wan
    ),
}
