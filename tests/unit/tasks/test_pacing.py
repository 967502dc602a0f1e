"""Waits are whole seconds, short enough for quick results and long enough for the history of an execution."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.backoff import backoff
from tarmac.tasks.pacing import (
    LONGEST_QUEUE_WAIT_SECONDS,
    EarlierPoll,
    failed_poll_wait,
    first_wait,
    next_wait,
    refusal_wait,
)

LONGEST_DEADLINE_SECONDS = 48 * 3600
HISTORY_EVENTS = 10_000
"""Limit for a stuck task. Step Functions ends an execution at 25,000 events, which leaves room for retries."""
EVENTS_PER_POLL = 9
"""History events of one poll: entering and leaving Wait, Route, and five of the task state."""

ages = st.floats(-10, 400_000)
p10s = st.floats(1, 300)
anything = st.floats(allow_nan=True, allow_infinity=True)
statuses = st.sampled_from(["PENDING", "THROTTLED", "RUNNING"]) | st.text(max_size=12)
earlier_polls = st.builds(EarlierPoll, ages, anything)


class TestFirstWait:
    @pytest.mark.parametrize(("p10", "expected"), [(5.0, 5), (12.0, 12), (55.0, 12), (5.2, 6)])
    def test_is_the_tenth_percentile_but_never_more_than_twelve_seconds(self, p10: float, expected: int) -> None:
        assert first_wait(0, p10) == expected

    @pytest.mark.parametrize(("age", "expected"), [(9.5, 3), (11.0, 1), (12.0, 1), (4000.0, 1)])
    def test_subtracts_the_time_since_the_create(self, age: float, expected: int) -> None:
        wait = first_wait(age, 55.0)
        assert (wait, type(wait)) == (expected, int)


class TestNextWait:
    @given(statuses, ages, st.none() | anything, p10s, st.none() | earlier_polls)
    def test_is_a_whole_number_from_one_up_whatever_runway_reports(
        self, status: str, age: float, progress: float | None, p10: float, earlier: EarlierPoll | None
    ) -> None:
        wait = next_wait(status, age, progress, p10, earlier)
        assert type(wait) is int
        assert 1 <= wait <= max(300, 0.25 * age + 1)

    @pytest.mark.parametrize("progress", [None, 0.0, 0.05])
    def test_lasts_until_the_tenth_percentile(self, progress: float | None) -> None:
        assert next_wait("RUNNING", 12, progress, 55.0) == 43
        assert next_wait("RUNNING", 54.5, progress, 55.0) == 1

    @pytest.mark.parametrize(
        ("progress", "expected"),
        [(0.3, 26), (0.5, 11), (0.9, 2), (1.0, 2)],  # 0.9 of the 28, 12, 1⅓ and no seconds that are left
    )
    def test_is_shorter_if_progress_shows_a_faster_task(self, progress: float, expected: int) -> None:
        assert next_wait("RUNNING", 12, progress, 55.0) == expected

    @pytest.mark.parametrize(
        ("age", "progress", "expected"),
        [
            (100, 0.5, 25),  # 90 s by progress, but never more than a quarter of the age
            (100, 0.8, 23),
            (100, 0.9, 10),
            (100, 0.99, 2),
            (100, 1.0, 2),
            (100, 1.7, 2),
            (200, 0.99, 4),  # nor less than a fiftieth
        ],
    )
    def test_follows_linear_progress(self, age: float, progress: float, expected: int) -> None:
        steady = EarlierPoll(age / 2, min(progress, 1.0) / 2)
        assert next_wait("RUNNING", age, progress, 20.0, steady) == expected

    @pytest.mark.parametrize(
        ("before", "expected"),
        [
            # The estimate over all 100 s is 12.5 s; that over the last 50 s differs by about a tenth of it, or more.
            (0.396, 11),
            (0.394, 4),
            (0.484, 13),
            (0.486, 4),
            (0.1, 4),
            (0.888, 4),
        ],
    )
    def test_uses_progress_only_if_two_estimates_agree(self, before: float, expected: int) -> None:
        assert next_wait("RUNNING", 100, 8 / 9, 20.0, EarlierPoll(50, before)) == expected

    def test_is_shorter_if_recent_progress_was_fast(self) -> None:
        assert next_wait("RUNNING", 100, 0.99, 20.0, EarlierPoll(90, 0.5)) == 2

    @pytest.mark.parametrize(
        ("progress", "earlier"),
        [
            (None, None),
            (0.0, None),
            (-0.5, None),
            (math.nan, None),
            (0.5, None),  # a single poll gives one estimate only
            (0.5, EarlierPoll(90, 0.5)),
            (0.5, EarlierPoll(90, 0.6)),
            (0.5, EarlierPoll(90, math.nan)),
            (0.5, EarlierPoll(90, 0.1)),
            (1.0, EarlierPoll(90, 1.0)),
            (math.inf, EarlierPoll(90, 1.0)),
        ],
    )
    @pytest.mark.parametrize(("age", "expected"), [(20, 2), (40, 2), (60, 3), (80, 4), (200, 4), (201, 5), (1000, 20)])
    def test_is_a_small_share_of_the_age_without_usable_progress(
        self, progress: float | None, earlier: EarlierPoll | None, age: float, expected: int
    ) -> None:
        before = earlier and EarlierPoll(age - 10, earlier.progress)
        assert next_wait("RUNNING", age, progress, 20.0, before) == expected

    @given(st.floats(60, 170_000), st.floats(0.01, 1), st.floats(0.01, 1))
    def test_is_never_longer_for_a_task_with_more_progress(self, age: float, one: float, other: float) -> None:
        less, more = sorted((one, other))
        assert next_wait("RUNNING", age, more, 20.0) <= next_wait("RUNNING", age, less, 20.0)

    @given(st.floats(20, 170_000), st.floats(20, 170_000), st.sampled_from(["THROTTLED", "RUNNING"]))
    def test_is_never_shorter_for_an_older_task(self, one: float, other: float, status: str) -> None:
        younger, older = sorted((one, other))
        assert next_wait(status, younger, None, 20.0) <= next_wait(status, older, None, 20.0)

    @pytest.mark.parametrize("status", ["PENDING", "THROTTLED"])
    @pytest.mark.parametrize(
        ("age", "expected"),
        [(-3, 20), (0, 20), (400, 20), (401, 21), (600, 30), (2400, 120), (24_000, 120), (100_000, 500)],
    )
    def test_grows_with_the_time_in_a_queue(self, status: str, age: float, expected: int) -> None:
        assert next_wait(status, age, 0.5, 20.0, EarlierPoll(5, 0.1)) == expected

    def test_in_a_queue_is_at_most_two_minutes_for_the_first_six_hours(self) -> None:
        assert max(next_wait("THROTTLED", age, None, 70.0) for age in range(0, 6 * 3600, 60)) == (
            LONGEST_QUEUE_WAIT_SECONDS
        )
        assert next_wait("THROTTLED", 0, None, 500.0) == LONGEST_QUEUE_WAIT_SECONDS


Policy = Callable[[float, int], int]

STUCK: dict[str, Policy] = {
    "throttled": lambda age, n: next_wait("THROTTLED", age, None, 18.0),
    "pending": lambda age, n: next_wait("PENDING", age, None, 18.0),
    "running without progress": lambda age, n: next_wait("RUNNING", age, None, 18.0),
    "running at 1 %": lambda age, n: next_wait("RUNNING", age, 0.01, 18.0),
    "running at 99 %": lambda age, n: next_wait("RUNNING", age, 0.99, 18.0, EarlierPoll(age - 1, 0.99)),
    "running at 100 %": lambda age, n: next_wait("RUNNING", age, 1.0, 18.0, EarlierPoll(age - 1, 1.0)),
    "running with oscillating progress": lambda age, n: next_wait(
        "RUNNING", age, 1 - n % 2 / 2, 18.0, EarlierPoll(age - 1, 0.5)
    ),
    "an unknown status": lambda age, n: next_wait("PAUSED", age, None, 18.0),
    "every poll failed": lambda age, n: failed_poll_wait(n + 1, 0.0, age),
    "refused": lambda age, n: refusal_wait(n + 1, 0.0, quota=False),
    "out of quota": lambda age, n: refusal_wait(n + 1, 0.0, quota=True, retry_after_seconds=1.0),
    "throttled, every second poll failed": lambda age, n: (
        next_wait("THROTTLED", age, None, 18.0) if n % 2 else failed_poll_wait(1, 0.0, age)
    ),
    "throttled, every second poll a 404": lambda age, n: (
        next_wait("THROTTLED", age, None, 18.0) if n % 2 else failed_poll_wait(2, 0.0, age)
    ),
    "throttled, two of three polls failed": lambda age, n: (
        failed_poll_wait(n % 3, 0.0, age) if n % 3 else next_wait("THROTTLED", age, None, 18.0)
    ),
    "running, every second poll failed": lambda age, n: (
        next_wait("RUNNING", age, 0.99, 18.0) if n % 2 else failed_poll_wait(1, 0.0, age)
    ),
}


def _events_until_the_longest_deadline(policy: Policy) -> int:
    age, polls = 0.0, 0
    while age < LONGEST_DEADLINE_SECONDS:
        age += policy(age, polls)
        polls += 1
    return polls * EVENTS_PER_POLL


@pytest.mark.parametrize("policy", STUCK.values(), ids=STUCK)
def test_a_stuck_task_reaches_the_longest_deadline_within_the_history_of_one_execution(policy: Policy) -> None:
    assert _events_until_the_longest_deadline(policy) < HISTORY_EVENTS


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
    def test_jitter_adds_up_to_half(self, jitter: float, expected: int) -> None:
        assert backoff(3, jitter) == expected


class TestRefusalWait:
    def test_starts_in_seconds_after_an_outage_and_in_minutes_at_the_quota(self) -> None:
        assert [refusal_wait(n, 0.0, quota=False) for n in (1, 2, 3, 20)] == [5, 10, 20, 900]
        assert [refusal_wait(n, 0.0, quota=True) for n in (1, 2, 3, 20)] == [60, 120, 240, 900]

    @pytest.mark.parametrize(("asked", "expected"), [(0.0, 5), (3.0, 5), (30.2, 31), (1e9, 900), (math.inf, 900)])
    def test_is_retry_after_if_that_is_longer_up_to_the_limit(self, asked: float, expected: int) -> None:
        assert refusal_wait(1, 0.0, quota=False, retry_after_seconds=asked) == expected

    @given(st.integers(1, 500), st.floats(0, 1), st.booleans(), st.none() | st.floats(0, 1e12))
    def test_is_whole_and_never_beyond_half_an_hour(
        self, refusals: int, jitter: float, quota: bool, asked: float | None
    ) -> None:
        wait = refusal_wait(refusals, jitter, quota, asked)
        assert type(wait) is int
        assert 5 <= wait <= 1350


class TestFailedPollWait:
    def test_is_short_for_a_young_task_and_doubles(self) -> None:
        assert [failed_poll_wait(n, 0.0, 100.0) for n in (1, 2, 3, 9, 10, 99)] == [2, 4, 8, 512, 900, 900]
        assert failed_poll_wait(3, 1.0, 100.0) == 12

    @pytest.mark.parametrize(("age", "expected"), [(0, 2), (400, 2), (401, 3), (24_000, 120), (172_800, 864)])
    def test_is_at_least_a_two_hundredth_of_the_age(self, age: float, expected: int) -> None:
        assert failed_poll_wait(1, 0.0, age) == expected

    @pytest.mark.parametrize(("asked", "expected"), [(1.0, 2), (2.5, 3), (1e9, 900)])
    def test_is_retry_after_if_that_is_longer(self, asked: float, expected: int) -> None:
        assert failed_poll_wait(1, 0.0, 0.0, asked) == expected
