"""When to look again: at a running task, after a refusal, after a bad read. All waits are whole seconds.

Step Functions kills an execution on a fractional Wait, so every answer here is an int, rounded up.
Why by progress and not at a fixed cadence: docs/decisions.md, "Pacing".
"""

from __future__ import annotations

import math

FIRST_LOOK_SECONDS = 12.0
LONGEST_QUEUE_WAIT_SECONDS = 120.0
LONGEST_REFUSAL_WAIT_SECONDS = 900.0


def next_wait(
    status: str,
    age_seconds: float,
    progress: float | None,
    p10_seconds: float,
    looked_before: bool = True,
) -> int:
    """Seconds until the next look at a task upstream.

    age_seconds: since the create, or since it began to run once it was seen RUNNING. progress: Runway's 0..1, None if
    not reported. p10_seconds: the run time that nine of ten tasks of the model exceed. Raises nothing.
    """
    age = max(0.0, age_seconds)
    if not looked_before:
        return _whole(min(FIRST_LOOK_SECONDS, p10_seconds) - age)
    if status == "THROTTLED":
        # Beyond the usual queue the waits grow with its length, so that 48 h stay under Step Functions' history limit.
        longest = max(LONGEST_QUEUE_WAIT_SECONDS, 0.005 * age)
        return _whole(min(max(p10_seconds, 0.25 * age), longest))
    if age < p10_seconds:
        return _whole(p10_seconds - age)
    if progress is not None and progress > 0:
        remaining = 0.8 * age * (1 - min(progress, 1.0)) / progress
        return _whole(_clamp(remaining, max(2.0, 0.02 * age), max(2.0, 0.25 * age)))
    return _whole(_clamp(0.08 * age, 2.0, max(30.0, 0.02 * age)))


def backoff(tries: int, jitter: float, first_seconds: float = 2.0, longest_seconds: float = 120.0) -> int:
    """Exponential delay after the `tries`-th failure (1, 2, …), up to 50 % longer by a jitter of 0..1."""
    delay = min(longest_seconds, first_seconds * 2.0 ** min(max(tries, 1) - 1, 32))
    return _whole(delay * (1 + 0.5 * jitter))


def refusal_wait(refusals: int, jitter: float, quota: bool, retry_after_seconds: float | None = None) -> int:
    """Seconds until the next create after Runway took none. `quota`: its daily limit, which only hours can mend."""
    first = 60.0 if quota else 5.0
    wait = backoff(refusals, jitter, first, LONGEST_REFUSAL_WAIT_SECONDS)
    if retry_after_seconds is None:
        return wait
    return max(wait, _whole(min(retry_after_seconds, LONGEST_REFUSAL_WAIT_SECONDS)))


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
