"""What a row of the contract says about one model at one endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.simulator.checks import Check, record

Body = Mapping[str, Any]
Price = Callable[[Body, float], float]
Formats = Callable[[Body], tuple[str, ...]]

NONE: Final[Mapping[str, Check]] = {}
LANDSCAPE: Final = "1280:720"
# Short side in pixels of what is not given in pixels: "auto_1080p", "2k", or a resolution of its own.
_TIERS: Final = {"480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "1k": 1024, "2k": 2048, "4k": 2160}
_ASPECTS_BELOW: Final = 100


def words(values: str) -> tuple[str, ...]:
    """What is separated by spaces."""
    return tuple(values.split())


def mp4(body: Body) -> tuple[str, ...]:
    """One MP4."""
    return ("mp4",)


@dataclass(frozen=True, slots=True)
class Model:
    """One model at one endpoint.

    check         of the whole body
    price         credits of one generation, given the body and the seconds of output
    formats       of its outputs, by the names in media.FORMATS: one each
    ratios        that it offers, as the body gives them
    seconds       of output when the body decides nothing
    has           the names of its fields
    sized         whether its `ratio` or `resolution` decides the size; if not, the output is 1280x720
    """

    check: Check
    price: Price
    formats: Formats = mp4
    ratios: tuple[str, ...] = ()
    seconds: float | Callable[[Body], float] = 5
    has: frozenset[str] = frozenset()
    sized: bool = True

    def size(self, body: Body) -> tuple[int, int]:
        """Width and height of the output in pixels."""
        ratio = body.get("ratio", LANDSCAPE) if self.sized and "ratio" in self.has else LANDSCAPE
        resolution = body.get("resolution", "") if self.sized and "resolution" in self.has else ""
        return pixels(str(ratio), str(resolution).lower())

    def duration(self, body: Body) -> float:
        """Seconds of output. "auto" is as if nothing were said."""
        wanted = body.get("duration")
        if "duration" in self.has and isinstance(wanted, int | float):
            return wanted
        return self.seconds(body) if callable(self.seconds) else self.seconds

    def credits(self, body: Body) -> int:
        """What one generation costs."""
        return round(self.price(body, self.duration(body)))


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


def per_second(rate: float | Callable[[Body], float]) -> Price:
    """So many credits for each second of output."""
    return lambda body, seconds: (rate(body) if callable(rate) else rate) * seconds


def per_output(credits: float | Callable[[Body], float], count: Callable[[Body], int] = lambda body: 1) -> Price:
    """So many credits for each file."""
    return lambda body, seconds: (credits(body) if callable(credits) else credits) * count(body)


def field_names(names: str) -> frozenset[str]:
    """The fields in `names`, as `fields` reads them."""
    return frozenset(words(names.replace("!", "")))


def fields(names: str, known: Mapping[str, Check], changes: Mapping[str, Check], *, strict: bool) -> Check:
    """A body with the fields in `names`, separated by spaces; those that end in `!` are required.

    A field's check is in changes, or else in known. `model` is always there.
    """
    wanted = [name.removesuffix("!") for name in names.split()]
    required = [name.removesuffix("!") for name in names.split() if name.endswith("!")]
    checks = {"model": _ignored, **{name: changes.get(name) or known[name] for name in wanted}}
    return record(checks, required, strict=strict)


def _ignored(value: Any, path: Any, findings: Any) -> None:
    """`model` has chosen this check already."""


def _even(length: float) -> int:
    return round(length / 2) * 2
