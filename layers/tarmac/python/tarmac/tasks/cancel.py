"""Cancel: Runway's DELETE. An active task is cancelled, an ended one is hidden; Runway is asked at once."""

from __future__ import annotations

from tarmac.effects import Effects
from tarmac.rows import TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.tasks.moves import Moves
from tarmac.tasks.responses import shown_status
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.task import Task


def cancel(task: Task, effects: Effects, delete_outputs: bool) -> None:
    """Cancel or hide. Raises NoSuchTask where there is nothing (more) to delete, as Runway does on a second call.

    The row is marked first: from then on nothing new is bought for it. If Runway cannot be asked now, the next poll
    does it.
    """
    already_cancelled = task.cancel_requested_at is not None and shown_status(task) == "CANCELLED"
    if task.hidden_at is not None or already_cancelled:
        raise NoSuchTask(task.id)
    try:
        if task.state.is_terminal:
            _hide(task, effects, delete_outputs)
        else:
            _stop(task, effects)
    except TransitionRefused:
        # It ended, or was deleted, between the read and the move: decide again by its new state.
        cancel(effects.tasks.get(task.id), effects, delete_outputs)


def _hide(task: Task, effects: Effects, delete_outputs: bool) -> None:
    effects.tasks.move(task.id, Moves.hide)
    if delete_outputs:
        for output in task.outputs:
            effects.archive.delete(output.key)


def _stop(task: Task, effects: Effects) -> None:
    marked = effects.tasks.move(task.id, Moves.request_cancel)
    if marked.upstream_id is not None:
        _cancel_upstream(marked.upstream_id, effects)


def _cancel_upstream(upstream_id: str, effects: Effects) -> None:
    try:
        # Poll again: deleting a task that has just succeeded would delete its output before it is archived.
        if not effects.runway.task(upstream_id).is_terminal:
            effects.runway.cancel(upstream_id)
    except (UpstreamGone, UpstreamUnavailable):
        return
