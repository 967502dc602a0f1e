"""Accept a request of an execution that was started by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.effects import Effects
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.tasks.accept import Accepted, accept
from tarmac.tasks.orders import AllowLists, order_of
from tarmac.tasks.task import State

LONGEST_NAME = 74
"""Step Functions allows 80 characters; a redrive appends the number of its run."""


def accept_by_hand(
    wanted: Mapping[str, Any],
    execution: str,
    client: str,
    allowed: AllowLists,
    effects: Effects,
    deadline_seconds: float,
) -> Accepted:
    """Return the task of `{operation, request, metadata?}`; its id is the name of the execution.

    Repeating the state returns the same task. Raises InvalidRequest, NotOffered: the console shows the message.
    """
    if len(execution) > LONGEST_NAME:
        raise InvalidRequest([_unusable_name(f"The name must have at most {LONGEST_NAME} characters")])
    asked = {name: wanted.get(name) for name in ("operation", "request", "metadata")}
    source = {"kind": "console", "execution": execution}
    accepted = accept(order_of(asked, client, source, execution, allowed), effects, deadline_seconds, start=False)
    task = accepted.task
    if not accepted.is_new and (task.source != source or task.state is not State.ACCEPTED):
        # Step Functions frees a name after 90 days; the task keeps it. Only a retry of this state finds its own task.
        raise InvalidRequest([_unusable_name(f"The name {task.id} belongs to another task; choose another name")])
    return accepted


def _unusable_name(message: str) -> Issue:
    return Issue("custom", ("execution",), message)
