"""Sweep: every minute, whatever a fault has left behind. Pending notices are published, lost executions replaced,
batches brought on."""

from __future__ import annotations

from tarmac.effects import Effects, moves
from tarmac.inbox.batch_progress import look_after_batch
from tarmac.rows import Contended, TransitionRefused, due_keys
from tarmac.sweeping import SweepReport
from tarmac.tasks.accept import start_execution
from tarmac.tasks.finish import announce
from tarmac.tasks.store import NoSuchTask
from tarmac.telemetry import logger


def sweep(effects: Effects) -> SweepReport:
    """Look after each task and batch that is due. One that fails is counted and does not stop the rest.

    Effects: clock, chance, table, tasks, executions, topic, webhooks, batches.
    """
    report = SweepReport()
    for key in due_keys(effects.table, effects.clock.now()):
        kind, _, name = key.partition("#")
        try:
            if kind == "batch":
                look_after_batch(name, effects)
                report.batches += 1
            else:
                _look_after(name, effects, report)
        except (NoSuchTask, TransitionRefused, Contended):
            # Somebody else moved it meanwhile, which is all that a sweep wants.
            continue
        except Exception as error:
            report.failed += 1
            logger.crash(f"a {kind} could not be looked after", error, task_id=name)
    return report


def _look_after(task_id: str, effects: Effects, report: SweepReport) -> None:
    task = effects.tasks.get(task_id)
    if task.state.is_terminal:
        announce(task, effects)
        report.announced += 1
    elif effects.executions.is_running(task.execution_name):
        effects.tasks.change(task_id, lambda row: moves(effects).watch(row))
        report.watched += 1
    else:
        start_execution(effects.tasks.change(task_id, lambda row: moves(effects).rerun(row)), effects)
        report.restarted += 1
