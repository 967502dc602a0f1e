"""Poll: one look at the task upstream, and the decision when to look again."""

from __future__ import annotations

from contextlib import suppress

from tarmac.effects import Effects, moves
from tarmac.outcome import ENDED, Outcome
from tarmac.rows import TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.runway.ports import UpstreamTask
from tarmac.tasks.failures import RETRY_DELAY_SECONDS, may_be_mended
from tarmac.tasks.moves import CONFIRMATIONS_OF_GONE, FINISH_SECONDS
from tarmac.tasks.pacing import Look, next_wait, unread_wait
from tarmac.tasks.task import State, Task


def poll(task_id: str, effects: Effects, max_failure_retries: int) -> Outcome:
    """Look once. Effects: clock, tasks, runway, chance. Raises what AWS raises; a look more does no harm."""
    task = effects.tasks.get(task_id)
    if task.state.is_terminal:
        return ENDED
    if task.state is not State.SUBMITTED or task.upstream_id is None:
        return Outcome("waiting", 1)
    try:
        upstream = effects.runway.task(task.upstream_id)
        if upstream.is_terminal:
            return _ended(task, upstream, effects, max_failure_retries)
        if _must_stop(task, effects):
            # This was the second look: what had just succeeded was not cancelled, since that deletes the output.
            effects.runway.cancel(task.upstream_id)
            return ENDED
        return _still_running(task, upstream, effects)
    except UpstreamGone:
        return _gone(task, effects)
    except UpstreamUnavailable as problem:
        return _unread(task, problem.retry_after_seconds, effects)


def _must_stop(task: Task, effects: Effects) -> bool:
    return task.cancel_requested_at is not None or effects.clock.now() >= task.deadline_at


def _ended(task: Task, upstream: UpstreamTask, effects: Effects, max_failure_retries: int) -> Outcome:
    worth_it = (
        upstream.status == "FAILED"
        and may_be_mended(upstream.failure_code)
        and task.failure_retries < max_failure_retries
        # Its nodes are bought one by one: those that succeeded would be bought again.
        and not task.is_workflow
        and not _must_stop(task, effects)
    )
    if not worth_it:
        return _seen_ended(task, upstream, effects)
    try:
        effects.tasks.change(
            task.id,
            lambda row: moves(effects).try_again(row, upstream.id, upstream.cost_credits, RETRY_DELAY_SECONDS),
        )
    except TransitionRefused:
        return Outcome("waiting", 1)
    return Outcome("waiting", RETRY_DELAY_SECONDS)


def _seen_ended(task: Task, upstream: UpstreamTask, effects: Effects) -> Outcome:
    """On to Finish, with the look in the row: while the outputs are archived the API shows RUNNING, not PENDING."""
    with suppress(TransitionRefused):
        effects.tasks.change(
            task.id,
            lambda row: moves(effects).observe(row, upstream.id, upstream.status, row.progress, FINISH_SECONDS),
        )
    return ENDED


def _still_running(task: Task, upstream: UpstreamTask, effects: Effects) -> Outcome:
    wait = 1

    def observed(row: Task) -> Task:
        nonlocal wait
        seen = moves(effects).observe(row, upstream.id, upstream.status, upstream.progress, 0)
        began = seen.started_at or seen.submitted_at or seen.created_at
        age = effects.clock.elapsed(began)
        wait = next_wait(upstream.status, age, upstream.progress, row.p10_seconds, _earlier_look(row, age, effects))
        return moves(effects).observe(row, upstream.id, upstream.status, upstream.progress, wait)

    try:
        effects.tasks.change(task.id, observed)
    except TransitionRefused:
        return Outcome("waiting", 1)
    return Outcome("running", wait)


def _earlier_look(row: Task, age: float, effects: Effects) -> Look | None:
    if row.upstream_status != "RUNNING" or row.progress is None or row.checked_at is None:
        return None
    return Look(age - effects.clock.elapsed(row.checked_at), row.progress)


def _gone(task: Task, effects: Effects) -> Outcome:
    certain = _must_stop(task, effects) or task.missing + 1 >= CONFIRMATIONS_OF_GONE
    wait = unread_wait(task.missing + 2, effects.chance(), _age(task, effects))
    return _overlooked(task, wait, effects, gone=True, certain=certain)


def _unread(task: Task, retry_after_seconds: float | None, effects: Effects) -> Outcome:
    wait = unread_wait(task.unread + 1, effects.chance(), _age(task, effects), retry_after_seconds)
    return _overlooked(task, wait, effects, gone=False, certain=not moves(effects).may_still_come(task))


def _overlooked(task: Task, wait_seconds: int, effects: Effects, gone: bool, certain: bool) -> Outcome:
    assert task.upstream_id is not None
    upstream_id = task.upstream_id
    try:
        effects.tasks.change(task.id, lambda row: moves(effects).overlook(row, upstream_id, wait_seconds, gone))
    except TransitionRefused:
        return Outcome("waiting", 1)
    return ENDED if certain else Outcome("running", wait_seconds)


def _age(task: Task, effects: Effects) -> float:
    return effects.clock.elapsed(task.submitted_at or task.created_at)
