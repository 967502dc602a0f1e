"""The task row: what Tarmac knows of one accepted generation, from acceptance to its announced ending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tarmac.clock import to_iso
from tarmac.rows import DUE, NOTICE_STATE, OUTPUTS, NoticeState, Output, RowFields, Stored, stored_enum
from tarmac.tasks.webhook import WEBHOOK, Webhook


class State(StrEnum):
    """Where a task stands. The API shows these in Runway's words (`tarmac.tasks.responses`)."""

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
    """One row. Times are epoch seconds here and ISO-8601 in the table; credits are Runway's (1 credit = $0.01)."""

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

    # The execution: the first is named by the task, each re-drive takes the next run.
    run: int = 1
    # Whether a client's own retry, sent without an idempotency key, may still take this task for its first attempt, and
    # the number of the last send that was answered with it, 0 for a first one: only later ones may.
    claimable: bool = False
    claimed_retry: int = 0
    retry_claim: str | None = None
    # The paid side: an attempt is one POST that may have bought a generation.
    attempt: int = 0
    ambiguous: int = 0
    refusals: int = 0
    failure_retries: int = 0
    claim: str | None = None
    claimed_at: float | None = None
    reserved_credits: float = 0.0
    # Tarmac's estimate, which the create was answered with, and Runway's own, known once it has taken the task.
    estimated_credits: float | None = None
    quoted_credits: float | None = None
    # All attempts that have ended so far.
    cost_credits: float | None = None

    # What was last seen upstream.
    upstream_id: str | None = None
    upstream_status: str | None = None
    progress: float | None = None
    submitted_at: float | None = None
    started_at: float | None = None
    checked_at: float | None = None
    polls: int = 0
    # Consecutive looks that said 404, and that said nothing at all.
    missing: int = 0
    unread: int = 0
    p10_seconds: float = 30.0

    failure: str | None = None
    failure_code: str | None = None
    outputs: tuple[Output, ...] = ()
    # Of a run of a workflow, and of a create by router, in Runway's own shapes.
    node_errors: Mapping[str, Any] = field(default_factory=dict)
    routing: Mapping[str, Any] = field(default_factory=dict)
    cancel_requested_at: float | None = None
    hidden_at: float | None = None
    notice_state: NoticeState = NoticeState.NONE
    webhook: Webhook | None = None
    next_check_at: float | None = None

    @property
    def execution_name(self) -> str:
        """`{taskId}` for the first run, `{taskId}-{run}` for a re-drive: Step Functions spends a name for 90 days."""
        return self.id if self.run == 1 else f"{self.id}-{self.run}"

    @property
    def is_workflow(self) -> bool:
        """Whether this is a run of a workflow, which Runway calls an invocation."""
        return self.operation.startswith("workflows/")

    @property
    def event_id(self) -> str:
        """Stable across republishing, so that a subscriber can drop the second copy."""
        return f"{self.id}-ended"

    @property
    def needs_attention(self) -> bool:
        """Whether the sweeper must see this row: it has not ended, or its ending is not announced."""
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
    """The table item: the fields of the task, and index keys derived from them."""
    row = {"pk": task_key(task.id), "sk": "task"} | _FIELDS.to_row(task)
    row["listKey"] = f"{to_iso(task.created_at)}#{task.id}"
    if task.needs_attention:
        row["due"] = DUE.shard_of(task.id)
    else:
        row.pop("nextCheckAt", None)
    return row


def from_row(row: Mapping[str, Any]) -> Task:
    """The task of an item written by `to_row`. Raises KeyError on an item that is not a task."""
    return _FIELDS.from_row(row)


def bump(task: Task, now: float, **changes: Any) -> Task:
    """The next version of a row. Every change goes through here, so that compare-and-set always has a new version."""
    return replace(task, version=task.version + 1, updated_at=now, **changes)
