"""Submit: the one step that spends money. Claim the row, send one create, bind Runway's task to the row."""

from __future__ import annotations

from contextlib import suppress

from tarmac.effects import Effects, moves
from tarmac.media.inputs import InputMissing, InputUnusable, upload_inputs
from tarmac.outcome import ENDED, Outcome
from tarmac.rows import TransitionRefused
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamUnavailable
from tarmac.tasks.moves import CLAIM_LEASE_SECONDS
from tarmac.tasks.pacing import first_wait, refusal_wait
from tarmac.tasks.task import State, Task
from tarmac.telemetry import logger

AMBIGUOUS_RETRY_SECONDS = 60

PREPARATION_SECONDS = 45.0
"""For uploading the inputs. A create may take a minute to be answered, and SubmitTask is ended after two: one that is
ended between its create and the answer has lost it, and what it has cost."""


def submit(task_id: str, effects: Effects, max_ambiguous_retries: int) -> Outcome:
    """Send the task's create, unless it was sent, cancelled or too late. Safe to call any number of times, at once too.

    Effects: clock, tasks, input_bucket, runway, chance, new_id. Raises what AWS raises; before the claim that is
    harmless, after it the row says SUBMITTING and the next call treats the attempt as lost.
    """
    task = effects.tasks.get(task_id)
    match task.state:
        case State.SUBMITTED:
            return Outcome("running", _first_look(task, effects))
        case State.SUBMITTING:
            return _after_silence(task, effects, max_ambiguous_retries)
        case State.ACCEPTED | State.WAITING:
            if task.cancel_requested_at is not None or effects.clock.now() >= task.deadline_at:
                return ENDED
            return _send(task, effects, max_ambiguous_retries)
        case _:
            return ENDED


def _send(task: Task, effects: Effects, max_ambiguous_retries: int) -> Outcome:
    try:
        body = upload_inputs(effects.tasks.request(task.id), effects, PREPARATION_SECONDS)
    except CreateRefused as refusal:
        return _postponed(task, refusal, effects)
    except (CreateRejected, InputUnusable, InputMissing) as problem:
        code = "TARMAC.INPUT_MISSING" if isinstance(problem, InputMissing) else "ASSET.INVALID"
        message = str(problem)
        try:
            effects.tasks.change(task.id, lambda row: moves(effects).fail(row, None, code, message, 0.0))
        except TransitionRefused:
            # Another execution was faster, and had no such trouble.
            return Outcome("waiting", 1)
        return ENDED

    token = effects.new_id()
    try:
        effects.tasks.change(task.id, lambda row: moves(effects).claim(row, token))
    except TransitionRefused:
        # A second execution, a cancel or the deadline was faster; what it made of the row is looked at anew.
        return Outcome("waiting", 1)
    except Exception:
        # Whether the claim was written is unknown, that nothing was sent is not: given back, if it is there.
        with suppress(Exception):
            effects.tasks.change(task.id, lambda row: moves(effects).refuse(row, token, 1))
        raise

    try:
        created = effects.runway.create(task.operation, body)
    except CreateRefused as refusal:
        wait = _refusal_wait(task, refusal, effects)
        with suppress(TransitionRefused):
            effects.tasks.change(task.id, lambda row: moves(effects).refuse(row, token, wait))
        return Outcome("waiting", wait)
    except CreateRejected as rejection:
        code, message = f"TARMAC.REJECTED.{rejection.status}", str(rejection)
        try:
            effects.tasks.change(task.id, lambda row: moves(effects).reject(row, token, code, message))
        except TransitionRefused:
            return Outcome("waiting", 1)
        return ENDED
    except CreateAmbiguous:
        return _lost(task, token, effects, max_ambiguous_retries)

    first_look = first_wait(0.0, task.p10_seconds)
    try:
        effects.tasks.change(
            task.id,
            lambda row: moves(effects).bind(
                row, token, created.upstream_id, created.estimated_credits, first_look, created.routing
            ),
        )
    except TransitionRefused:
        # Bound too late: the row has moved on without this generation, so it must not run for nobody.
        _abandon(created.upstream_id, effects)
        return Outcome("waiting", 1)
    return Outcome("running", first_look)


def _after_silence(task: Task, effects: Effects, max_ambiguous_retries: int) -> Outcome:
    """Somebody claimed the row and has not come back: alive until the lease is over, lost from then on."""
    if not moves(effects).lease_is_over(task):
        held = 0.0 if task.claimed_at is None else effects.clock.elapsed(task.claimed_at)
        return Outcome("waiting", max(1, int(CLAIM_LEASE_SECONDS - held) + 1))
    return _lost(task, None, effects, max_ambiguous_retries)


def _lost(task: Task, token: str | None, effects: Effects, max_ambiguous_retries: int) -> Outcome:
    try:
        after = effects.tasks.change(
            task.id,
            lambda row: moves(effects).lose(row, token, max_ambiguous_retries, AMBIGUOUS_RETRY_SECONDS),
        )
    except TransitionRefused:
        return Outcome("waiting", 1)
    return ENDED if after.state.is_terminal else Outcome("waiting", AMBIGUOUS_RETRY_SECONDS)


def _postponed(task: Task, refusal: CreateRefused, effects: Effects) -> Outcome:
    wait = _refusal_wait(task, refusal, effects)
    try:
        effects.tasks.change(task.id, lambda row: moves(effects).postpone(row, wait))
    except TransitionRefused:
        return Outcome("waiting", 1)
    return Outcome("waiting", wait)


def _refusal_wait(task: Task, refusal: CreateRefused, effects: Effects) -> int:
    return refusal_wait(task.refusals + 1, effects.chance(), refusal.is_quota, refusal.retry_after_seconds)


def _first_look(task: Task, effects: Effects) -> int:
    return first_wait(effects.clock.elapsed(task.submitted_at or task.updated_at), task.p10_seconds)


def _abandon(upstream_id: str, effects: Effects) -> None:
    try:
        effects.runway.cancel(upstream_id)
    except UpstreamUnavailable:
        # Nothing more can be done from here: the row no longer knows this generation, the log line does.
        logger.error("a generation without a task could not be cancelled", upstream_id=upstream_id)
