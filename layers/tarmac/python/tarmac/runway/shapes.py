"""Parses the responses about a task, in all formats of Runway and compatible services.

The formats are Runway's object; the object of a workflow invocation, with output and errors by node; and CometAPI's
envelope `{code, data: {status, progress: "40%", fail_reason, data: <Runway's object>}}`. CometAPI also documents the
object without the envelope.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from tarmac.runway.errors import UpstreamGone
from tarmac.runway.ports import UpstreamTask

MOST_NODE_ERRORS = 50
LONGEST_NODE_ERROR = 1000
LARGEST_ROUTING = 8 * 1024
"""In characters. The routing is stored in the row, which every later poll writes again."""

_ENVELOPE_STATUSES = {
    "NOT_START": "PENDING",
    "SUBMITTED": "PENDING",
    "QUEUED": "PENDING",
    "IN_PROGRESS": "RUNNING",
    "SUCCESS": "SUCCEEDED",
    "FAILURE": "FAILED",
}


def parse_task(upstream_id: str, answer: Any) -> UpstreamTask:
    """The task in a response. Raises UpstreamGone for CometAPI's `task_not_exist`, ValueError for an invalid task."""
    if not isinstance(answer, Mapping):
        raise ValueError("not an object")
    if answer.get("code") == "task_not_exist":
        raise UpstreamGone("task not found")
    envelope = answer.get("data")
    if isinstance(envelope, Mapping):
        inner = envelope.get("data")
        if isinstance(inner, Mapping) and "status" in inner:
            return _task(upstream_id, {"failure": envelope.get("fail_reason"), **inner})
        return _task(upstream_id, _unwrapped(envelope))
    return _task(upstream_id, answer)


def credits_of(answer: Mapping[str, Any], field: str) -> float | None:
    """The credits in a field of a response: `estimatedCost` or `cost`."""
    cost = answer.get(field)
    return _number(cost.get("credits")) if isinstance(cost, Mapping) else None


def routing_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The `routing` of a response to `generate/*`; empty if it is missing, invalid or too large for the row."""
    routing = answer.get("routing")
    if not isinstance(routing, dict):
        return {}
    try:
        size = len(json.dumps(routing, allow_nan=False))
    except ValueError:
        return {}
    return routing if size <= LARGEST_ROUTING else {}


def _task(upstream_id: str, answer: Mapping[str, Any]) -> UpstreamTask:
    status = answer.get("status")
    if not isinstance(status, str):
        raise ValueError("no status")
    outputs = _outputs(answer.get("output"))
    return UpstreamTask(
        id=upstream_id,
        status=status,
        progress=_number(answer.get("progress")),
        output=tuple(link for _, link in outputs),
        nodes=tuple(node for node, _ in outputs) if isinstance(answer.get("output"), Mapping) else None,
        node_errors=_node_errors(answer.get("nodeErrors")),
        failure=_text(answer.get("failure")),
        failure_code=_text(answer.get("failureCode")),
        cost_credits=credits_of(answer, "cost"),
    )


def _unwrapped(envelope: Mapping[str, Any]) -> dict[str, Any]:
    status = str(envelope.get("status"))
    return {
        "status": _ENVELOPE_STATUSES.get(status, status),
        "progress": _percentage(envelope.get("progress")),
        "failure": envelope.get("fail_reason"),
    }


def _outputs(output: Any) -> list[tuple[str, str]]:
    """(node, link) of each output. The order is the same at every poll, because it numbers the outputs."""
    if isinstance(output, Mapping):
        return [(node, link) for node in sorted(output) for link in _links(output[node])]
    return [("", link) for link in _links(output)]


def _links(output: Any) -> list[str]:
    return [link for link in output if isinstance(link, str)] if isinstance(output, list) else []


def _node_errors(errors: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(errors, Mapping):
        return {}
    readable = {node: error for node, error in sorted(errors.items()) if node and isinstance(error, Mapping)}
    return {
        node: {
            name: str(error[name])[:LONGEST_NODE_ERROR]
            for name in ("message", "failureCode", "nodeName")
            if error.get(name) is not None
        }
        for node, error in list(readable.items())[:MOST_NODE_ERRORS]
    }


def _percentage(value: Any) -> float | None:
    try:
        return float(str(value).removesuffix("%")) / 100
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
