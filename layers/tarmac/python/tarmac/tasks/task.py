"""The task row: the state of one accepted request, from acceptance to the published notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tarmac.clock import to_iso
from tarmac.rows import DUE, NOTICE_STATE, OUTPUTS, NoticeState, Output, RowFields, Stored, stored_enum
from tarmac.tasks.webhook import WEBHOOK, Webhook


class State(StrEnum):
    """The states of a task. The API shows them as Runway's statuses (`tarmac.tasks.responses`)."""

    ACCEPTED = "ACCEPTED"
    SUBMITTING = "SUBMITTING"
    WAITING = "WAITING"
    SUBMITTED = "SUBMITTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    AMBIGUOUS_FAILED = "AMBIGUOUS_FAILED"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.AMBIGUOUS_FAILED})


@dataclass(frozen=True, slots=True)
class Task:
    """A task row. Times are epoch seconds, ISO-8601 in the table. Credits are Runway's (1 credit = $0.01)."""

    id: str
    client: str
    operation: str
    model: str
    created_at: float
    deadline_at: float
    state: State = State.ACCEPTED
    version: int = 1
    updated_at: float = 0.0
    ended_at: float | None = None
    source: Mapping[str, str | int] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    # The number of the task's execution, from 1. The sweeper counts it up when it starts another execution.
    run: int = 1
    # Whether a client's retry without an idempotency key may still be answered with this task, and the number of the
    # last retry that was (0: the first request). Only later retries may claim it.
    claimable: bool = False
    claimed_retry: int = 0
    retry_claim: str | None = None
    # Attempts: each is one POST that may have bought a generation.
    attempt: int = 0
    ambiguous: int = 0
    refusals: int = 0
    failure_retries: int = 0
    claim: str | None = None
    claimed_at: float | None = None
    reserved_credits: float = 0.0
    # Tarmac's estimate, as in the response to the create; Runway's own, once it has created the task.
    estimated_credits: float | None = None
    quoted_credits: float | None = None
    # The cost of all attempts that have ended.
    cost_credits: float | None = None

    # The last known state of the generation at Runway.
    upstream_id: str | None = None
    upstream_status: str | None = None
    progress: float | None = None
    submitted_at: float | None = None
    started_at: float | None = None
    checked_at: float | None = None
    polls: int = 0
    # Consecutive polls that returned 404, and consecutive polls without a result.
    missing: int = 0
    unread: int = 0
    p10_seconds: float = 30.0

    failure: str | None = None
    failure_code: str | None = None
    outputs: tuple[Output, ...] = ()
    # The errors of a workflow run and the choice of a router, in Runway's shapes.
    node_errors: Mapping[str, Any] = field(default_factory=dict)
    routing: Mapping[str, Any] = field(default_factory=dict)
    cancel_requested_at: float | None = None
    hidden_at: float | None = None
    notice_state: NoticeState = NoticeState.NONE
    webhook: Webhook | None = None
    next_check_at: float | None = None

    @property
    def execution_name(self) -> str:
        """`{taskId}` for the first run, `{taskId}-{run}` later: Step Functions reserves a used name for 90 days."""
        return self.id if self.run == 1 else f"{self.id}-{self.run}"

    @property
    def is_workflow(self) -> bool:
        """Whether this is a workflow run, which Runway calls an invocation."""
        return self.operation.startswith("workflows/")

    @property
    def event_id(self) -> str:
        """The event id of the notice: the same each time it is published, so that subscribers can detect duplicates."""
        return f"{self.id}-ended"

    @property
    def needs_attention(self) -> bool:
        """Whether the sweeper must check this row: the task has not ended, or its notice is not published."""
        return not self.state.is_terminal or self.notice_state is NoticeState.PENDING


def task_key(task_id: str) -> str:
    return f"task#{task_id}"


_FIELDS = RowFields(
    Task,
    names={"id": "taskId"},
    stored={
        "state": stored_enum(State),
        "notice_state": NOTICE_STATE,
        "outputs": OUTPUTS,
        "webhook": Stored(WEBHOOK.to_row, WEBHOOK.from_row),
    },
)


def to_row(task: Task) -> dict[str, Any]:
    """Return the table item: the fields of the task, and index keys derived from them."""
    row = {"pk": task_key(task.id), "sk": "task"} | _FIELDS.to_row(task)
    row["listKey"] = f"{to_iso(task.created_at)}#{task.id}"
    if task.needs_attention:
        row["due"] = DUE.shard_of(task.id)
    else:
        row.pop("nextCheckAt", None)
    return row


def from_row(row: Mapping[str, Any]) -> Task:
    """Return the task in an item written by `to_row`. Raises KeyError if the item is not a task."""
    return _FIELDS.from_row(row)


def bump(task: Task, now: float, **changes: Any) -> Task:
    """Return the next version of a task with these changes. Compare-and-set requires it for each change."""
    return replace(task, version=task.version + 1, updated_at=now, **changes)
