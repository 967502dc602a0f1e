"""The state machine of a task: its states, and moves that return the next version of its row.

    ACCEPTED ─┐ claim            bind            end
    WAITING ──┴──► SUBMITTING ──────► SUBMITTED ─────► SUCCEEDED | FAILED | CANCELLED
       ▲              │  │ mark_ambiguous  │
       └── refuse ────┘  └─► AMBIGUOUS_FAILED (or WAITING while the budget of ambiguous retries lasts)
       └────────────────────── retry ──────┘

The store writes only transitions that FOLLOWS allows, and only over the version that the move has started from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.rows import FINISH_SECONDS, SWEEP_GRACE_SECONDS, NoticeState, Output, TransitionRefused
from tarmac.tasks.task import State, Task, bump
from tarmac.tasks.webhook import WebhookState, verdict_of

CLAIM_LEASE_SECONDS = 150.0
"""Lifetime of a claim: longer than SubmitTask can run (its timeout in template.yaml is 120 s)."""

OUTPUTS_LIVE_SECONDS = 48 * 3600.0
"""The longest time for which Runway stores an output."""

FOLLOWS: dict[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.SUBMITTING, State.WAITING, State.FAILED, State.CANCELLED}),
    State.WAITING: frozenset({State.SUBMITTING, State.FAILED, State.CANCELLED}),
    State.SUBMITTING: frozenset({State.SUBMITTED, State.WAITING, State.FAILED, State.AMBIGUOUS_FAILED}),
    State.SUBMITTED: frozenset({State.WAITING, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.AMBIGUOUS_FAILED: frozenset(),
}


def expected_credits(task: Task) -> float | None:
    """Return Runway's estimate of the cost, or Tarmac's until that is known."""
    return task.estimated_credits if task.quoted_credits is None else task.quoted_credits


def began_at(task: Task, status: str) -> float | None:
    """Return when the generation began to run, given its current status; None if it has never been RUNNING."""
    if status == "RUNNING" and task.started_at is None:
        # It began between the last poll and this one; the last poll is the earliest possible time.
        return task.checked_at or task.submitted_at
    return task.started_at


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves at one point in time. scale: real seconds per second of Runway's time, as in `Clock`."""

    now: float
    scale: float = 1.0

    def _check_at(self, wait_seconds: float) -> float:
        return self.now + (wait_seconds + SWEEP_GRACE_SECONDS) * self.scale

    def claim(self, task: Task, token: str) -> Task:
        """Claim the task for one attempt. Refused after a cancel, after the deadline and after the task has ended.

        Unchanged if this token has claimed it before: the response to that write was lost.
        """
        if task.claim == token:
            return task
        if task.state not in (State.ACCEPTED, State.WAITING):
            raise TransitionRefused(f"{task.state} cannot be claimed")
        if task.cancel_requested_at is not None:
            raise TransitionRefused("a cancelled task is never created")
        if self.now >= task.deadline_at:
            raise TransitionRefused("a task past its deadline is never created")
        return bump(
            task,
            self.now,
            state=State.SUBMITTING,
            claim=token,
            claimed_at=self.now,
            attempt=task.attempt + 1,
            next_check_at=self._check_at(CLAIM_LEASE_SECONDS),
        )

    def bind(
        self,
        task: Task,
        token: str,
        upstream_id: str,
        credits: float | None,
        wait_seconds: float,
        routing: Mapping[str, Any] | None = None,
    ) -> Task:
        """Bind the row to Runway's task. If refused, the claim is lost and the caller must cancel Runway's task.

        routing: the choice of a router; None leaves the row's routing as it is.

        Unchanged if the row is bound to it already: the response to that write was lost.
        """
        if task.upstream_id == upstream_id:
            return task
        self._check_claim(task, token)
        return bump(
            task,
            self.now,
            state=State.SUBMITTED,
            claim=None,
            claimed_at=None,
            upstream_id=upstream_id,
            upstream_status="PENDING",
            progress=None,
            quoted_credits=credits,
            routing=routing or task.routing,
            submitted_at=self.now,
            started_at=None,
            checked_at=self.now,
            missing=0,
            unread=0,
            refusals=0,
            next_check_at=self._check_at(wait_seconds),
        )

    def refuse(self, task: Task, token: str, wait_seconds: float) -> Task:
        """Return to WAITING after Runway refused the create. Nothing was bought, so the attempt does not count."""
        self._check_claim(task, token)
        return bump(
            task,
            self.now,
            state=State.WAITING,
            claim=None,
            claimed_at=None,
            attempt=task.attempt - 1,
            refusals=task.refusals + 1,
            next_check_at=self._check_at(wait_seconds),
        )

    def postpone(self, task: Task, wait_seconds: float) -> Task:
        """Wait without a claim: a step before the create, such as the upload of an input, must be retried later."""
        if task.state not in (State.ACCEPTED, State.WAITING):
            raise TransitionRefused(f"{task.state} cannot be postponed")
        return bump(
            task,
            self.now,
            state=State.WAITING,
            refusals=task.refusals + 1,
            next_check_at=self._check_at(wait_seconds),
        )

    def mark_ambiguous(self, task: Task, token: str | None, max_ambiguous_retries: int, wait_seconds: float) -> Task:
        """Record that the response to the create was lost, so that Runway may or may not have accepted it.

        Retries the create only within the operator's budget; else the task ends as AMBIGUOUS_FAILED. token: None if
        the claiming process has stopped and its lease has expired.
        """
        if token is None:
            if task.state is not State.SUBMITTING or not self.lease_is_over(task):
                raise TransitionRefused("the claim has not expired")
        else:
            self._check_claim(task, token)
        if task.ambiguous < max_ambiguous_retries and task.cancel_requested_at is None:
            return bump(
                task,
                self.now,
                state=State.WAITING,
                claim=None,
                claimed_at=None,
                ambiguous=task.ambiguous + 1,
                next_check_at=self._check_at(wait_seconds),
            )
        lost = bump(task, self.now, ambiguous=task.ambiguous + 1)
        # Not `_end`, which releases the reservation: the credits may be spent, until an operator checks with Runway.
        return self._ended(
            lost,
            state=State.AMBIGUOUS_FAILED,
            failure="Runway's response to the create was lost. It is unknown whether a generation was bought.",
            failure_code="TARMAC.AMBIGUOUS",
        )

    def lease_is_over(self, task: Task) -> bool:
        """Return whether the claim on the task has expired."""
        return task.claimed_at is not None and self.now - task.claimed_at >= CLAIM_LEASE_SECONDS * self.scale

    def outputs_may_exist(self, task: Task) -> bool:
        """Return whether Runway may still have the outputs of the task. After that they have expired for certain."""
        return self.now < task.deadline_at + OUTPUTS_LIVE_SECONDS * self.scale

    def observe(self, task: Task, upstream_id: str, status: str, progress: float | None, wait_seconds: float) -> Task:
        """Record a poll: the generation's status and progress at Runway."""
        self._check_bound(task, upstream_id)
        return bump(
            task,
            self.now,
            upstream_status=status,
            progress=progress,
            started_at=began_at(task, status),
            checked_at=self.now,
            polls=task.polls + 1,
            missing=0,
            unread=0,
            next_check_at=self._check_at(wait_seconds),
        )

    def poll_failed(self, task: Task, upstream_id: str, wait_seconds: float, gone: bool = False) -> Task:
        """Record a poll without a result, which does not fail the task. gone: Runway returned 404, to be confirmed."""
        self._check_bound(task, upstream_id)
        return bump(
            task,
            self.now,
            polls=task.polls + 1,
            missing=task.missing + 1 if gone else 0,
            unread=task.unread + 1,
            next_check_at=self._check_at(wait_seconds),
        )

    def retry(self, task: Task, upstream_id: str, cost_credits: float | None, wait_seconds: float) -> Task:
        """Return to WAITING for another attempt, after Runway failed the generation with a retryable code.

        The cost of the failed attempt stays in the row; the cost of the next one is added to it.
        """
        self._check_bound(task, upstream_id)
        return bump(
            task,
            self.now,
            state=State.WAITING,
            failure_retries=task.failure_retries + 1,
            upstream_id=None,
            upstream_status=None,
            progress=None,
            started_at=None,
            cost_credits=_cost_so_far(task, cost_credits),
            outputs=(),
            next_check_at=self._check_at(wait_seconds),
        )

    def archived(self, task: Task, upstream_id: str, output: Output) -> Task:
        """Record one archived output, which a retried Finish need not download again. Unchanged if listed already."""
        self._check_bound(task, upstream_id)
        if any(known.key == output.key for known in task.outputs):
            return task
        return bump(task, self.now, outputs=(*task.outputs, output), next_check_at=self._check_at(FINISH_SECONDS))

    def succeed(
        self,
        task: Task,
        upstream_id: str,
        cost_credits: float | None,
        node_errors: Mapping[str, Any] | None = None,
    ) -> Task:
        """End the task as SUCCEEDED, once every output is archived."""
        self._check_bound(task, upstream_id)
        cost = expected_credits(task) if cost_credits is None else cost_credits
        return self._end(
            task,
            State.SUCCEEDED,
            cost,
            progress=1.0,
            upstream_status="SUCCEEDED",
            node_errors=node_errors or {},
        )

    def fail(
        self,
        task: Task,
        upstream_id: str | None,
        code: str | None,
        message: str,
        cost_credits: float | None = None,
        node_errors: Mapping[str, Any] | None = None,
    ) -> Task:
        """End the task as FAILED. Refused if the row has moved on to another generation.

        upstream_id: the generation that has failed; None if no attempt was made.
        """
        self._check_unsent_or_bound(task, upstream_id)
        return self._end(
            task, State.FAILED, cost_credits, failure=message, failure_code=code, node_errors=node_errors or {}
        )

    def reject(self, task: Task, token: str, code: str, message: str) -> Task:
        """End the task as FAILED after Runway rejected the request. Nothing was bought."""
        self._check_claim(task, token)
        return self._end(task, State.FAILED, 0.0, failure=message, failure_code=code)

    def cancel(self, task: Task, upstream_id: str | None, cost_credits: float | None = None) -> Task:
        """End the task as CANCELLED. upstream_id: as for `fail`."""
        self._check_unsent_or_bound(task, upstream_id)
        return self._end(task, State.CANCELLED, cost_credits)

    def mark_unclaimable(self, task: Task) -> Task:
        """Record that the client knows the task, so that no retry of a create may claim it from now on."""
        if not task.claimable:
            raise TransitionRefused("the task is not claimable")
        return bump(task, self.now, claimable=False)

    def claim_for_retry(self, task: Task, retry: int, claim: str) -> Task:
        """Claim the task as the result of a retried create. retry: the number of the retry; claim: a unique token.

        A later retry may claim it again, since clients send it only after the response to this one is lost. An equal
        or lower number belongs to another create and is refused. Unchanged if this token has claimed the task before:
        the response to that write was lost.
        """
        if task.retry_claim == claim:
            return task
        if not task.claimable or retry <= task.claimed_retry:
            raise TransitionRefused("the task cannot be claimed by this retry")
        return bump(task, self.now, claimed_retry=retry, retry_claim=claim)

    def request_cancel(self, task: Task) -> Task:
        """Request a cancel: no attempt starts any more, the API shows CANCELLED, the execution ends after its wait."""
        if task.state.is_terminal or task.cancel_requested_at is not None:
            raise TransitionRefused("the task has ended or was cancelled before")
        return bump(task, self.now, cancel_requested_at=self.now)

    def hide(self, task: Task) -> Task:
        """Hide an ended task from the API, as Runway's DELETE does."""
        if not task.state.is_terminal or task.hidden_at is not None:
            raise TransitionRefused("the task has not ended, or is hidden already")
        return bump(task, self.now, hidden_at=self.now)

    def announced(self, task: Task) -> Task:
        """Record that the notice was published. The sweeper no longer checks this row."""
        if task.notice_state is not NoticeState.PENDING:
            raise TransitionRefused("no notice is pending")
        return bump(task, self.now, notice_state=NoticeState.SENT, next_check_at=None)

    def record_delivery(self, task: Task, status: int | None, is_final: bool = False) -> Task:
        """Record a try of the webhook.

        status: of the response, None if there was none. is_final: no further try follows.
        """
        webhook = task.webhook
        if webhook is None or not task.state.is_terminal or webhook.state is WebhookState.DELIVERED:
            raise TransitionRefused("no webhook is due")
        record = replace(webhook, tries=webhook.tries + 1, last_status=status, last_tried_at=self.now)
        if verdict_of(status) == "delivered":
            record = replace(record, state=WebhookState.DELIVERED, delivered_at=self.now)
        else:
            record = replace(record, state=WebhookState.FAILED if is_final else WebhookState.PENDING)
        return bump(task, self.now, webhook=record)

    def rerun(self, task: Task) -> Task:
        """Count a new run after the task's execution has stopped. Its execution gets a name that is not in use."""
        self._check_open(task)
        return bump(task, self.now, run=task.run + 1, next_check_at=self._check_at(0))

    def watch(self, task: Task) -> Task:
        """Check the row again later: its execution is running, but overdue."""
        self._check_open(task)
        return bump(task, self.now, next_check_at=self._check_at(0))

    def _end(self, task: Task, state: State, cost_credits: float | None, **changes: object) -> Task:
        cost = _cost_so_far(task, cost_credits)
        return self._ended(bump(task, self.now), state=state, cost_credits=cost, reserved_credits=0.0, **changes)

    def _ended(self, task: Task, **changes: object) -> Task:
        """End the task and mark its notice as pending, in one write, so that no notice is lost."""
        return replace(
            task,
            ended_at=self.now,
            claim=None,
            claimed_at=None,
            notice_state=NoticeState.PENDING,
            next_check_at=self._check_at(0),
            **changes,  # type: ignore[arg-type]
        )

    def _check_claim(self, task: Task, token: str) -> None:
        if task.state is not State.SUBMITTING or task.claim != token:
            raise TransitionRefused("another process has the claim, or it has expired")

    def _check_open(self, task: Task) -> None:
        if task.state.is_terminal:
            raise TransitionRefused("the task has ended")

    def _check_unsent_or_bound(self, task: Task, upstream_id: str | None) -> None:
        if upstream_id is not None:
            self._check_bound(task, upstream_id)
        elif task.state not in (State.ACCEPTED, State.WAITING):
            raise TransitionRefused(f"{task.state}: an attempt was made, or may have been made")

    def _check_bound(self, task: Task, upstream_id: str) -> None:
        if task.state is not State.SUBMITTED or task.upstream_id != upstream_id:
            raise TransitionRefused("the row is no longer bound to this generation")


def _cost_so_far(task: Task, more: float | None) -> float | None:
    """Return the task's cost including one more attempt; None while no cost is known."""
    return task.cost_credits if more is None else (task.cost_credits or 0.0) + more
