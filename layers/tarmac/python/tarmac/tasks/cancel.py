"""Cancel an active task or hide an ended one, as DELETE does at Runway."""

from __future__ import annotations

from tarmac.effects import Effects
from tarmac.rows import TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.tasks.moves import Moves
from tarmac.tasks.responses import shown_status
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.task import Task


def cancel(task: Task, effects: Effects, delete_outputs: bool) -> None:
    """Cancel an active task, or hide an ended one and delete its outputs if `delete_outputs` is set.

    Raises NoSuchTask if the task was cancelled or hidden before, as Runway answers 404 to a second DELETE. The row is
    marked before Runway is called, so that no further attempt starts. If the call to Runway fails, the next poll
    cancels the task.
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
        # The task has ended or was deleted since it was read: decide again by its new state.
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
        # Poll first: at Runway, deleting a task that has just succeeded would delete its output before it is archived.
        if not effects.runway.task(upstream_id).is_terminal:
            effects.runway.cancel(upstream_id)
    except (UpstreamGone, UpstreamUnavailable):
        return
