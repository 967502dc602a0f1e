"""Steps of tasks as the functions compose them: with what a batch must know of an ending."""

from __future__ import annotations

from functools import partial

from tarmac import sweeping
from tarmac.effects import Effects
from tarmac.inbox.batch_progress import record_ending, repair_batch
from tarmac.rows import DUE, SESSION_DUE
from tarmac.sessions.sweep import repair_attempt, repair_session
from tarmac.sweeping import SweepReport
from tarmac.tasks import finish as finishing
from tarmac.tasks.finish import Ending
from tarmac.tasks.sweep import repair_task
from tarmac.tasks.task import Task


def finish(task_id: str, effects: Effects, max_output_bytes: int) -> Ending:
    """As functions/finish_task does it."""
    return finishing.finish(task_id, effects, max_output_bytes, record_ending)


def announce(task: Task, effects: Effects) -> Task:
    return finishing.announce(task, effects, record_ending)


def sweep(effects: Effects) -> SweepReport:
    """Tasks and batches, as functions/sweep does it."""
    handlers: dict[str, sweeping.Handler] = {
        "task": partial(repair_task, on_ended=record_ending),
        "batch": lambda batch_id, effects, _: repair_batch(batch_id, effects),
    }
    return sweeping.sweep(DUE, handlers, effects)


def sweep_sessions(effects: Effects) -> SweepReport:
    handlers: dict[str, sweeping.Handler] = {"session": repair_session, "session-attempt": repair_attempt}
    return sweeping.sweep(SESSION_DUE, handlers, effects)
