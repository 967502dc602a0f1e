"""When to look again: whole seconds always, often enough to be quick, seldom enough for Step Functions' history."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.rules.pacing import (
    LONGEST_QUEUE_WAIT_SECONDS,
    LONGEST_REFUSAL_WAIT_SECONDS,
    backoff,
    next_wait,
    refusal_wait,
)

LONGEST_DEADLINE_SECONDS = 48 * 3600
HISTORY_EVENTS = 10_000
"""What a stuck task may use up; Step Functions ends an execution at 25,000, which is room for retries and bad reads."""
LAST_EVENT = 25_000
EVENTS_A_CYCLE = 9
"""Wait in and out, Route, and five of the task state: what one look costs in an execution's history."""

ages = st.floats(-10, 400_000)
p10s = st.floats(1, 300)
anything = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


class TestNextWait:
    @given(st.text(max_size=12), ages, anything, p10s, st.booleans())
    def test_is_a_whole_number_from_one_up_whatever_runway_reports(
        self, status: str, age: float, progress: float | None, p10: float, looked_before: bool
    ) -> None:
        wait = next_wait(status, age, progress, p10, looked_before)
        assert type(wait) is int
        assert wait >= 1

    @pytest.mark.parametrize(("p10", "expected"), [(5.0, 5), (12.0, 12), (55.0, 12), (5.2, 6)])
    def test_first_looks_at_the_tenth_percentile_but_never_later_than_twelve_seconds(
        self, p10: float, expected: int
    ) -> None:
        assert next_wait("PENDING", 0, None, p10, looked_before=False) == expected

    def test_first_look_counts_what_has_passed_already(self) -> None:
        assert next_wait("PENDING", 9.5, None, 55.0, looked_before=False) == 3

    @pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
    def test_then_waits_until_nine_of_ten_tasks_are_still_running(self, status: str) -> None:
        assert next_wait(status, 12, 0.1, 55.0) == 43

    @pytest.mark.parametrize(
        ("age", "progress", "expected"),
        [
            (100, 0.5, 25),  # 80 s by progress, but never more than a quarter of the age
            (100, 0.9, 9),
            (100, 0.99, 2),
            (100, 1.0, 2),
            (100, 1.7, 2),
            (60, 0.8, 12),
        ],
    )
    def test_follows_the_progress_of_a_running_task(self, age: float, progress: float, expected: int) -> None:
        assert next_wait("RUNNING", age, progress, 20.0) == expected

    @pytest.mark.parametrize("progress", [None, 0.0, -0.5, math.nan])
    def test_is_a_small_share_of_the_age_without_usable_progress(self, progress: float | None) -> None:
        assert next_wait("RUNNING", 100, progress, 20.0) == 8

    @given(st.floats(60, 170_000), st.floats(0.01, 1), st.floats(0.01, 1))
    def test_is_never_longer_for_a_task_that_has_come_further(self, age: float, one: float, other: float) -> None:
        less, more = sorted((one, other))
        assert next_wait("RUNNING", age, more, 20.0) <= next_wait("RUNNING", age, less, 20.0)

    @given(st.floats(20, 170_000), st.floats(20, 170_000), st.sampled_from(["THROTTLED", "RUNNING"]))
    def test_is_never_shorter_for_an_older_task(self, one: float, other: float, status: str) -> None:
        younger, older = sorted((one, other))
        assert next_wait(status, younger, None, 20.0) <= next_wait(status, older, None, 20.0)

    @pytest.mark.parametrize(
        ("age", "expected"), [(0, 20), (80, 20), (200, 50), (600, 120), (20_000, 120), (100_000, 500)]
    )
    def test_grows_in_a_queue_with_the_time_spent_there(self, age: float, expected: int) -> None:
        assert next_wait("THROTTLED", age, None, 20.0) == expected

    def test_in_a_queue_is_two_minutes_at_the_most_for_the_first_six_hours(self) -> None:
        assert max(next_wait("THROTTLED", age, None, 70.0) for age in range(0, 6 * 3600, 60)) == (
            LONGEST_QUEUE_WAIT_SECONDS
        )


Policy = Callable[[float, int], int]

STUCK: dict[str, Policy] = {
    "throttled": lambda age, look: next_wait("THROTTLED", age, None, 18.0),
    "pending": lambda age, look: next_wait("PENDING", age, None, 18.0),
    "running without progress": lambda age, look: next_wait("RUNNING", age, None, 18.0),
    "running at 1 %": lambda age, look: next_wait("RUNNING", age, 0.01, 18.0),
    "running at 99 %": lambda age, look: next_wait("RUNNING", age, 0.99, 18.0),
    "running at 100 %": lambda age, look: next_wait("RUNNING", age, 1.0, 18.0),
    "a status nobody knows": lambda age, look: next_wait("PAUSED", age, None, 18.0),
    "unreadable": lambda age, look: backoff(look + 1, 0.0, longest_seconds=LONGEST_REFUSAL_WAIT_SECONDS),
    "refused": lambda age, look: refusal_wait(look + 1, 0.0, quota=False),
    "out of quota": lambda age, look: refusal_wait(look + 1, 0.0, quota=True, retry_after_seconds=1.0),
}

ALTERNATING: dict[str, Policy] = {
    "throttled, every second look unreadable": lambda age, look: (
        next_wait("THROTTLED", age, None, 18.0) if look % 2 else backoff(1, 0.0)
    ),
    "running, every second look unreadable": lambda age, look: (
        next_wait("RUNNING", age, 0.99, 18.0) if look % 2 else backoff(1, 0.0)
    ),
}


def _events_until_the_longest_deadline(policy: Policy) -> int:
    age, looks = 0.0, 0
    while age < LONGEST_DEADLINE_SECONDS:
        age += policy(age, looks)
        looks += 1
    return looks * EVENTS_A_CYCLE


@pytest.mark.parametrize("policy", STUCK.values(), ids=STUCK)
def test_a_stuck_task_reaches_the_longest_deadline_within_the_history_of_one_execution(policy: Policy) -> None:
    assert _events_until_the_longest_deadline(policy) < HISTORY_EVENTS


@pytest.mark.parametrize("policy", ALTERNATING.values(), ids=ALTERNATING)
def test_so_does_one_that_is_unreadable_half_of_the_time(policy: Policy) -> None:
    assert _events_until_the_longest_deadline(policy) < LAST_EVENT / 2


class TestBackoff:
    @given(st.integers(-5, 10_000), st.floats(0, 1, exclude_max=True))
    def test_is_whole_and_bounded(self, tries: int, jitter: float) -> None:
        wait = backoff(tries, jitter)
        assert type(wait) is int
        assert 2 <= wait <= 180

    @given(st.integers(1, 100), st.floats(0, 1))
    def test_never_shrinks_with_the_tries(self, tries: int, jitter: float) -> None:
        assert backoff(tries + 1, jitter) >= backoff(tries, jitter)

    def test_doubles_from_its_first_delay_to_its_longest(self) -> None:
        assert [backoff(n, 0.0) for n in range(1, 9)] == [2, 4, 8, 16, 32, 64, 120, 120]

    @pytest.mark.parametrize(("jitter", "expected"), [(0.0, 8), (0.5, 10), (1.0, 12)])
    def test_is_up_to_half_longer_by_chance(self, jitter: float, expected: int) -> None:
        assert backoff(3, jitter) == expected


class TestRefusalWait:
    def test_starts_in_seconds_after_an_outage_and_in_minutes_at_the_quota(self) -> None:
        assert [refusal_wait(n, 0.0, quota=False) for n in (1, 2, 3, 20)] == [5, 10, 20, 900]
        assert [refusal_wait(n, 0.0, quota=True) for n in (1, 2, 3, 20)] == [60, 120, 240, 900]

    @pytest.mark.parametrize(("asked", "expected"), [(0.0, 5), (3.0, 5), (30.2, 31), (1e9, 900), (math.inf, 900)])
    def test_is_what_runway_asks_for_where_that_is_longer_and_bearable(self, asked: float, expected: int) -> None:
        assert refusal_wait(1, 0.0, quota=False, retry_after_seconds=asked) == expected

    @given(st.integers(1, 500), st.floats(0, 1), st.booleans(), st.none() | st.floats(0, 1e12))
    def test_is_whole_and_never_beyond_half_an_hour(
        self, refusals: int, jitter: float, quota: bool, asked: float | None
    ) -> None:
        wait = refusal_wait(refusals, jitter, quota, asked)
        assert type(wait) is int
        assert 5 <= wait <= 1350


def _watch(
    run_seconds: float, queue_seconds: float, p10: float, shape: float = 1.0, reported: bool = True
) -> tuple[int, float]:
    """Looks and lag (seconds from the end to the look that saw it) of one task, which begins after its queue.

    shape: progress is the elapsed share to this power; Runway's is not linear.
    """
    end = queue_seconds + run_seconds
    looks = 0
    began_at: float | None = None
    last_look = 0.0
    now = float(next_wait("PENDING", 0.0, None, p10, looked_before=False))
    while True:
        looks += 1
        if now >= end:
            return looks, now - end
        if now < queue_seconds:
            wait = next_wait("THROTTLED", now, None, p10)
        else:
            began_at = last_look if began_at is None else began_at
            progress = ((now - queue_seconds) / run_seconds) ** shape if reported else None
            wait = next_wait("RUNNING", now - began_at, progress, p10)
        last_look, now = now, now + wait


def _season(median: float, *, stale: float = 1.0, shape: float = 1.0, reported: bool = True) -> tuple[float, float]:
    """Mean looks and mean lag of 1,500 tasks whose run times are lognormal, with a few stragglers."""
    chance = random.Random(20241106)
    sigma = 0.35
    p10 = median * math.exp(-1.2816 * sigma) * stale
    seen = []
    for _ in range(1500):
        run = chance.lognormvariate(math.log(median), sigma) * (3 if chance.random() < 0.02 else 1)
        seen.append(_watch(run, 0.0, p10, shape, reported))
    return mean(looks for looks, _ in seen), mean(lag for _, lag in seen)


@pytest.mark.parametrize(("median", "most_looks", "most_lag"), [(28, 5.3, 1.8), (85, 5.9, 2.4), (105, 6.1, 2.9)])
def test_looks_by_progress_are_few_and_timely(median: float, most_looks: float, most_lag: float) -> None:
    looks, lag = _season(median)
    assert looks <= most_looks
    assert lag <= most_lag


@pytest.mark.parametrize("shape", [0.5, 1.5])
@pytest.mark.parametrize("stale", [1 / 1.5, 1.5])
@pytest.mark.parametrize("median", [28, 85, 105])
def test_poor_progress_and_stale_percentiles_cost_looks_or_seconds_but_not_many(
    median: float, stale: float, shape: float
) -> None:
    looks, lag = _season(median, stale=stale, shape=shape)
    assert looks <= 11
    assert lag <= 0.125 * median


@pytest.mark.parametrize("median", [28, 85, 105])
def test_a_model_without_progress_is_still_not_watched_like_a_pot(median: float) -> None:
    looks, lag = _season(median, reported=False)
    assert looks <= 9
    assert lag <= 0.07 * median


def test_a_queued_task_is_seen_soon_after_it_has_run() -> None:
    chance = random.Random(7)
    seen = [_watch(chance.lognormvariate(math.log(85), 0.35), chance.uniform(60, 1800), 55.0) for _ in range(500)]
    assert mean(looks for looks, _ in seen) <= 16
    assert mean(lag for _, lag in seen) <= 13
