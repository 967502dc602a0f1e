"""Sweep: repairs rows after faults and leaves running tasks alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tarmac.ports import Throttled
from tarmac.rows import SWEEP_GRACE_SECONDS, NoticeState
from tarmac.sweeping import SweepReport
from tarmac.tasks.task import State
from tests.fakes import MemoryExecutions, MemoryTopic, World
from tests.fakes.composed import sweep
from tests.fakes.stories import accepted, standing, submitted, succeeded


def late(world: World) -> None:
    world.clock.advance(10_000)


def test_a_sweep_without_due_rows_does_nothing(world: World) -> None:
    task = accepted(world)
    assert sweep(world) == SweepReport()
    assert world.tasks.get(task.id) == task


def test_a_task_without_an_execution_gets_the_next_one(world: World) -> None:
    task = accepted(world)
    world.executions.running.clear()
    late(world)
    assert sweep(world) == SweepReport(restarted=1)
    assert world.executions.started[f"{task.id}-2"] == f'{{"taskId":"{task.id}"}}'
    assert world.tasks.get(task.id).run == 2


@pytest.mark.parametrize("state", [State.ACCEPTED, State.WAITING, State.SUBMITTING, State.SUBMITTED])
def test_every_open_state_is_repaired(state: State, world: World) -> None:
    task = standing(world, accepted(world), state)
    world.executions.running.clear()
    late(world)
    assert sweep(world).restarted == 1
    assert f"{task.id}-2" in world.executions.started


def test_a_task_with_a_running_execution_is_not_restarted(world: World) -> None:
    task = accepted(world)
    late(world)
    assert sweep(world) == SweepReport(watched=1)
    row = world.tasks.get(task.id)
    assert (row.run, row.next_check_at) == (1, world.clock.now() + SWEEP_GRACE_SECONDS)
    assert sweep(world) == SweepReport()


def test_a_pending_notice_is_published(world: World) -> None:
    task = standing(world, accepted(world), State.FAILED, notice_state=NoticeState.PENDING, ended_at=1.0)
    late(world)
    assert sweep(world) == SweepReport(announced=1)
    assert len(world.topic.published) == 1
    assert world.tasks.get(task.id).notice_state is NoticeState.SENT
    late(world)
    assert sweep(world) == SweepReport()


class Throttling(MemoryExecutions):
    """Step Functions with a bucket of so many calls."""

    def __init__(self, calls_left: int) -> None:
        super().__init__()
        self.calls_left = calls_left
        self.calls = 0

    def is_running(self, name: str) -> bool:
        self.calls += 1
        if not self.calls_left:
            raise Throttled
        self.calls_left -= 1
        return super().is_running(name)


def test_the_first_throttled_call_is_the_last_of_a_sweep(world: World) -> None:
    tasks = [accepted(world) for _ in range(5)]
    executions = world.executions = Throttling(calls_left=2)
    late(world)
    assert sweep(world) == SweepReport(restarted=2, postponed=3)
    assert executions.calls == 3
    executions.calls_left = 10
    assert sweep(world) == SweepReport(restarted=3)
    assert set(executions.started) == {f"{task.id}-2" for task in tasks}


def test_a_throttled_sweep_still_publishes_notices(world: World) -> None:
    for _ in range(5):
        accepted(world)
        standing(world, accepted(world), State.FAILED, notice_state=NoticeState.PENDING, ended_at=1.0)
    world.executions = Throttling(calls_left=0)
    late(world)
    assert sweep(world) == SweepReport(announced=5, postponed=5)


def test_each_rerun_has_a_new_name(world: World) -> None:
    task = accepted(world)
    for _ in range(3):
        world.executions.running.clear()
        late(world)
        sweep(world)
    assert set(world.executions.started) == {task.id, f"{task.id}-2", f"{task.id}-3", f"{task.id}-4"}


def test_a_failed_start_is_retried_later(world: World) -> None:
    class Down(MemoryExecutions):
        down = True

        def start(self, name: str, execution_input: str) -> None:
            if self.down:
                raise ConnectionError("down")
            super().start(name, execution_input)

    task = accepted(world)
    executions = world.executions = Down()
    late(world)
    assert sweep(world) == SweepReport(failed=1)
    executions.down = False
    late(world)
    assert sweep(world) == SweepReport(restarted=1)
    assert list(executions.started) == [f"{task.id}-3"]


def test_one_that_fails_does_not_stop_the_rest(world: World) -> None:
    class Picky(MemoryTopic):
        def publish(self, message: str, attributes: Mapping[str, str]) -> None:
            if not self.published:
                self.published.append(("", {}))
                raise ConnectionError("SNS is down")
            super().publish(message, attributes)

    world.topic = Picky()
    tasks = [
        standing(world, accepted(world), State.FAILED, notice_state=NoticeState.PENDING, ended_at=1.0) for _ in range(5)
    ]
    late(world)
    assert sweep(world) == SweepReport(announced=4, failed=1)
    pending = [task for task in tasks if world.tasks.get(task.id).notice_state is NoticeState.PENDING]
    assert len(pending) == 1
    assert sweep(world) == SweepReport(announced=1)


def test_a_task_that_ends_during_the_sweep_gets_no_new_execution(world: World) -> None:
    task = accepted(world)

    class Racing(MemoryExecutions):
        def is_running(self, name: str) -> bool:
            standing(world, world.tasks.get(task.id), State.CANCELLED)
            return False

    world.executions = Racing()
    late(world)
    sweep(world)
    assert world.executions.started == {}
    assert world.tasks.get(task.id).run == 1


def test_two_sweeps_at_once_start_one_execution(world: World) -> None:
    task = accepted(world)

    class Racing(MemoryExecutions):
        raced = False

        def is_running(self, name: str) -> bool:
            if not self.raced:
                self.raced = True
                sweep(world)
            return super().is_running(name)

    world.executions = Racing()
    late(world)
    sweep(world)
    running = [name for name in world.executions.started if name.startswith(task.id)]
    assert len(running) <= 2
    assert world.tasks.get(task.id).execution_name in running


def test_a_stranded_success_is_finished_by_its_next_execution(world: World) -> None:
    """From the rerun through the steps to the published notice, without a second attempt."""
    from tarmac.tasks.poll import poll
    from tarmac.tasks.submit import submit
    from tests.fakes.composed import finish

    task = succeeded(world)
    world.executions.running.clear()
    late(world)
    assert sweep(world).restarted == 1
    assert submit(task.id, world, 0).word == "running"
    assert poll(task.id, world, 1).word == "ended"
    assert finish(task.id, world, 10**6).task.state is State.SUCCEEDED
    assert len(world.runway.bodies) == 1


def test_many_due_tasks_are_swept_in_few_calls(world: World) -> None:
    tasks = [submitted(world) for _ in range(40)]
    world.executions.running.clear()
    late(world)
    assert sweep(world).restarted == len(tasks)
