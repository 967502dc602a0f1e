"""A task as the API shows it: Runway's shape and words, with links to the archive in the place of Runway's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tarmac.clock import to_iso
from tarmac.rules.transitions import expected_credits
from tarmac.rules.webhooks import shown_url
from tarmac.task import State, Task, Webhook

STATUSES = ("PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED")

_SHOWN = {
    State.ACCEPTED: "PENDING",
    State.SUBMITTING: "PENDING",
    State.WAITING: "THROTTLED",
    State.SUCCEEDED: "SUCCEEDED",
    State.FAILED: "FAILED",
    State.AMBIGUOUS_FAILED: "FAILED",
    State.CANCELLED: "CANCELLED",
}


def shown_status(task: Task) -> str:
    """One of STATUSES. A task being cancelled is CANCELLED at once; one being archived is still RUNNING."""
    if task.state is State.SUBMITTED and task.cancel_requested_at is None:
        return task.upstream_status if task.upstream_status in ("PENDING", "THROTTLED") else "RUNNING"
    if not task.state.is_terminal and task.cancel_requested_at is not None:
        return "CANCELLED"
    return _SHOWN[task.state]


def task_view(task: Task, link: Callable[[str], str]) -> dict[str, Any]:
    """The answer to GET /v1/tasks/{id}. `link` makes a signed link from an archive key."""
    status = shown_status(task)
    view: dict[str, Any] = {"id": task.id, "createdAt": to_iso(task.created_at), "status": status}
    match status:
        case "SUCCEEDED":
            view["output"] = [link(output.key) for output in task.outputs]
        case "FAILED":
            view["failure"] = task.failure
            view["failureCode"] = task.failure_code
        case "RUNNING":
            # Whole only when archived: a client must not see 1 before its links exist.
            view["progress"] = min(task.progress or 0.0, 0.99)
    if status in ("SUCCEEDED", "FAILED", "CANCELLED"):
        view["cost"] = {"credits": _number(task.cost_credits or 0)}
    else:
        expected = expected_credits(task)
        view["estimatedCost"] = {"credits": None if expected is None else _number(expected)}
    if task.metadata:
        view["metadata"] = dict(task.metadata)
    if task.webhook is not None:
        view["webhook"] = _webhook_view(task.webhook)
    return view


def _webhook_view(webhook: Webhook) -> dict[str, Any]:
    """The delivery record. A query may hold a token of the receiver's, so it is not shown."""
    return {
        "url": shown_url(webhook.url),
        "state": webhook.state.value,
        "tries": webhook.tries,
        "lastStatus": webhook.last_status,
        "lastTriedAt": None if webhook.last_tried_at is None else to_iso(webhook.last_tried_at),
        "deliveredAt": None if webhook.delivered_at is None else to_iso(webhook.delivered_at),
    }


def _number(credits: float) -> int | float:
    return int(credits) if credits == int(credits) else credits
