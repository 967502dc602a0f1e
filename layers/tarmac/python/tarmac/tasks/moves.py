"""Which state follows which, and the moves between them: each takes a task and gives the next version of its row.

    ACCEPTED ─┐ claim            bind            end
    WAITING ──┴──► SUBMITTING ──────► SUBMITTED ─────► SUCCEEDED | FAILED | CANCELLED
       ▲              │  │ lose            │
       └── refuse ────┘  └─► AMBIGUOUS_FAILED (or WAITING while the budget of ambiguous retries lasts)
       └────────────────── try_again ──────┘

A store writes only what FOLLOWS allows, and only over the version that the move was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.rows import NoticeState, Output, TransitionRefused, next_check
from tarmac.tasks.task import State, Task, bump
from tarmac.tasks.webhook import WebhookState, verdict_of

CLAIM_LEASE_SECONDS = 150.0
"""How long a claim is believed to be alive: longer than SubmitTask can run (its timeout in template.yaml is 120 s)."""

OUTPUTS_LIVE_SECONDS = 48 * 3600.0
"""How long Runway keeps an output, at the most."""

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
    """The best estimate so far: Runway's, else Tarmac's."""
    return task.estimated_credits if task.quoted_credits is None else task.quoted_credits


def began_at(task: Task, status: str) -> float | None:
    """When the generation began to run, given the status just seen; None while it has not been seen running."""
    if status == "RUNNING" and task.started_at is None:
        # It began some time after the last poll that did not find it running.
        return task.checked_at or task.submitted_at
    return task.started_at


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves at one moment. `scale` turns waits, which are in Runway's seconds, into real ones (`Clock`)."""

    now: float
    scale: float = 1.0

    def _check_at(self, task: Task, wait_seconds: float) -> float:
        return next_check(task.next_check_at, self.now, wait_seconds, self.scale)

    def claim(self, task: Task, token: str) -> Task:
        """Take the right to send one create. No create after a cancel, a deadline or an ending.

        Unchanged where the token holds it already: the write that gave it lost its answer.
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
            next_check_at=self._check_at(task, 0),
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
        """Tie Runway's task to the row. Refused when the claim is no longer ours: that task must be cancelled.

        routing: what a router has chosen; without it the row keeps what it has.

        Unchanged where it is tied already: the write that did it lost its answer.
        """
        if task.upstream_id == upstream_id:
            return task
        self._own(task, token)
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
            next_check_at=self._check_at(task, wait_seconds),
        )

    def refuse(self, task: Task, token: str, wait_seconds: float) -> Task:
        """Nothing was bought: back to waiting, and the attempt does not count."""
        self._own(task, token)
        return bump(
            task,
            self.now,
            state=State.WAITING,
            claim=None,
            claimed_at=None,
            attempt=task.attempt - 1,
            refusals=task.refusals + 1,
            next_check_at=self._check_at(task, wait_seconds),
        )

    def postpone(self, task: Task, wait_seconds: float) -> Task:
        """Not even claimed: something before the create (a stored input's upload) has to be tried again later."""
        if task.state not in (State.ACCEPTED, State.WAITING):
            raise TransitionRefused(f"{task.state} cannot be postponed")
        return bump(
            task,
            self.now,
            state=State.WAITING,
            refusals=task.refusals + 1,
            next_check_at=self._check_at(task, wait_seconds),
        )

    def lose(self, task: Task, token: str | None, max_ambiguous_retries: int, wait_seconds: float) -> Task:
        """Nobody knows whether Runway took the create: never repeat it blindly, only within the operator's budget.

        `token` is None when the claimant itself is gone and its lease has run out.
        """
        if token is None:
            if task.state is not State.SUBMITTING or not self.lease_is_over(task):
                raise TransitionRefused("the claim is alive")
        else:
            self._own(task, token)
        if task.ambiguous < max_ambiguous_retries and task.cancel_requested_at is None:
            return bump(
                task,
                self.now,
                state=State.WAITING,
                claim=None,
                claimed_at=None,
                ambiguous=task.ambiguous + 1,
                next_check_at=self._check_at(task, wait_seconds),
            )
        lost = bump(task, self.now, ambiguous=task.ambiguous + 1)
        # Not `_end`: what is reserved stays so until someone reconciles it with Runway, as the credits may be gone.
        return self._ended(
            lost,
            state=State.AMBIGUOUS_FAILED,
            failure="Runway's answer to the create was lost, so it is unknown whether a generation was bought.",
            failure_code="TARMAC.AMBIGUOUS",
        )

    def lease_is_over(self, task: Task) -> bool:
        return task.claimed_at is not None and self.now - task.claimed_at >= CLAIM_LEASE_SECONDS * self.scale

    def may_still_come(self, task: Task) -> bool:
        """Whether Runway can still have the outputs; later its links are dead and nothing is left to wait for."""
        return self.now < task.deadline_at + OUTPUTS_LIVE_SECONDS * self.scale

    def observe(self, task: Task, upstream_id: str, status: str, progress: float | None, wait_seconds: float) -> Task:
        """A poll has seen the generation running."""
        self._bound(task, upstream_id)
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
            next_check_at=self._check_at(task, wait_seconds),
        )

    def overlook(self, task: Task, upstream_id: str, wait_seconds: float, gone: bool = False) -> Task:
        """A look that told nothing (`gone`: a 404, to be confirmed): the task is not failed by a bad read."""
        self._bound(task, upstream_id)
        return bump(
            task,
            self.now,
            polls=task.polls + 1,
            missing=task.missing + 1 if gone else 0,
            unread=task.unread + 1,
            next_check_at=self._check_at(task, wait_seconds),
        )

    def try_again(self, task: Task, upstream_id: str, cost_credits: float | None, wait_seconds: float) -> Task:
        """Runway failed the task in a way that a second attempt may mend: one more, recorded as such.

        What the failed one has cost stays in the row, and the ending adds its own.
        """
        self._bound(task, upstream_id)
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
            next_check_at=self._check_at(task, wait_seconds),
        )

    def archived(self, task: Task, upstream_id: str, output: Output) -> Task:
        """One more output is safe: a repeated Finish need not fetch it again. Unchanged if it was listed."""
        self._bound(task, upstream_id)
        if any(known.key == output.key for known in task.outputs):
            return task
        return bump(task, self.now, outputs=(*task.outputs, output), next_check_at=self._check_at(task, 0))

    def succeed(
        self,
        task: Task,
        upstream_id: str,
        cost_credits: float | None,
        node_errors: Mapping[str, Any] | None = None,
    ) -> Task:
        """Every output is in the archive."""
        self._bound(task, upstream_id)
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
        """`upstream_id`: the generation that was judged, None where nothing was sent: a row that has moved on since is
        not failed for it."""
        self._stands(task, upstream_id)
        return self._end(
            task, State.FAILED, cost_credits, failure=message, failure_code=code, node_errors=node_errors or {}
        )

    def reject(self, task: Task, token: str, code: str, message: str) -> Task:
        """Runway judged the request and said no: nothing was bought."""
        self._own(task, token)
        return self._end(task, State.FAILED, 0.0, failure=message, failure_code=code)

    def cancel(self, task: Task, upstream_id: str | None, cost_credits: float | None = None) -> Task:
        """`upstream_id` as for `fail`."""
        self._stands(task, upstream_id)
        return self._end(task, State.CANCELLED, cost_credits)

    def settle(self, task: Task) -> Task:
        """Its client has shown that it knows the task: no retry may claim it (again)."""
        if not task.claimable:
            raise TransitionRefused("the task is not claimable")
        return bump(task, self.now, claimable=False)

    def take(self, task: Task, retry: int, claim: str) -> Task:
        """The client's retry of this number claims the task for its create.

        A later one may follow, since it is only sent if this one's answer is lost as well. An equal or earlier one is
        another create's. Unchanged where this claim, a token, has it already: the write that did it lost its answer.
        """
        if task.retry_claim == claim:
            return task
        if not task.claimable or retry <= task.claimed_retry:
            raise TransitionRefused("this retry may not claim the task")
        return bump(task, self.now, claimed_retry=retry, retry_claim=claim)

    def request_cancel(self, task: Task) -> Task:
        """From now on nothing new is bought, and the API shows CANCELLED; the execution ends at its next wake."""
        if task.state.is_terminal or task.cancel_requested_at is not None:
            raise TransitionRefused("there is nothing to cancel")
        return bump(task, self.now, cancel_requested_at=self.now)

    def hide(self, task: Task) -> Task:
        if not task.state.is_terminal or task.hidden_at is not None:
            raise TransitionRefused("only an ended task can be hidden")
        return bump(task, self.now, hidden_at=self.now)

    def announced(self, task: Task) -> Task:
        """SNS has taken the notice: nothing is left to do for this row."""
        if task.notice_state is not NoticeState.PENDING:
            raise TransitionRefused("no notice is pending")
        return bump(task, self.now, notice_state=NoticeState.SENT, next_check_at=None)

    def called_back(self, task: Task, status: int | None, is_final: bool = False) -> Task:
        """A try of the callback was answered so (None: not at all). is_final: no other follows. Delivered is final."""
        webhook = task.webhook
        if webhook is None or not task.state.is_terminal or webhook.state is WebhookState.DELIVERED:
            raise TransitionRefused("no callback is due")
        record = replace(webhook, tries=webhook.tries + 1, last_status=status, last_tried_at=self.now)
        if verdict_of(status) == "delivered":
            record = replace(record, state=WebhookState.DELIVERED, delivered_at=self.now)
        else:
            record = replace(record, state=WebhookState.FAILED if is_final else WebhookState.PENDING)
        return bump(task, self.now, webhook=record)

    def rerun(self, task: Task) -> Task:
        """The execution is gone and the task is not done: the next one takes a name that was never used."""
        self._open(task)
        return bump(task, self.now, run=task.run + 1, next_check_at=self._check_at(task, 0))

    def watch(self, task: Task) -> Task:
        """Its execution runs, only later than expected: look again after another grace."""
        self._open(task)
        return bump(task, self.now, next_check_at=self._check_at(task, 0))

    def _end(self, task: Task, state: State, cost_credits: float | None, **changes: object) -> Task:
        cost = _cost_so_far(task, cost_credits)
        return self._ended(bump(task, self.now), state=state, cost_credits=cost, reserved_credits=0.0, **changes)

    def _ended(self, task: Task, **changes: object) -> Task:
        """Ending and pending notice in one write: no task ends unannounced."""
        return replace(
            task,
            ended_at=self.now,
            claim=None,
            claimed_at=None,
            notice_state=NoticeState.PENDING,
            next_check_at=self._check_at(task, 0),
            **changes,  # type: ignore[arg-type]
        )

    def _own(self, task: Task, token: str) -> None:
        if task.state is not State.SUBMITTING or task.claim != token:
            raise TransitionRefused("the claim is not ours")

    def _open(self, task: Task) -> None:
        if task.state.is_terminal:
            raise TransitionRefused("the task has ended")

    def _stands(self, task: Task, upstream_id: str | None) -> None:
        if upstream_id is not None:
            self._bound(task, upstream_id)
        elif task.state not in (State.ACCEPTED, State.WAITING):
            raise TransitionRefused(f"{task.state}: something was, or may have been, sent")

    def _bound(self, task: Task, upstream_id: str) -> None:
        if task.state is not State.SUBMITTED or task.upstream_id != upstream_id:
            raise TransitionRefused("the row is no longer bound to that generation")


def _cost_so_far(task: Task, more: float | None) -> float | None:
    """With what one more attempt has cost; None while nobody knows of any cost."""
    return task.cost_credits if more is None else (task.cost_credits or 0.0) + more
