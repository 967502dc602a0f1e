"""Videos made from videos, and performances: video_to_video, character_performance, upscales, HDR, avatars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.simulator.checks import Check, flag, listed, media, one_of, record, tagged, text, whole
from local.simulator.contract import ratios
from local.simulator.contract.fields import AVATAR, LIVE_VOICES, PROMPT_1000, typed_media, uris
from local.simulator.contract.model import Body, Model, fields, per_second
from local.simulator.contract.videos import (
    GUESSED_RATE,
    HAILUO,
    KLING_O3,
    OMNI,
    OMNI_11,
    SEEDANCE,
    SEEDANCE_25,
    clip,
    surcharged,
    vendor,
)

SPOKEN_CHARACTERS_PER_SECOND: Final = 15
LONGEST_SPEECH_SECONDS: Final = 60

VIDEO_TO_VIDEO: Final = {
    "aleph2": clip(
        "videoUri! promptText keyframes ratio seed contentModeration outputFormat proresProfile targetAspectRatio",
        rate=surcharged(28),
        sized=False,
        checks={"promptText": PROMPT_1000, "outputFormat": one_of("mp4", "prores", "png_sequence", "sdr_rec709_10bit")},
    ),
    "gen4_aleph": clip(
        "videoUri! promptText! references seed contentModeration",
        rate=15,
        checks={"promptText": PROMPT_1000, "references": listed(typed_media("image"), 0, 1)},
    ),
    "gemini_omni_flash": clip("promptText! videoUri! references", checks=OMNI | {"references": uris("image", 0, 5)}),
    "gemini_omni_flash_1.1": clip(
        "promptText! videoUri! ratio duration mode references", ratios.OMNI_11, checks=OMNI_11
    ),
    "hailuo3": vendor(
        "promptText! promptVideo! ratio duration references referenceAudio referenceVideos resolution",
        ratios.HAILUO,
        checks=HAILUO,
    ),
    "kling_4": vendor("promptText! videoUri! ratio references", ratios.AUTO_HD),
    "klingO3_standard": vendor("promptText! promptVideo! providerSettings references", checks=KLING_O3),
    "klingO3_pro": vendor("promptText! promptVideo! providerSettings references", checks=KLING_O3),
    "klingO3_4k": vendor("promptText! promptVideo! providerSettings references", checks=KLING_O3),
    "seedance2": vendor(
        "promptVideo! promptText ratio duration audio references referenceAudio referenceVideos seed",
        ratios.SEEDANCE,
        rate=36,
        checks=SEEDANCE,
    ),
    "seedance2_fast": vendor(
        "promptVideo! promptText ratio duration audio references referenceAudio referenceVideos seed",
        ratios.SEEDANCE_FAST,
        checks=SEEDANCE,
    ),
    "seedance2_mini": vendor(
        "promptVideo! promptText ratio duration audio references referenceAudio referenceVideos seed",
        ratios.SEEDANCE_FAST,
        checks=SEEDANCE,
    ),
    "seedance2_5": vendor(
        "promptVideo! promptText ratio duration audio draft mode outputFormat references referenceAudio "
        "referenceVideos seed",
        ratios.SEEDANCE_25,
        rate=45,
        checks=SEEDANCE_25,
    ),
}

CHARACTER_PERFORMANCE: Final = {
    "act_two": clip(
        "character! reference! ratio bodyControl expressionIntensity seed contentModeration",
        ratios.GEN4,
        rate=5,
        checks={
            "character": tagged("type", {"image": typed_media("image"), "video": typed_media("video")}),
            "reference": typed_media("video"),
            "bodyControl": flag,
            "expressionIntensity": whole(1, 5),
        },
    ),
}

_percent = whole(0, 100)
VIDEO_UPSCALE: Final = {
    "magnific_video_upscaler_creative": vendor(
        "videoUri! creativity flavor fpsBoost resolution sharpen smartGrain",
        rate=24,
        checks={
            "creativity": _percent,
            "flavor": one_of("vivid", "natural"),
            "fpsBoost": flag,
            "resolution": one_of("720p", "1k", "2k", "4k"),
            "sharpen": _percent,
            "smartGrain": _percent,
        },
    ),
    "enhance_frame_rate": vendor(
        "videoUri! targetFramerate!",
        checks={"targetFramerate": one_of("24", "25", "30", "48", "50", "60", "120", "23_98", "29_97", "59_94")},
    ),
    "upscale_v1": clip("videoUri!", rate=2),
}
VIDEO_TO_HDR: Final = {
    "ruby": vendor(
        "videoUri! outputFormat proresProfile",
        rate=20,
        checks={
            "outputFormat": one_of(
                "hdr10",
                "hlg",
                "hdr_prores",
                "hdr_exr_sequence",
                "hdr_exr_acescg_sequence_1_3",
                "hdr_exr_acescg_sequence_2_0",
            ),
            "proresProfile": one_of("422", "4444", "422 HQ"),
        },
    ),
}

_speech = tagged(
    "type",
    {
        "audio": record({"audio": media("audio")}, ("audio",)),
        "text": record(
            {
                "text": text(1, 5000),
                "voice": tagged(
                    "type",
                    {
                        "preset": record({"presetId": one_of(*LIVE_VOICES)}, ("presetId",)),
                        "custom": record({"id": text(1, 100)}, ("id",)),
                    },
                ),
            },
            ("text",),
        ),
    },
)


def speaking_seconds(words: Any) -> float:
    """How long it takes to say this, in whole seconds; 5 for what is no text."""
    if not isinstance(words, str):
        return 5
    return max(1, min(LONGEST_SPEECH_SECONDS, round(len(words) / SPOKEN_CHARACTERS_PER_SECOND)))


def _speech_seconds(body: Body) -> float:
    speech = body.get("speech")
    return speaking_seconds(speech.get("text") if isinstance(speech, Mapping) else None)


_avatar_video: Final[Mapping[str, Check]] = {"avatar": AVATAR, "speech": _speech}
AVATAR_VIDEOS: Final = {
    "gwm1_avatars": Model(
        fields("avatar! speech!", _avatar_video, {}, strict=False),
        per_second(GUESSED_RATE),
        seconds=_speech_seconds,
        has=frozenset(_avatar_video),
    ),
}
