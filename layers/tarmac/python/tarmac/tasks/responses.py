"""Tasks in Runway's response shapes, with links to the archive instead of links to Runway's files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tarmac.clock import to_iso
from tarmac.tasks.moves import expected_credits
from tarmac.tasks.task import State, Task
from tarmac.tasks.webhook import Webhook, shown_url

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

_NOT_ROUTED_YET: dict[str, Any] = {
    "model": None,
    "provider": None,
    "resolvedSettings": None,
    "resolvedInput": None,
    "estimatedCost": {"credits": None},
}


def shown_status(task: Task) -> str:
    """Return one of STATUSES. CANCELLED as soon as a cancel is requested; RUNNING until all outputs are archived."""
    if task.state is State.SUBMITTED and task.cancel_requested_at is None:
        return task.upstream_status if task.upstream_status in ("PENDING", "THROTTLED") else "RUNNING"
    if not task.state.is_terminal and task.cancel_requested_at is not None:
        return "CANCELLED"
    return _SHOWN[task.state]


def accepted_view(task: Task) -> dict[str, Any]:
    """Return the response to a create. The estimate is null if the price is unknown; SDKs require the field."""
    estimate = task.estimated_credits
    view: dict[str, Any] = {"id": task.id, "estimatedCost": {"credits": None if estimate is None else int(estimate)}}
    return view | _routing_view(task)


def task_view(task: Task, link: Callable[[str], str]) -> dict[str, Any]:
    """Return the response to GET /v1/tasks/{id}. link: returns the signed link for an archive key."""
    status = shown_status(task)
    view: dict[str, Any] = {"id": task.id, "createdAt": to_iso(task.created_at), "status": status}
    match status:
        case "SUCCEEDED":
            view["output"] = [link(output.key) for output in task.outputs]
        case "FAILED":
            view["failure"] = task.failure
            view["failureCode"] = task.failure_code
        case "RUNNING":
            # Below 1 until the outputs are archived, so that no client expects links before they exist.
            view["progress"] = min(task.progress or 0.0, 0.99)
    if status in ("SUCCEEDED", "FAILED", "CANCELLED"):
        view["cost"] = {"credits": _number(task.cost_credits or 0)}
    else:
        expected = expected_credits(task)
        view["estimatedCost"] = {"credits": None if expected is None else _number(expected)}
    view |= _routing_view(task)
    if task.metadata:
        view["metadata"] = dict(task.metadata)
    if task.webhook is not None:
        view["webhook"] = _webhook_view(task.webhook)
    return view


def invocation_view(task: Task, link: Callable[[str], str]) -> dict[str, Any]:
    """Return the response to GET /v1/workflow_invocations/{id}: outputs by node; while RUNNING, those archived so far.

    As at Runway there is no estimate, and no cost unless it is complete.
    """
    view = task_view(task, link)
    view.pop("estimatedCost", None)
    if task.cost_credits is None:
        view.pop("cost", None)
    if view["status"] in ("RUNNING", "SUCCEEDED"):
        by_node: dict[str, list[str]] = {}
        for output in task.outputs:
            by_node.setdefault(output.node or "", []).append(link(output.key))
        view["output"] = by_node
    if task.node_errors:
        view["nodeErrors"] = {node: dict(error) for node, error in task.node_errors.items()}
    return view


def _routing_view(task: Task) -> dict[str, Any]:
    """Return the `routing` field of a create by router. Its values are null until Runway has created the task."""
    return {"routing": _NOT_ROUTED_YET | dict(task.routing)} if task.routing else {}


def _webhook_view(webhook: Webhook) -> dict[str, Any]:
    """Return the delivery record. The URL is shown without its query, which may contain a token."""
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
