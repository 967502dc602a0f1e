"""When to look again: at a running task, after a refusal, after a bad read. All waits are whole seconds.

Step Functions kills an execution on a fractional Wait, so every answer here is an int, rounded up.
Why by progress and not at a fixed cadence: docs/decisions.md, "Pacing".
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tarmac.backoff import backoff, whole_seconds

FIRST_LOOK_SECONDS = 12.0
LONGEST_QUEUE_WAIT_SECONDS = 120.0
LONGEST_REFUSAL_WAIT_SECONDS = 900.0

_QUEUED = frozenset({"PENDING", "THROTTLED"})


class Look(NamedTuple):
    """What an earlier look at a running task has seen: how old it was then, and Runway's progress, 0..1."""

    age_seconds: float
    progress: float


def first_wait(age_seconds: float, p10_seconds: float) -> int:
    """Seconds until the first look at a task upstream, whose create was `age_seconds` ago."""
    return whole_seconds(min(FIRST_LOOK_SECONDS, p10_seconds) - age_seconds)


def next_wait(
    status: str, age_seconds: float, progress: float | None, p10_seconds: float, earlier: Look | None = None
) -> int:
    """Seconds until the next look at a task upstream. Raises nothing.

    age_seconds: since the create, or since it began to run once it was seen RUNNING. progress: Runway's 0..1, None if
    not reported. p10_seconds: the run time that nine of ten tasks of the model exceed. earlier: the last look that saw
    it run.
    """
    age = max(0.0, age_seconds)
    if status in _QUEUED:
        # Nothing ends before it has begun and run. The waits grow with the queue: 48 h have to fit into the history.
        longest = max(LONGEST_QUEUE_WAIT_SECONDS, 0.005 * age)
        return whole_seconds(min(max(p10_seconds, 0.05 * age), longest))
    shortest = max(2.0, 0.02 * age)
    blind = max(_clamp(0.05 * age, 2.0, 4.0), shortest)
    remaining, confirmed = _remaining(age, progress, earlier)
    longest = p10_seconds - age if age < p10_seconds else 0.25 * age if confirmed else blind
    return whole_seconds(min(max(0.9 * remaining, shortest), longest))


def _remaining(age: float, progress: float | None, earlier: Look | None) -> tuple[float, bool]:
    """Seconds of run time left, infinite where progress does not tell; and whether two estimates agree on it.

    One is by the progress since the last look, the other by that since the beginning: progress in steps, in curves or
    at random makes them differ.
    """
    if progress is None or not progress > 0:
        return math.inf, False
    left = 1 - min(progress, 1.0)
    overall = age * left / progress
    if earlier is None:
        return overall, False
    gained = min(progress, 1.0) - earlier.progress
    if not gained > 0:
        return math.inf, False
    recent = (age - earlier.age_seconds) * left / gained
    return recent, abs(recent - overall) <= 0.1 * overall


def refusal_wait(refusals: int, jitter: float, quota: bool, retry_after_seconds: float | None = None) -> int:
    """Seconds until the next create after Runway took none. `quota`: its daily limit, which only hours can mend."""
    first = 60.0 if quota else 5.0
    return _no_sooner_than(retry_after_seconds, backoff(refusals, jitter, first, LONGEST_REFUSAL_WAIT_SECONDS))


def unread_wait(tries: int, jitter: float, age_seconds: float, retry_after_seconds: float | None = None) -> int:
    """Seconds until the next look after the `tries`-th in a row (1, 2, …) that told nothing.

    age_seconds: since the create. Soon for a young task, and never so often that a queue of 48 h of which every second
    look fails would outgrow an execution's history.
    """
    wait = max(backoff(tries, jitter, longest_seconds=LONGEST_REFUSAL_WAIT_SECONDS), whole_seconds(0.005 * age_seconds))
    return _no_sooner_than(retry_after_seconds, wait)


def _no_sooner_than(asked_seconds: float | None, wait_seconds: int) -> int:
    """What Runway asks for by Retry-After, within what a task can bear."""
    if asked_seconds is None:
        return wait_seconds
    return max(wait_seconds, whole_seconds(min(asked_seconds, LONGEST_REFUSAL_WAIT_SECONDS)))


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))
