"""Submit a task: claim its row, make one attempt, bind Runway's task to the row. Only this step spends money."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tarmac.effects import Effects
from tarmac.media.inputs import InputMissing, InputUnusable, upload_inputs
from tarmac.outcome import ENDED, OVERTAKEN, Outcome
from tarmac.rows import TransitionRefused
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamUnavailable
from tarmac.runway.ports import Created
from tarmac.tasks.moves import CLAIM_LEASE_SECONDS, Moves
from tarmac.tasks.pacing import first_wait, refusal_wait
from tarmac.tasks.task import State, Task
from tarmac.telemetry import logger

AMBIGUOUS_RETRY_SECONDS = 60

PREPARATION_SECONDS = 45.0
"""Time limit for uploading the inputs. Runway may take a minute to respond to a create and SubmitTask times out after
two. A timeout between the two would lose the response, and the credits with it."""


def submit(task_id: str, effects: Effects, max_ambiguous_retries: int) -> Outcome:
    """Make one attempt, unless the task is submitted, cancelled or past its deadline. Safe to retry and to run twice.

    Raises the errors of AWS. After the claim they leave the row SUBMITTING, and a later call handles the attempt's
    response as lost.
    """
    task = effects.tasks.get(task_id)
    match task.state:
        case State.SUBMITTED:
            return Outcome("running", _first_wait(task, effects))
        case State.SUBMITTING:
            return _claimed_elsewhere(task, effects, max_ambiguous_retries)
        case State.ACCEPTED | State.WAITING:
            if task.cancel_requested_at is not None or effects.clock.now() >= task.deadline_at:
                return ENDED
            return _attempt(task, effects, max_ambiguous_retries)
        case _:
            return ENDED


def _attempt(task: Task, effects: Effects, max_ambiguous_retries: int) -> Outcome:
    """Upload the inputs, claim the row and make the attempt."""
    try:
        body = upload_inputs(effects.tasks.request(task.id), effects, PREPARATION_SECONDS)
    except CreateRefused as refusal:
        return _postponed(task, refusal, effects)
    except (CreateRejected, InputUnusable, InputMissing) as problem:
        return _unusable(task, problem, effects)
    token = effects.new_id()
    try:
        _claim(task, token, effects)
    except TransitionRefused:
        # A second execution has claimed it, it was cancelled, or its deadline has passed.
        return OVERTAKEN
    return _create(task, token, body, effects, max_ambiguous_retries)


def _claim(task: Task, token: str, effects: Effects) -> None:
    try:
        effects.tasks.move(task.id, Moves.claim, token)
    except TransitionRefused:
        raise
    except Exception:
        # The claim may have been written, but no attempt was made: release it.
        with suppress(Exception):
            effects.tasks.move(task.id, Moves.refuse, token, 1)
        raise


def _create(task: Task, token: str, body: Mapping[str, Any], effects: Effects, max_ambiguous_retries: int) -> Outcome:
    try:
        created = effects.runway.create(task.operation, body)
    except CreateRefused as refusal:
        return _refused(task, token, refusal, effects)
    except CreateRejected as rejection:
        return _rejected(task, token, rejection, effects)
    except CreateAmbiguous:
        return _response_lost(task, token, effects, max_ambiguous_retries)
    return _bound(task, token, created, effects)


def _bound(task: Task, token: str, created: Created, effects: Effects) -> Outcome:
    wait = first_wait(0.0, task.p10_seconds)
    bound = created.upstream_id, created.estimated_credits, wait, created.routing
    try:
        effects.tasks.move(task.id, Moves.bind, token, *bound)
    except TransitionRefused:
        # The row has moved on without this generation, so its output would belong to no task.
        _cancel_orphan(created.upstream_id, effects)
        return OVERTAKEN
    return Outcome("running", wait)


def _unusable(task: Task, problem: Exception, effects: Effects) -> Outcome:
    code = "TARMAC.INPUT_MISSING" if isinstance(problem, InputMissing) else "ASSET.INVALID"
    try:
        effects.tasks.move(task.id, Moves.fail, None, code, str(problem), 0.0)
    except TransitionRefused:
        # Another execution has changed the task meanwhile.
        return OVERTAKEN
    return ENDED


def _refused(task: Task, token: str, refusal: CreateRefused, effects: Effects) -> Outcome:
    wait = _refusal_wait(task, refusal, effects)
    with suppress(TransitionRefused):
        effects.tasks.move(task.id, Moves.refuse, token, wait)
    return Outcome("waiting", wait)


def _rejected(task: Task, token: str, rejection: CreateRejected, effects: Effects) -> Outcome:
    try:
        effects.tasks.move(task.id, Moves.reject, token, f"TARMAC.REJECTED.{rejection.status}", str(rejection))
    except TransitionRefused:
        return OVERTAKEN
    return ENDED


def _claimed_elsewhere(task: Task, effects: Effects, max_ambiguous_retries: int) -> Outcome:
    """Wait while another process has the claim. Once that has expired, handle its response as lost."""
    if not effects.tasks.moves.lease_is_over(task):
        held = 0.0 if task.claimed_at is None else effects.clock.elapsed(task.claimed_at)
        return Outcome("waiting", max(1, int(CLAIM_LEASE_SECONDS - held) + 1))
    return _response_lost(task, None, effects, max_ambiguous_retries)


def _response_lost(task: Task, token: str | None, effects: Effects, max_ambiguous_retries: int) -> Outcome:
    try:
        after = effects.tasks.move(task.id, Moves.mark_ambiguous, token, max_ambiguous_retries, AMBIGUOUS_RETRY_SECONDS)
    except TransitionRefused:
        return OVERTAKEN
    return ENDED if after.state.is_terminal else Outcome("waiting", AMBIGUOUS_RETRY_SECONDS)


def _postponed(task: Task, refusal: CreateRefused, effects: Effects) -> Outcome:
    wait = _refusal_wait(task, refusal, effects)
    try:
        effects.tasks.move(task.id, Moves.postpone, wait)
    except TransitionRefused:
        return OVERTAKEN
    return Outcome("waiting", wait)


def _refusal_wait(task: Task, refusal: CreateRefused, effects: Effects) -> int:
    return refusal_wait(task.refusals + 1, effects.chance(), refusal.is_quota, refusal.retry_after_seconds)


def _first_wait(task: Task, effects: Effects) -> int:
    return first_wait(effects.clock.elapsed(task.submitted_at or task.updated_at), task.p10_seconds)


def _cancel_orphan(upstream_id: str, effects: Effects) -> None:
    try:
        effects.runway.cancel(upstream_id)
    except UpstreamUnavailable:
        # This log line is the only record of the generation: the row has moved on.
        logger.error("a generation that belongs to no task could not be cancelled", upstream_id=upstream_id)
