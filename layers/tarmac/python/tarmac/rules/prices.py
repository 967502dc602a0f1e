"""What a generation is expected to cost, in credits, before Runway says so itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def estimate_credits(body: Mapping[str, Any], price: Mapping[str, Any] | None) -> int | None:
    """Whole credits, rounded up, or None where no price is known.

    price: the catalogue's `credits` of the model: `flat`, or `perSecond` (with `perSecondSilent` where `audio: false`
    is cheaper), and `secondsIfUnset` for requests whose length only Runway knows.
    """
    if price is None:
        return None
    if "flat" in price:
        return math.ceil(float(price["flat"]))
    seconds = body.get("duration")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        seconds = price.get("secondsIfUnset")
    if seconds is None:
        return None
    silent = body.get("audio") is False and "perSecondSilent" in price
    per_second = float(price["perSecondSilent"] if silent else price["perSecond"])
    return math.ceil(seconds * per_second)
