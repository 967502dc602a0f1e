"""Waits until the next poll or the next attempt, in whole seconds, rounded up.

Step Functions fails an execution on a fractional Wait. Why polls follow the progress instead of a fixed interval:
docs/decisions/0008-pacing.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tarmac.backoff import backoff, whole_seconds

FIRST_POLL_SECONDS = 12.0
LONGEST_QUEUE_WAIT_SECONDS = 120.0
LONGEST_REFUSAL_WAIT_SECONDS = 900.0

_QUEUED = frozenset({"PENDING", "THROTTLED"})


class EarlierPoll(NamedTuple):
    """An earlier poll of a running task: its age at that time, and Runway's progress, 0..1."""

    age_seconds: float
    progress: float


def first_wait(age_seconds: float, p10_seconds: float) -> int:
    """Return the seconds until the first poll of a task whose create was `age_seconds` ago."""
    return whole_seconds(min(FIRST_POLL_SECONDS, p10_seconds) - age_seconds)


def next_wait(
    status: str, age_seconds: float, progress: float | None, p10_seconds: float, earlier: EarlierPoll | None = None
) -> int:
    """Return the seconds until the next poll of a task.

    age_seconds: since the create, or since the generation began to run, once its status is RUNNING. progress: Runway's
    0..1, None if not reported. p10_seconds: the run time that nine of ten tasks of the model exceed. earlier: the last
    poll that returned RUNNING.
    """
    age = max(0.0, age_seconds)
    if status in _QUEUED:
        # A queued task cannot end yet. The waits grow, so that 48 h in a queue fit into one execution's history.
        longest = max(LONGEST_QUEUE_WAIT_SECONDS, 0.005 * age)
        return whole_seconds(min(max(p10_seconds, 0.05 * age), longest))
    shortest = max(2.0, 0.02 * age)
    blind = max(_clamp(0.05 * age, 2.0, 4.0), shortest)
    remaining, confirmed = _remaining(age, progress, earlier)
    longest = p10_seconds - age if age < p10_seconds else 0.25 * age if confirmed else blind
    return whole_seconds(min(max(0.9 * remaining, shortest), longest))


def _remaining(age: float, progress: float | None, earlier: EarlierPoll | None) -> tuple[float, bool]:
    """Return the estimated run time left, infinite if unknown, and whether two estimates agree on it.

    One estimate uses the progress since the last poll, the other the progress since the start. They differ if the
    progress is not linear.
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
    """Return the seconds until the next attempt after a refused one. quota: Runway's daily limit was reached."""
    first = 60.0 if quota else 5.0
    return _no_sooner_than(retry_after_seconds, backoff(refusals, jitter, first, LONGEST_REFUSAL_WAIT_SECONDS))


def failed_poll_wait(tries: int, jitter: float, age_seconds: float, retry_after_seconds: float | None = None) -> int:
    """Return the seconds until the next poll after the `tries`-th consecutive failed one (1, 2, …).

    age_seconds: since the create. The wait grows with it, so that 48 h in a queue fit into one execution's history
    even if every second poll fails.
    """
    wait = max(backoff(tries, jitter, longest_seconds=LONGEST_REFUSAL_WAIT_SECONDS), whole_seconds(0.005 * age_seconds))
    return _no_sooner_than(retry_after_seconds, wait)


def _no_sooner_than(asked_seconds: float | None, wait_seconds: int) -> int:
    """Return the wait, or Runway's Retry-After if that is longer, up to LONGEST_REFUSAL_WAIT_SECONDS."""
    if asked_seconds is None:
        return wait_seconds
    return max(wait_seconds, whole_seconds(min(asked_seconds, LONGEST_REFUSAL_WAIT_SECONDS)))


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))
