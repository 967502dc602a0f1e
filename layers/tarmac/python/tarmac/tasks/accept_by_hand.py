"""Accept the request of an execution that a user has started in the Step Functions console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.effects import Effects
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.tasks.accept import Accepted, accept
from tarmac.tasks.orders import AllowLists, order_of
from tarmac.tasks.task import State

LONGEST_NAME = 74
"""Step Functions allows 80 characters in a name; the sweeper appends the number of the run."""


def accept_by_hand(
    execution_input: Mapping[str, Any],
    execution: str,
    client: str,
    allowed: AllowLists,
    effects: Effects,
    deadline_seconds: float,
) -> Accepted:
    """Accept `{operation, request, metadata?}` as a task whose id is the name of the execution.

    A retry of the state returns the same task. Raises InvalidRequest, NotOffered; the console shows their messages.
    """
    if len(execution) > LONGEST_NAME:
        raise InvalidRequest([_unusable_name(f"The name of the execution must have at most {LONGEST_NAME} characters")])
    request = {name: execution_input.get(name) for name in ("operation", "request", "metadata")}
    source = {"kind": "console", "execution": execution}
    accepted = accept(order_of(request, client, source, execution, allowed), effects, deadline_seconds, start=False)
    task = accepted.task
    if not accepted.is_new and (task.source != source or task.state is not State.ACCEPTED):
        # Step Functions allows a name again after 90 days, when the old task still has it as its id.
        raise InvalidRequest([_unusable_name(f"The name {task.id} belongs to another task; choose another name")])
    return accepted


def _unusable_name(message: str) -> Issue:
    return Issue("custom", ("execution",), message)
