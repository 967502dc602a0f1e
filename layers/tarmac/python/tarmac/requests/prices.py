"""What a generation is expected to cost, in credits, before Runway says so itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tarmac.requests.conditions import applies


def estimate_credits(body: Mapping[str, Any], price: Mapping[str, Any] | None) -> int | None:
    """Whole credits, rounded up, or None where no price is known. Where a price depends on what only Runway knows, the
    most that it may be.

    price: the catalogue's `credits` of the model, with one of

        flat                   credits a generation
        perSecond              of the output; `perSecondSilent` where `audio: false` is cheaper
        secondsPerCredit       the same for cheap seconds
        perImage               times `outputCount`
        perFrame               of the output: never estimated
        charactersPerCredit    of `promptText`

    and with any of: `secondsIfUnset`, `secondsIfAuto` for requests that leave the length to Runway; `plusPerSecond`;
    `perInputSecond` of `inputSeconds`, the most that Runway counts of input videos; `minimum`; and `cases`, each with
    circumstances (see `tarmac.requests.conditions`) and with what is different then, such as `unknown`.
    """
    if price is None:
        return None
    now: dict[str, Any] = dict(price)
    for case in price.get("cases", ()):
        if applies(case, body):
            now |= case
    if now.get("unknown"):
        return None
    credits = _credits(body, now)
    if credits is None:
        return None
    # Rounded first: 0.1 × 30 is a little more than 3 in binary.
    return math.ceil(round(max(credits, float(now.get("minimum", 0))), 6))


def _credits(body: Mapping[str, Any], price: Mapping[str, Any]) -> float | None:
    if "flat" in price:
        return float(price["flat"])
    if "perImage" in price:
        return float(price["perImage"]) * (_number(body.get("outputCount")) or 1.0)
    if "charactersPerCredit" in price:
        text = body.get("promptText")
        return math.ceil(len(text) / float(price["charactersPerCredit"])) if isinstance(text, str) else None
    seconds = _output_seconds(body, price)
    if seconds is None:
        return None
    if "secondsPerCredit" in price:
        return seconds / float(price["secondsPerCredit"])
    if "perSecond" not in price:
        return None
    silent = body.get("audio") is False and "perSecondSilent" in price
    per_second = float(price["perSecondSilent"] if silent else price["perSecond"]) + float(
        price.get("plusPerSecond", 0)
    )
    return seconds * per_second + float(price.get("perInputSecond", 0)) * float(price.get("inputSeconds", 0))


def _output_seconds(body: Mapping[str, Any], price: Mapping[str, Any]) -> float | None:
    asked = body.get("duration")
    if asked == "auto" and "secondsIfAuto" in price:
        return _number(price["secondsIfAuto"])
    return _number(price.get("secondsIfUnset") if _number(asked) is None else asked)


def _number(value: object) -> float | None:
    """A number that may be meant: what is larger than any video is left to Runway to refuse."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LARGEST:
        return None
    return float(value)


_LARGEST = 1_000_000
