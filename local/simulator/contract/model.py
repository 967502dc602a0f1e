"""One model at one operation: how it checks a body, and the size, duration, formats and price of what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from local.simulator.checks import Check
from local.simulator.contract.limits import is_strict, limits_of
from local.simulator.contract.prices import Body, credits_of, output_count
from local.simulator.contract.sdk import Fields, body_check

LANDSCAPE: Final = "1280:720"
SPOKEN_CHARACTERS_PER_SECOND: Final = 15
LONGEST_SPEECH_SECONDS: Final = 60
# Short side in pixels of what is not given in pixels: "auto_1080p", "2k", or a resolution.
_TIERS: Final = {"480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "1k": 1024, "2k": 2048, "4k": 2160}
_ASPECTS_BELOW: Final = 100
_DEFAULT_SECONDS: Final = 5
# Seconds of output of a body without a duration, of models that do not make 5.
_SECONDS: Final = {
    "multi_shot_video": 10,
    "product_ad": 10,
    "product_swap": 10,
    "product_ugc": 15,
    "veo3": 8,
    "veo3.1": 8,
    "veo3.1_fast": 8,
}
# Models that speak a text make as many seconds as it takes to say it.
_SPEAKERS: Final = frozenset(("eleven_multilingual_v2", "eleven_v3", "eleven_v4", "seed_audio"))
# aleph2 keeps the size of its input, whatever the ratio is.
_UNSIZED: Final = "aleph2"
_SOUNDS: Final = {"wav": "wav", "flac": "flac", "ogg_opus": "ogg"}
# The files of each `outputFormat` of a video; a sequence is a ZIP with its sound beside it.
_VIDEOS: Final[Mapping[str, tuple[str, ...]]] = {
    "mov": ("mov",),
    "prores": ("mov",),
    "hdr_prores": ("mov",),
    "png_sequence": ("png_sequence", "wav"),
    "hdr_png_sequence": ("png_sequence", "wav"),
    "hdr_exr_sequence": ("exr_sequence", "wav"),
    "hdr_exr_acescg_sequence_1_3": ("exr_sequence", "wav"),
    "hdr_exr_acescg_sequence_2_0": ("exr_sequence", "wav"),
}
Makes = Literal["video", "image", "sound"]


@dataclass(frozen=True)
class Model:
    """name: what the account calls it. fields: those of its body."""

    path: str
    name: str
    makes: Makes
    fields: Fields

    @cached_property
    def check(self) -> Check:
        """The check of a whole body; made at the first use, since that takes time."""
        strict = is_strict(self.name) and not self.path.startswith("/v1/recipes/")
        return body_check([self.fields], limits_of(self.path, self.name), ("",) if strict else ())

    @property
    def ratios(self) -> tuple[str, ...]:
        """The ratios that it offers, as the body gives them."""
        return self.fields["ratio"].choices if "ratio" in self.fields else ()

    def size(self, body: Body) -> tuple[int, int]:
        """Width and height of the output in pixels."""
        sized = body if self.name != _UNSIZED else {}
        ratio = sized.get("ratio", LANDSCAPE) if "ratio" in self.fields else LANDSCAPE
        resolution = sized.get("resolution", "") if "resolution" in self.fields else ""
        return pixels(str(ratio), str(resolution).lower())

    def duration(self, body: Body) -> float:
        """Seconds of output. "auto" is as if there were no duration."""
        wanted = body.get("duration")
        if "duration" in self.fields and isinstance(wanted, int | float):
            return wanted
        if self.name in _SPEAKERS:
            return speaking_seconds(body.get("promptText"))
        if "speech" in self.fields:
            speech = body.get("speech")
            return speaking_seconds(speech.get("text") if isinstance(speech, Mapping) else None)
        return _SECONDS.get(self.name, _DEFAULT_SECONDS)

    def credits(self, body: Body) -> int:
        """The price of one generation."""
        return credits_of(self.path, self.name, self.makes, body, self.duration(body))

    def formats(self, body: Body) -> tuple[str, ...]:
        """The formats of the outputs, one each, by the names in media.FORMATS."""
        wanted = str(body.get("outputFormat"))
        if self.makes == "video":
            return _VIDEOS.get(wanted, ("mp4",))
        if self.makes == "sound":
            return (_SOUNDS.get(str(body.get("format") or wanted), "mp3"),) * int(body.get("numVariants", 1))
        if self.name == "marketing_stock_image":
            body = {"outputCount": 4, **body}
        vector = self.name == "recraft_v4_1_vector"
        return ("svg" if vector else str(body.get("outputFormat", "png")),) * output_count(body)


def pixels(ratio: str, resolution: str = "") -> tuple[int, int]:
    """Of a ratio in pixels ("1280:720"), of an aspect ("16:9"), of a tier ("auto_720p"); else 1280x720."""
    tier = _TIERS.get(resolution or ratio.rpartition("_")[2], 720)
    left, _, right = ratio.partition(":")
    if (ratio == LANDSCAPE and resolution) or not (left.isdecimal() and right.isdecimal()):
        return _even(tier * 16 / 9), tier
    width, height = int(left), int(right)
    if max(width, height) >= _ASPECTS_BELOW:
        return width, height
    scale = tier / min(width, height)
    return _even(width * scale), _even(height * scale)


def speaking_seconds(words: Any) -> float:
    """How long it takes to say this, in whole seconds; 5 for what is not a text."""
    if not isinstance(words, str):
        return _DEFAULT_SECONDS
    return max(1, min(LONGEST_SPEECH_SECONDS, round(len(words) / SPOKEN_CHARACTERS_PER_SECOND)))


def _even(length: float) -> int:
    return round(length / 2) * 2
