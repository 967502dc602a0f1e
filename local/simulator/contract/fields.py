"""Fields that many models share, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.simulator.checks import (
    Check,
    MediaKind,
    either,
    flag,
    listed,
    media,
    number,
    one_of,
    record,
    tagged,
    text,
    whole,
)
from local.simulator.contract.model import words

PRESET_VOICES: Final = words(
    "Maya Arjun Serene Bernard Billy Mark Clint Mabel Chad Leslie Eleanor Elias Elliot Grungle Brodie Sandra Kirk "
    "Kylie Lara Lisa Malachi Marlene Martin Miriam Monster Paula Pip Rusty Ragnar Xylar Maggie Jack Katie Noah James "
    "Rina Ella Mariah Frank Claudia Niki Vincent Kendrick Myrna Tom Wanda Benjamin Kiana Rachel"
)
LIVE_VOICES: Final = words(
    "victoria vincent clara drew skye max morgan felix mia marcus summer ruby aurora jasper leo adrian nina emma blake "
    "david maya nathan sam georgia petra adam zach violet roman luna"
)
PRESET_AVATARS: Final = (
    "game-character",
    "music-superstar",
    "game-character-man",
    "cat-character",
    "influencer",
    "tennis-coach",
    "human-resource",
    "fashion-designer",
    "cooking-teacher",
)
OUTPUT_FORMATS: Final = (
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

SEED: Final = whole(0, 2**32 - 1)
NAME: Final = text(1, 64)
# The longest prompt of any model: what a model allows is not always known.
PROMPT: Final = text(1, 32_000)
PROMPT_1000: Final = text(1, 1000)
MODERATION: Final = record({"publicFigureThreshold": one_of("auto", "low")}, ())
RUNWAY_PRESET: Final = record({"type": NAME, "presetId": one_of(*PRESET_VOICES)}, ("presetId",))
AVATAR: Final = tagged(
    "type",
    {
        "runway-preset": record({"presetId": one_of(*PRESET_AVATARS)}, ("presetId",)),
        "custom": record({"avatarId": text(1, 100)}, ("avatarId",)),
    },
)


def typed_media(kind: MediaKind) -> Check:
    """`{"type": kind, "uri"}`."""
    return record({"type": one_of(kind), "uri": media(kind)}, ("type", "uri"))


def uris(kind: MediaKind, at_least: int, at_most: int, **more: Check) -> Check:
    """An array of `{"uri"}`."""
    return listed(record({"uri": media(kind), **more}, ("uri",)), at_least, at_most)


def keyframes(*positions: str, references: int = 0) -> Check:
    """One image as a string, or an array of `{"uri", "position"}`.

    Where there may be references, an entry without a position is one.
    """
    frame = record(
        {"uri": media("image"), "position": one_of(*positions)},
        ("uri",) if references else ("uri", "position"),
    )
    several = listed(frame, 1, max(references, len(positions)))
    return either(several, media("image"), is_first=lambda value: isinstance(value, list))


def seconds(at_least: int, at_most: int, *, auto: bool = False) -> Check:
    """Whole seconds, or where it is allowed "auto"."""
    exact = whole(at_least, at_most)
    return either(one_of("auto"), exact, is_first=_is_text) if auto else exact


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_segment = record({"prompt": PROMPT, "duration": whole(1, 15)}, ("prompt", "duration"))
_range = record({"start_seconds": whole(0, 3600), "end_seconds": whole(0, 3600)}, ("start_seconds", "end_seconds"))
_guide = either(
    record({"uri": media("image"), "at": number(0, 1), "range": _range}, ("uri", "at")),
    record({"uri": media("image"), "seconds": number(0, 30), "range": _range}, ("uri", "seconds")),
    is_first=lambda value: isinstance(value, dict) and "at" in value,
)

FIELDS: Final[Mapping[str, Check]] = {
    "audio": flag,
    "cfgScale": number(),
    "contentModeration": MODERATION,
    "draft": flag,
    "draftTaskId": text(1, 100),
    "duration": seconds(1, 60),
    "keyframes": listed(_guide, 1, 5),
    "mode": one_of("reference", "extend", "edit"),
    "negativePrompt": PROMPT,
    "outputFormat": one_of(*OUTPUT_FORMATS),
    "promptExpansionMode": one_of("disabled", "balanced", "quality"),
    "promptImage": keyframes("first", "last"),
    "promptText": PROMPT,
    "promptVideo": media("video"),
    "proresProfile": one_of("422", "4444", "422 Proxy", "422 LT", "422 HQ", "4444 XQ"),
    "providerSettings": record(
        {
            "keepOriginalSound": flag,
            "multiPrompt": listed(_segment, 1, 15),
            "shotType": one_of("intelligence", "customize"),
        },
        (),
    ),
    "ratio": text(1, 32),
    "referenceAudio": listed(typed_media("audio"), 0, 10),
    "references": uris("image", 0, 30),
    "referenceVideos": listed(record({"type": one_of("video"), "uri": media("video")}, ("uri",)), 0, 10),
    "resolution": one_of("480p", "720p", "768p", "1080p", "2k", "720P", "768P", "1080P", "2K"),
    "seed": SEED,
    "targetAspectRatio": one_of("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9"),
    "videoUri": media("video"),
}
