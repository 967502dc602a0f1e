"""The notice of an ended task."""

from __future__ import annotations

from typing import Any

from tarmac.clock import to_iso
from tarmac.notices import VERSION, whole_if_whole, with_attributes
from tarmac.rows import OUTPUT
from tarmac.tasks.task import State, Task

_TYPES = {
    State.SUCCEEDED: "task.succeeded",
    State.FAILED: "task.failed",
    State.AMBIGUOUS_FAILED: "task.failed",
    State.CANCELLED: "task.cancelled",
}


def notice_of(task: Task) -> tuple[str, dict[str, str]]:
    """Return the SNS message (JSON) about an ended task and its attributes for subscription filters."""
    notice: dict[str, Any] = {
        "version": VERSION,
        "eventId": task.event_id,
        "type": _TYPES[task.state],
        "taskId": task.id,
        "client": task.client,
        "operation": task.operation,
        "model": task.model,
        "status": task.state.value,
        "outputs": list(map(OUTPUT.to_row, task.outputs)) if task.state is State.SUCCEEDED else [],
        "failure": task.failure,
        "failureCode": task.failure_code,
        "credits": whole_if_whole(task.cost_credits),
        "metadata": dict(task.metadata),
        "source": dict(task.source),
        "createdAt": to_iso(task.created_at),
        "endedAt": to_iso(task.ended_at or task.updated_at),
    }
    return with_attributes(notice)
