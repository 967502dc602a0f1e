"""Estimates the price of a generation in credits, before Runway reports it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tarmac.requests.conditions import applies


def estimate_credits(body: Mapping[str, Any], price: Mapping[str, Any] | None) -> int | None:
    """The estimated price in whole credits, rounded up, or None if it cannot be estimated.

    If the price depends on a value that only Runway knows, the estimate is the highest possible price.

    price: `credits` of the model in the catalogue, with one of these keywords

        flat                   credits per generation
        perSecond              credits per second of output; `perSecondSilent` applies to `audio: false`
        secondsPerCredit       seconds of output per credit
        perImage               credits per image (`outputCount`)
        perFrame               credits per frame of output; never estimated
        charactersPerCredit    characters of `promptText` per credit

    and any of these

        secondsIfUnset         the duration if the request sets none; `secondsIfAuto` applies to `duration: "auto"`
        plusPerSecond          credits per second of output in addition to `perSecond`
        perInputSecond         credits per second of input video; `inputSeconds` is the most that Runway counts
        minimum                the lowest price
        cases                  values that replace these under conditions (`tarmac.requests.conditions`), or
                               `unknown = true`, which means no estimate
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
    # Round first, because 0.1 × 30 is slightly more than 3 in binary.
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
    """The value as a number, or None if it is not a number or is larger than any video."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LARGEST:
        return None
    return float(value)


_LARGEST = 1_000_000
