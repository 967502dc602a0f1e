"""Repair of overdue tasks: publish pending notices, replace lost executions."""

from __future__ import annotations

from tarmac.effects import Effects
from tarmac.sweeping import Repair
from tarmac.tasks.accept import start_execution
from tarmac.tasks.finish import OnEnded, announce
from tarmac.tasks.moves import Moves


def repair_task(task_id: str, effects: Effects, on_ended: OnEnded) -> Repair:
    """Publish the notice of an ended task, or start a new execution for a task whose execution has stopped."""
    task = effects.tasks.get(task_id)
    if task.state.is_terminal:
        announce(task, effects, on_ended)
        return "announced"
    if effects.executions.is_running(task.execution_name):
        effects.tasks.move(task_id, Moves.watch)
        return "watched"
    start_execution(effects.tasks.move(task_id, Moves.rerun), effects)
    return "restarted"
