"""A task's life as a function of its timeline and the clock."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.concurrency import ModelQueue
from local.simulator.directives import Directives
from local.simulator.rendering import Clip
from local.simulator.tasks import Status, Task, billed_at, run_seconds, status_at, task_json

T0 = 1_800_000_000.0
LINKS = ["http://127.0.0.1/outputs/t/0.mp4"]


def make_task(
    *, created: float = T0, pending: float = 2, throttled: float = 0, run: float = 10, **scenario: object
) -> Task:
    return Task(
        id="t",
        path="/v1/text_to_video",
        model="gen4.5",
        credits=60,
        created_at=created,
        body_sha256="",
        scenario=replace(Directives(), **scenario),  # type: ignore[arg-type]
        clip=Clip(1280, 720, 5, None, 0),
        pending_seconds=pending,
        throttled_seconds=throttled,
        run_seconds=run,
    )


def started(task: Task) -> Task:
    queue = ModelQueue(limit=1)
    queue.join(task)
    queue.catch_up(T0 + 1000)
    return task


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (0, "PENDING"),
        (1.9, "PENDING"),
        (2, "THROTTLED"),
        (4.9, "THROTTLED"),
        (5, "RUNNING"),
        (14.9, "RUNNING"),
        (15, "SUCCEEDED"),
        (9999, "SUCCEEDED"),
    ],
)
def test_status_follows_the_clock(age: float, status: str) -> None:
    task = started(make_task(pending=2, throttled=3, run=10))
    assert status_at(task, T0 + age) == status


def test_fields_of_each_status() -> None:
    """Every status has only Runway's fields."""
    task = started(make_task(throttled=3))
    common = {"id": "t", "createdAt": "2027-01-15T08:00:00.000Z"}
    estimate = {"estimatedCost": {"credits": 60}}
    assert task_json(task, T0, LINKS) == common | {"status": "PENDING"} | estimate
    assert task_json(task, T0 + 3, LINKS) == common | {"status": "THROTTLED"} | estimate
    assert task_json(task, T0 + 7.5, LINKS) == common | {"status": "RUNNING", "progress": 0.25} | estimate
    succeeded = {"status": "SUCCEEDED", "output": LINKS, "cost": {"credits": 60}}
    assert task_json(task, T0 + 15, LINKS) == common | succeeded


def test_progress_stays_below_one_and_can_be_hidden() -> None:
    task = started(make_task())
    assert task_json(task, T0 + 11.9999, LINKS)["progress"] == 0.99
    hidden = started(make_task(progress_hidden=True))
    assert "progress" not in task_json(hidden, T0 + 5, LINKS)


@pytest.mark.parametrize(
    ("scenario", "failure_code", "billed"),
    [
        ({"fail": "SAFETY.INPUT.TEXT"}, "SAFETY.INPUT.TEXT", 60),
        ({"fail": "INPUT_PREPROCESSING.SAFETY.TEXT"}, "INPUT_PREPROCESSING.SAFETY.TEXT", 60),
        ({"fail": "INTERNAL.BAD_OUTPUT.CODE01"}, "INTERNAL.BAD_OUTPUT.CODE01", 0),
        ({"fail_silently": True}, None, 0),
    ],
)
def test_a_failure_is_refunded_unless_it_was_moderated(
    scenario: dict[str, object], failure_code: str | None, billed: int
) -> None:
    answer = task_json(started(make_task(**scenario)), T0 + 100, LINKS)  # type: ignore[arg-type]
    assert answer["status"] == "FAILED"
    assert answer["failure"]
    assert answer.get("failureCode") == failure_code
    assert answer["cost"] == {"credits": billed}
    assert "output" not in answer


@pytest.mark.parametrize(
    ("age", "status", "billed"), [(1, "CANCELLED", 0), (5, "CANCELLED", 60), (50, "SUCCEEDED", 60)]
)
def test_a_delete_cancels_an_active_task_and_refunds_a_waiting_one(age: float, status: str, billed: int) -> None:
    task = started(make_task())
    task.deleted_at = T0 + age
    assert status_at(task, T0 + 999) == status
    assert billed_at(task, T0 + 999) == billed


def test_a_task_can_end_cancelled_without_a_delete() -> None:
    task = started(make_task(cancelled=True))
    assert status_at(task, T0 + 5) is Status.RUNNING
    assert task_json(task, T0 + 50, LINKS)["cost"] == {"credits": 0}
    assert status_at(task, T0 + 50) is Status.CANCELLED


def test_run_times_are_spread_around_the_median_and_repeatable() -> None:
    times = [run_seconds("gen4_turbo", str(number)) for number in range(500)]
    assert median(times) == pytest.approx(28, rel=0.1)
    assert len(set(times)) == 500
    assert run_seconds("gen4_turbo", "7") == times[7]


def test_the_next_task_waits_for_a_slot() -> None:
    """Two slots, three tasks: the third is THROTTLED until the first has ended."""
    tasks = [make_task(run=10), make_task(run=20), make_task(run=5)]
    queue = ModelQueue(limit=2)
    for task in tasks:
        queue.join(task)
    queue.catch_up(T0 + 5)
    assert [status_at(task, T0 + 5) for task in tasks] == ["RUNNING", "RUNNING", "THROTTLED"]
    queue.catch_up(T0 + 100)
    assert [task.started_at for task in tasks] == [T0 + 2, T0 + 2, T0 + 12]


def test_a_freed_slot_does_not_start_a_task_in_the_past() -> None:
    first, second = make_task(run=1000), make_task(run=10)
    queue = ModelQueue(limit=1)
    queue.join(first)
    queue.join(second)
    queue.catch_up(T0 + 50)
    queue.leave(first)
    queue.catch_up(T0 + 60)
    assert second.started_at == T0 + 50


times = st.floats(0, 50, allow_nan=False)


@given(
    limit=st.integers(1, 3),
    plan=st.lists(st.tuples(times, times), min_size=1, max_size=12),
    polls=st.lists(times, max_size=6),
)
def test_starts_do_not_depend_on_when_the_queue_is_read(
    limit: int, plan: list[tuple[float, float]], polls: list[float]
) -> None:
    """However often a queue is read, tasks start at the same times and never exceed the limit."""

    def starts(moments: list[float]) -> list[float]:
        tasks = [make_task(created=T0, pending=ready, run=run) for ready, run in plan]
        queue = ModelQueue(limit)
        for task in tasks:
            queue.join(task)
        for moment in [*sorted(moments), 10_000]:
            queue.catch_up(T0 + moment)
        for task in tasks:
            assert task.started_at is not None
            running = [
                other
                for other in tasks
                if other.started_at is not None
                and other.started_at <= task.started_at < other.started_at + other.run_seconds
            ]
            assert len(running) <= limit
        return [task.started_at or 0 for task in tasks]

    assert starts(polls) == starts([])
