"""Exponential backoff."""

from __future__ import annotations

import math


def backoff(tries: int, jitter: float, first_seconds: float = 2.0, longest_seconds: float = 120.0) -> int:
    """Return the delay in whole seconds after so many failures (from 1). jitter: 0..1, adds up to 50 %."""
    delay = min(longest_seconds, first_seconds * 2.0 ** min(max(tries, 1) - 1, 32))
    return whole_seconds(delay * (1 + 0.5 * jitter))


def whole_seconds(seconds: float) -> int:
    """Return the seconds rounded up, at least 1: Step Functions fails an execution on a fractional Wait."""
    return max(1, math.ceil(seconds))
