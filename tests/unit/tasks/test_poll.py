"""Poll: one GET and one decision. A failed poll never fails the task."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.outcome import ENDED, Outcome
from tarmac.rows import CONFIRMATIONS_OF_GONE
from tarmac.runway.errors import UpstreamUnavailable
from tarmac.runway.ports import UpstreamTask
from tarmac.tasks.moves import OUTPUTS_LIVE_SECONDS, Moves
from tarmac.tasks.poll import poll
from tarmac.tasks.task import State
from tests.fakes import FakeRunway, World
from tests.fakes.samples import NOW
from tests.fakes.stories import DEADLINE_SECONDS, accepted, standing, submitted


class TestRunning:
    @pytest.mark.parametrize("status", ["PENDING", "THROTTLED", "RUNNING", "A_STATUS_OF_TOMORROW"])
    def test_a_task_under_way_is_polled_again(self, status: str, world: World) -> None:
        task = submitted(world)
        world.clock.advance(12)
        world.runway.now("up-1", status)
        outcome = poll(task.id, world, 1)
        assert outcome.word == "running"
        assert type(outcome.wait_seconds) is int
        assert outcome.wait_seconds >= 1
        row = world.tasks.get(task.id)
        assert (row.upstream_status, row.polls, row.checked_at) == (status, 1, world.clock.now())

    def test_progress_is_recorded_and_sets_the_wait(self, world: World) -> None:
        task = submitted(world)
        world.clock.advance(20)
        world.runway.now("up-1", "RUNNING", progress=0.45)
        assert poll(task.id, world, 1) == Outcome("running", 2)
        world.clock.advance(20)
        world.runway.now("up-1", "RUNNING", progress=0.9)
        assert poll(task.id, world, 1) == Outcome("running", 4)
        assert world.tasks.get(task.id).progress == 0.9

    def test_progress_of_an_earlier_attempt_or_status_is_not_compared_with(self, world: World) -> None:
        task = submitted(world)
        world.clock.advance(20)
        world.runway.now("up-1", "THROTTLED", progress=0.45)
        poll(task.id, world, 1)
        world.clock.advance(20)
        world.runway.now("up-1", "RUNNING", progress=0.9)
        assert poll(task.id, world, 1) == Outcome("running", 2)

    def test_the_time_in_a_queue_does_not_count_as_running(self, world: World) -> None:
        task = submitted(world)
        world.clock.advance(1000)
        world.runway.now("up-1", "THROTTLED")
        assert poll(task.id, world, 1) == Outcome("running", 50)
        world.clock.advance(10)
        world.runway.now("up-1", "RUNNING", progress=0.5)
        assert poll(task.id, world, 1) == Outcome("running", 8)
        assert world.tasks.get(task.id).started_at == NOW + 1000

    def test_it_is_not_overdue_until_the_next_poll(self, world: World) -> None:
        task = submitted(world)
        world.clock.advance(12)
        outcome = poll(task.id, world, 1)
        row = world.tasks.get(task.id)
        assert row.next_check_at is not None
        assert row.next_check_at > world.clock.now() + outcome.wait_seconds

    @pytest.mark.parametrize("status", ["SUCCEEDED", "CANCELLED", "FAILED"])
    def test_an_ended_generation_continues_with_finish(self, status: str, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", status, failure_code="ASSET.INVALID")
        assert poll(task.id, world, 1) == ENDED
        assert world.tasks.get(task.id).state is State.SUBMITTED


class TestFailures:
    def test_an_error_of_runway_is_retried(self, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", "FAILED", failure_code="INTERNAL.BAD_OUTPUT.01")
        assert poll(task.id, world, 1) == Outcome("waiting", 30)
        row = world.tasks.get(task.id)
        assert (row.state, row.failure_retries, row.upstream_id) == (State.WAITING, 1, None)

    def test_the_second_failure_is_final(self, world: World) -> None:
        task = submitted(world)
        world.tasks.move(task.id, Moves.retry, "up-1", 25.0, 30)
        from tarmac.tasks.submit import submit

        submit(task.id, world, 0)
        world.runway.now("up-2", "FAILED", failure_code="INTERNAL")
        assert poll(task.id, world, 1) == ENDED

    @pytest.mark.parametrize("code", ["SAFETY.INPUT.TEXT", "ASSET.INVALID", "A_CODE.OF_TOMORROW"])
    def test_other_failures_are_final(self, code: str, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", "FAILED", failure_code=code)
        assert poll(task.id, world, 3) == ENDED

    def test_without_a_budget_every_failure_is_final(self, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", "FAILED", failure_code=None)
        assert poll(task.id, world, 0) == ENDED

    def test_a_cancelled_task_is_not_retried(self, world: World) -> None:
        task = submitted(world)
        world.tasks.move(task.id, Moves.request_cancel)
        world.runway.now("up-1", "FAILED", failure_code="INTERNAL")
        assert poll(task.id, world, 1) == ENDED

    def test_a_failure_after_the_deadline_is_not_retried(self, world: World) -> None:
        task = submitted(world)
        world.clock.advance(DEADLINE_SECONDS)
        world.runway.now("up-1", "FAILED", failure_code="INTERNAL")
        assert poll(task.id, world, 1) == ENDED


class TestCancelling:
    def test_a_cancelled_task_is_cancelled_at_runway(self, world: World) -> None:
        task = submitted(world)
        world.tasks.move(task.id, Moves.request_cancel)
        assert poll(task.id, world, 1) == ENDED
        assert world.runway.cancelled == ["up-1"]

    def test_a_task_past_its_deadline_is_cancelled_at_runway(self, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", "RUNNING", progress=0.5)
        world.clock.advance(DEADLINE_SECONDS)
        assert poll(task.id, world, 1) == ENDED
        assert world.runway.cancelled == ["up-1"]

    @pytest.mark.parametrize("reason", ["cancel", "deadline"])
    def test_a_task_that_has_just_succeeded_is_not_deleted(self, reason: str, world: World) -> None:
        """DELETE of an ended task deletes its output, which is paid for."""
        task = submitted(world)
        if reason == "cancel":
            world.tasks.move(task.id, Moves.request_cancel)
        else:
            world.clock.advance(DEADLINE_SECONDS)
        world.runway.now("up-1", "SUCCEEDED", output=("https://cdn.example/1.mp4",))
        assert poll(task.id, world, 1) == ENDED
        assert world.runway.cancelled == []

    def test_a_failed_cancel_is_retried_by_the_next_poll(self, world: World) -> None:
        task = submitted(world)
        world.tasks.move(task.id, Moves.request_cancel)
        world.runway.refuse_cancels = [UpstreamUnavailable("down")]
        assert poll(task.id, world, 1).word == "running"
        assert poll(task.id, world, 1) == ENDED
        assert world.runway.cancelled == ["up-1"]

    def test_a_cancelled_task_that_is_gone_needs_no_confirmation(self, world: World) -> None:
        task = submitted(world)
        world.tasks.move(task.id, Moves.request_cancel)
        world.runway.tasks.clear()
        assert poll(task.id, world, 1) == ENDED


class TestGone:
    def test_a_404_counts_after_three_in_a_row(self, world: World) -> None:
        task = submitted(world)
        world.runway.tasks.clear()
        outcomes = [poll(task.id, world, 1) for _ in range(CONFIRMATIONS_OF_GONE)]
        assert [outcome.word for outcome in outcomes] == ["running", "running", "ended"]
        assert 2 <= outcomes[0].wait_seconds < outcomes[1].wait_seconds

    def test_a_task_that_is_found_again_is_not_gone(self, world: World) -> None:
        task = submitted(world)
        hidden = dict(world.runway.tasks)
        for _ in range(3):
            world.runway.tasks = {}
            assert poll(task.id, world, 1).word == "running"
            assert poll(task.id, world, 1).word == "running"
            world.runway.tasks = dict(hidden)
            assert poll(task.id, world, 1).word == "running"


class TestFailedPolls:
    def test_failed_polls_wait_longer_each_time_and_do_not_fail_the_task(self, world: World) -> None:
        task = submitted(world)
        world.runway.unreadable = [UpstreamUnavailable("503") for _ in range(12)]
        waits = [poll(task.id, world, 1) for _ in range(12)]
        assert {outcome.word for outcome in waits} == {"running"}
        assert [outcome.wait_seconds for outcome in waits] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
        assert world.tasks.get(task.id).state is State.SUBMITTED

    def test_a_successful_poll_resets_the_count(self, world: World) -> None:
        task = submitted(world)
        world.runway.unreadable = [UpstreamUnavailable("503") for _ in range(5)]
        for _ in range(6):
            poll(task.id, world, 1)
        world.runway.unreadable = [UpstreamUnavailable("503")]
        assert poll(task.id, world, 1) == Outcome("running", 2)

    @pytest.mark.parametrize(("asked", "expected"), [(60.0, 60), (60.5, 61), (0.0, 2), (1e9, 900)])
    def test_retry_after_is_respected(self, asked: float, expected: int, world: World) -> None:
        task = submitted(world)
        world.runway.unreadable = [UpstreamUnavailable("429", retry_after_seconds=asked)]
        assert poll(task.id, world, 1) == Outcome("running", expected)

    def test_polling_ends_once_the_outputs_have_expired(self, world: World) -> None:
        task = submitted(world)
        world.clock.advance(DEADLINE_SECONDS + OUTPUTS_LIVE_SECONDS - 1)
        world.runway.unreadable = [UpstreamUnavailable("503") for _ in range(2)]
        assert poll(task.id, world, 1).word == "running"
        world.clock.advance(1)
        assert poll(task.id, world, 1) == ENDED


class TestOtherStates:
    @pytest.mark.parametrize("state", [State.ACCEPTED, State.WAITING, State.SUBMITTING])
    def test_a_task_without_a_generation_returns_to_submit(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state)
        assert poll(task.id, world, 1) == Outcome("waiting", 1)

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.AMBIGUOUS_FAILED])
    def test_an_ended_task_continues_with_finish(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state)
        assert poll(task.id, world, 1) == ENDED

    @pytest.mark.parametrize("answer", [{"status": "RUNNING"}, {"status": "FAILED", "failure_code": None}])
    def test_a_row_that_was_rebound_meanwhile_is_left_to_its_new_generation(
        self, answer: dict[str, Any], world: World
    ) -> None:
        task = submitted(world)

        class Slow(FakeRunway):
            def task(self, upstream_id: str) -> UpstreamTask:
                world.tasks.move(task.id, Moves.retry, "up-1", 25.0, 30)
                return UpstreamTask(upstream_id, **answer)

        world.runway = Slow()
        assert poll(task.id, world, 1) == Outcome("waiting", 1)
        assert world.tasks.get(task.id).failure_retries == 1
