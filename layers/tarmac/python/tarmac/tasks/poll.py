"""Poll a task at Runway once, and decide when to poll again."""

from __future__ import annotations

from contextlib import suppress

from tarmac.clock import Clock
from tarmac.effects import Effects
from tarmac.outcome import ENDED, OVERTAKEN, Outcome
from tarmac.rows import CONFIRMATIONS_OF_GONE, FINISH_SECONDS, TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.runway.ports import UpstreamTask
from tarmac.tasks.failures import RETRY_DELAY_SECONDS, is_retryable
from tarmac.tasks.moves import Moves, began_at
from tarmac.tasks.pacing import EarlierPoll, failed_poll_wait, next_wait
from tarmac.tasks.task import State, Task


def poll(task_id: str, effects: Effects, max_failure_retries: int) -> Outcome:
    """Poll the task and return what the state machine does next. Raises the errors of AWS. Safe to retry."""
    task = effects.tasks.get(task_id)
    if task.state.is_terminal:
        return ENDED
    if task.state is not State.SUBMITTED or task.upstream_id is None:
        return OVERTAKEN
    try:
        upstream = effects.runway.task(task.upstream_id)
        if upstream.is_terminal:
            return _ended(task, upstream, effects, max_failure_retries)
        if _must_stop(task, effects):
            # Only after this poll: cancelling a task that has just succeeded would delete its output at Runway.
            effects.runway.cancel(task.upstream_id)
            return ENDED
        return _still_running(task, upstream, effects)
    except UpstreamGone:
        return _gone(task, effects)
    except UpstreamUnavailable as problem:
        return _unreadable(task, problem.retry_after_seconds, effects)


def _must_stop(task: Task, effects: Effects) -> bool:
    return task.cancel_requested_at is not None or effects.clock.now() >= task.deadline_at


def _ended(task: Task, upstream: UpstreamTask, effects: Effects, max_failure_retries: int) -> Outcome:
    may_retry = (
        upstream.status == "FAILED"
        and is_retryable(upstream.failure_code)
        and task.failure_retries < max_failure_retries
        # Each node of a workflow is paid for: a retry would pay again for those that have succeeded.
        and not task.is_workflow
        and not _must_stop(task, effects)
    )
    if not may_retry:
        return _to_finish(task, upstream, effects)
    try:
        effects.tasks.move(task.id, Moves.retry, upstream.id, upstream.cost_credits, RETRY_DELAY_SECONDS)
    except TransitionRefused:
        return OVERTAKEN
    return Outcome("waiting", RETRY_DELAY_SECONDS)


def _to_finish(task: Task, upstream: UpstreamTask, effects: Effects) -> Outcome:
    """Record the status and continue with Finish. While outputs are archived, the API shows RUNNING, not PENDING."""
    with suppress(TransitionRefused):
        effects.tasks.move(task.id, Moves.observe, upstream.id, upstream.status, task.progress, FINISH_SECONDS)
    return ENDED


def _still_running(task: Task, upstream: UpstreamTask, effects: Effects) -> Outcome:
    wait = _wait(task, upstream, effects.clock)
    try:
        effects.tasks.move(task.id, Moves.observe, upstream.id, upstream.status, upstream.progress, wait)
    except TransitionRefused:
        return OVERTAKEN
    return Outcome("running", wait)


def _wait(task: Task, upstream: UpstreamTask, clock: Clock) -> int:
    """Return the seconds until the next poll of a task that has not ended. task: its row before this poll."""
    age = clock.elapsed(began_at(task, upstream.status) or task.submitted_at or task.created_at)
    earlier = None
    if task.upstream_status == "RUNNING" and task.progress is not None and task.checked_at is not None:
        earlier = EarlierPoll(age - clock.elapsed(task.checked_at), task.progress)
    return next_wait(upstream.status, age, upstream.progress, task.p10_seconds, earlier)


def _gone(task: Task, effects: Effects) -> Outcome:
    certain = _must_stop(task, effects) or task.missing + 1 >= CONFIRMATIONS_OF_GONE
    wait = failed_poll_wait(task.missing + 2, effects.chance(), _age(task, effects))
    return _poll_failed(task, wait, effects, gone=True, certain=certain)


def _unreadable(task: Task, retry_after_seconds: float | None, effects: Effects) -> Outcome:
    wait = failed_poll_wait(task.unread + 1, effects.chance(), _age(task, effects), retry_after_seconds)
    return _poll_failed(task, wait, effects, gone=False, certain=not effects.tasks.moves.outputs_may_exist(task))


def _poll_failed(task: Task, wait_seconds: int, effects: Effects, gone: bool, certain: bool) -> Outcome:
    assert task.upstream_id is not None
    upstream_id = task.upstream_id
    try:
        effects.tasks.move(task.id, Moves.poll_failed, upstream_id, wait_seconds, gone)
    except TransitionRefused:
        return OVERTAKEN
    return ENDED if certain else Outcome("running", wait_seconds)


def _age(task: Task, effects: Effects) -> float:
    return effects.clock.elapsed(task.submitted_at or task.created_at)
