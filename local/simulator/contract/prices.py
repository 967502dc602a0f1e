"""What a generation costs, in credits. Prices that no source states are guesses: 10 credits for a second of video, 5
for an image, 1 for a second of sound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Body = Mapping[str, Any]
Price = Callable[[Body, float], float]

_GUESSED_RATES: Final = {"video": 10, "sound": 1}
_GUESSED_IMAGE: Final = 5
_RECIPE_IMAGE: Final = 10
_RECIPE_RATE: Final = 20
_FULL_HD_PIXELS: Final = 1_000_000


def credits_of(path: str, model: str, makes: str, body: Body, seconds: float) -> int:
    """The price of one generation. makes: video, image or sound; seconds: of output."""
    price = _PRICES.get(f"{path}:{model}") or _PRICES.get(model) or _default(path, makes)
    return round(price(body, seconds))


def output_count(body: Body) -> int:
    """The number of images."""
    return int(body.get("outputCount", 1))


def _default(path: str, makes: str) -> Price:
    recipe = path.startswith("/v1/recipes/")
    if makes == "image":
        return _per_image(_RECIPE_IMAGE if recipe else _GUESSED_IMAGE)
    return _per_second(_RECIPE_RATE if recipe else _GUESSED_RATES[makes])


def _per_second(rate: float) -> Price:
    return lambda _, seconds: rate * seconds


def _with_sound(silent: float, sound: float) -> Price:
    """Veo's price depends on `audio`, which is on by default."""
    return lambda body, seconds: (silent if body.get("audio") is False else sound) * seconds


def _surcharged(rate: float) -> Price:
    """gen4.5 and aleph2 charge for every format but MP4, most for more than eight bits."""
    surcharges = {"mp4": 0, "prores": 5, "png_sequence": 5}
    return lambda body, seconds: (rate + surcharges.get(body.get("outputFormat", "mp4"), 20)) * seconds


def _per_image(price: float) -> Price:
    return lambda body, _: price * output_count(body)


def _by_size(small: float, large: float, above_pixels: int) -> Price:
    """The price of an image of at most so many pixels, and of a larger one."""

    def price(body: Body, _seconds: float) -> float:
        width, _, height = str(body.get("ratio", "")).partition(":")
        known = width.isdecimal() and height.isdecimal()
        return (large if known and int(width) * int(height) > above_pixels else small) * output_count(body)

    return price


def _by_text(body: Body, _seconds: float) -> float:
    """1 credit for each started 50 characters."""
    return -(-len(str(body.get("promptText", ""))) // 50)


def _by_variant(body: Body, seconds: float) -> float:
    return seconds * int(body.get("numVariants", 1))


_PRICES: Final[Mapping[str, Price]] = {
    "act_two": _per_second(5),
    "aleph2": _surcharged(28),
    "eleven_multilingual_sts_v2": _per_second(1 / 3),
    "eleven_multilingual_v2": _by_text,
    "eleven_text_to_sound_v2": lambda body, _: 2 if "duration" in body else 1,
    "eleven_v3": _by_text,
    "eleven_v4": _by_text,
    "eleven_voice_dubbing": _per_second(1 / 2),
    "eleven_voice_isolation": _per_second(1 / 6),
    "gemini_image3_pro": _by_size(20, 40, 9_000_000),
    "gen3a_turbo": _per_second(5),
    "gen4.5": _surcharged(12),
    "gen4_aleph": _per_second(15),
    "gen4_image": _by_size(5, 8, _FULL_HD_PIXELS),
    "gen4_image_turbo": _per_image(2),
    "gen4_turbo": _per_second(5),
    "magnific_video_upscaler_creative": _per_second(24),
    # Without a choice of how many, the recipe makes four.
    "marketing_stock_image": lambda body, _: _RECIPE_IMAGE * output_count({"outputCount": 4, **body}),
    "mirelo_sfx_2_0": _by_variant,
    "ruby": _per_second(20),
    "seed_audio": lambda _, seconds: max(5.0, seconds / 4),
    "seedance2": _per_second(36),
    "seedance2_5": _per_second(30),
    "/v1/video_to_video:seedance2_5": _per_second(45),
    "seedream5_lite": _per_image(4),
    "seedream5_pro": _by_size(5, 9, 2_000_000),
    "upscale_v1": _per_second(2),
    "veo3": _per_second(40),
    "veo3.1": _with_sound(20, 40),
    "veo3.1_fast": _with_sound(10, 15),
}
