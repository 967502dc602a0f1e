"""The state transitions of a session, the moves that make them, and the intervals between polls.

                 ┌──────────────► FAILED ◄──────┐
    NOT_READY ───┴─► READY ──────► RUNNING ─────┴─► COMPLETED
        └──────────────┴──────────────┴─► CANCELLED

These are Runway's states, and a row follows what polls return. A poll may miss a state in between, and a late response
never moves a row back. Tarmac itself decides which request gets the credentials (`claim`) and when to cancel a session
(`request_cancel`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tarmac.backoff import whole_seconds
from tarmac.rows import FINISH_SECONDS, NoticeState, Output, TransitionRefused, next_check
from tarmac.sessions.session import Session, SessionState, bump

DEFAULT_SECONDS = 300
SHORTEST_SECONDS, LONGEST_SECONDS = 10, 1800
"""Default, minimum and maximum of `maxDuration`."""

CLAIM_LEASE_SECONDS = 35.0
"""Real seconds after which a claim expires: longer than CreateSession can run (template.yaml)."""

ATTEMPT_LEASE_SECONDS = 60.0
"""Real seconds after which a create without a recorded response counts as lost."""

LONGEST_QUEUE_SECONDS = 600.0
"""Longest time for which a session may wait to become ready. Viewers of a page do not wait for longer."""

OVERTIME_SECONDS = 60.0
"""Time after `maxDuration` at which Tarmac cancels a session that is still running."""

UNREACHABLE_SECONDS = 900.0
"""Time after its latest possible end for which a session is still polled while Runway is unreachable."""

_S = SessionState
FOLLOWS: dict[SessionState, frozenset[SessionState]] = {
    _S.NOT_READY: frozenset({_S.READY, _S.RUNNING, _S.COMPLETED, _S.FAILED, _S.CANCELLED}),
    _S.READY: frozenset({_S.RUNNING, _S.COMPLETED, _S.FAILED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED}),
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class SessionMoves:
    """The moves at one point in time. `scale` converts Runway's seconds to real seconds (`Clock`)."""

    now: float
    scale: float = 1.0

    def _check_at(self, session: Session, wait_seconds: float) -> float:
        return next_check(session.next_check_at, self.now, wait_seconds, self.scale)

    def begin(self, session: Session) -> Session:
        """Return the first version of a session that Runway has created and that no execution watches yet."""
        return replace(session, updated_at=self.now, next_check_at=self._check_at(session, 0))

    # Polls

    def observe(self, session: Session, status: str, wait_seconds: float) -> Session:
        """Record a poll of an open session. Unknown statuses and late responses do not change the state."""
        self._check_open(session)
        state = session.state
        if status in FOLLOWS and SessionState(status) in FOLLOWS[state] and not SessionState(status).is_terminal:
            state = SessionState(status)
        return bump(
            session,
            self.now,
            state=state,
            ready_at=session.ready_at or (self.now if state is not SessionState.NOT_READY else None),
            started_at=session.started_at or (self.now if state is SessionState.RUNNING else None),
            checked_at=self.now,
            polls=session.polls + 1,
            missing=0,
            unread=0,
            next_check_at=self._check_at(session, wait_seconds),
        )

    def follow(self, session: Session, status: str, unclaimed_seconds: float) -> Session:
        """Record a poll as `observe` does, with the next poll due when the new state requires it."""
        seen = self.observe(session, status, 0)
        return replace(seen, next_check_at=self._check_at(session, self.next_poll_seconds(seen, unclaimed_seconds)))

    def poll_failed(self, session: Session, wait_seconds: float, gone: bool = False) -> Session:
        """Record a poll without a result. gone: Runway returned 404, which needs to be confirmed."""
        self._check_open(session)
        return bump(
            session,
            self.now,
            polls=session.polls + 1,
            missing=session.missing + 1 if gone else 0,
            unread=session.unread + 1,
            next_check_at=self._check_at(session, wait_seconds),
        )

    def end(
        self,
        session: Session,
        state: SessionState,
        duration_seconds: float | None = None,
        failure: str | None = None,
        failure_code: str | None = None,
    ) -> Session:
        """End the session and settle its minutes. Archive and notice follow.

        duration_seconds: as reported by Runway. None: a call that was seen running counts from then to its cancel
        or to now.
        """
        self._check_open(session)
        duration = duration_seconds
        if duration is None and session.started_at is not None:
            until = session.cancel_requested_at or self.now
            duration = round(min(session.max_seconds, max(0.0, until - session.started_at) / self.scale), 3)
        return bump(
            session,
            self.now,
            state=state,
            ended_at=self.now,
            duration_seconds=duration,
            reserved_seconds=0,
            used_seconds=math.ceil(duration or 0),
            failure=failure,
            failure_code=failure_code,
            claim=None,
            claimed_at=None,
            next_check_at=self._check_at(session, FINISH_SECONDS),
        )

    # Credentials

    def claim(self, session: Session, token: str) -> Session:
        """Claim the credentials, which Runway returns only once.

        Unchanged if the token holds the claim already: the response to its write was lost.
        """
        if session.claim == token:
            return session
        if session.state.is_terminal or session.cancel_requested_at is not None or session.burned_at is not None:
            raise TransitionRefused("the session has ended")
        if session.consumed_at is not None or session.state is SessionState.RUNNING:
            raise TransitionRefused("the credentials were consumed already")
        if session.claim is not None:
            raise TransitionRefused("another request holds the claim")
        return bump(session, self.now, claim=token, claimed_at=self.now)

    def release(self, session: Session, token: str) -> Session:
        """Release the claim after Runway rejected the request, so that a wrong key does not cost the session."""
        self._check_claim(session, token)
        return bump(session, self.now, claim=None, claimed_at=None)

    def consumed(self, session: Session, token: str) -> Session:
        """Record that Runway has returned the credentials. Written before they are returned to the caller."""
        if session.claim is None and session.consumed_at is not None:
            return session
        self._check_claim(session, token)
        if session.cancel_requested_at is not None:
            raise TransitionRefused("the session has ended")
        return bump(session, self.now, claim=None, claimed_at=None, consumed_at=self.now)

    def burn(self, session: Session, token: str | None) -> Session:
        """Request the cancel of a session whose credentials are lost: Runway does not return them again.

        token: None for a claim whose lease has expired without a result.
        """
        if token is not None:
            self._check_claim(session, token)
        elif not self.lease_is_over(session):
            raise TransitionRefused("the claim has not expired")
        self._check_open(session)
        burned = bump(session, self.now, claim=None, claimed_at=None, burned_at=self.now)
        if session.cancel_requested_at is not None:
            return burned
        return replace(burned, cancel_requested_at=self.now, cancel_reason="lost")

    def lease_is_over(self, session: Session) -> bool:
        """Return whether the session has a claim that has expired."""
        return session.claimed_at is not None and self.now - session.claimed_at >= CLAIM_LEASE_SECONDS

    def request_cancel(self, session: Session, reason: str) -> Session:
        """Request the cancel: from now on credentials are not returned, and the API shows CANCELLED.

        Unchanged if a cancel was requested already. Refused for the reason `unclaimed` while a request holds the claim,
        because that caller is about to join.
        """
        self._check_open(session)
        if session.cancel_requested_at is not None:
            return session
        if reason == "unclaimed" and session.claim is not None:
            raise TransitionRefused("the session is being claimed")
        return bump(session, self.now, cancel_requested_at=self.now, cancel_reason=reason)

    def give_up(self, session: Session, unclaimed_seconds: float) -> Session:
        """Request the cancel for a reason of Tarmac's own. Refused if the reason no longer holds."""
        reason = self.reason_to_cancel(session, unclaimed_seconds)
        if reason is None:
            raise TransitionRefused("the session has been claimed")
        return self.request_cancel(session, reason)

    def reason_to_cancel(self, session: Session, unclaimed_seconds: float) -> str | None:
        """Return why Tarmac must cancel an open session itself, or None.

        `unclaimed`: not ready in time, or no viewer has joined. `overdue`: it runs longer than `maxDuration`.
        """
        match session.state:
            case SessionState.NOT_READY:
                return "unclaimed" if self._age(session.created_at) >= LONGEST_QUEUE_SECONDS else None
            case SessionState.READY:
                since = max(session.ready_at or session.created_at, session.consumed_at or 0.0)
                return "unclaimed" if self._age(since) >= unclaimed_seconds else None
            case _:
                began = session.started_at or session.created_at
                return "overdue" if self._age(began) >= session.max_seconds + OVERTIME_SECONDS else None

    def next_poll_seconds(self, session: Session, unclaimed_seconds: float) -> int:
        """Return the whole seconds until the next poll of an open session."""
        match session.state:
            case SessionState.NOT_READY:
                return 5
            case SessionState.READY:
                since = max(session.ready_at or session.created_at, session.consumed_at or 0.0)
                return whole_seconds(min(5.0, unclaimed_seconds - self._age(since)))
            case _:
                left = session.max_seconds - self._age(session.started_at or session.created_at)
                return whole_seconds(min(15.0, max(2.0, left)))

    def may_still_be_polled(self, session: Session, unclaimed_seconds: float) -> bool:
        """Return whether the session can still be open, or can have ended less than UNREACHABLE_SECONDS ago."""
        longest = LONGEST_QUEUE_SECONDS + unclaimed_seconds + session.max_seconds + OVERTIME_SECONDS
        return self._age(session.created_at) < longest + UNREACHABLE_SECONDS

    # After the end

    def archived(self, session: Session, outputs: Sequence[Output]) -> Session:
        """Record the archived outputs and mark the notice as pending, in one write."""
        if not session.state.is_terminal or session.notice_state is not NoticeState.NONE:
            raise TransitionRefused("there is nothing to archive")
        return bump(
            session,
            self.now,
            outputs=tuple(outputs),
            notice_state=NoticeState.PENDING,
            next_check_at=self._check_at(session, 0),
        )

    def announced(self, session: Session) -> Session:
        """Mark the notice as sent. The sweeper ignores the row from now on."""
        if session.notice_state is not NoticeState.PENDING:
            raise TransitionRefused("no notice is pending")
        return bump(session, self.now, notice_state=NoticeState.SENT, next_check_at=None)

    def rerun(self, session: Session) -> Session:
        """Take the next run number for an execution that replaces a lost one. Execution names cannot be reused."""
        return bump(session, self.now, run=session.run + 1, next_check_at=self._check_at(session, 0))

    def watch(self, session: Session) -> Session:
        """Postpone the next check of a session whose execution is running, only later than expected."""
        return bump(session, self.now, next_check_at=self._check_at(session, 0))

    def _age(self, since: float) -> float:
        return max(0.0, self.now - since) / self.scale

    def _check_open(self, session: Session) -> None:
        if session.state.is_terminal:
            raise TransitionRefused("the session has ended")

    def _check_claim(self, session: Session, token: str) -> None:
        self._check_open(session)
        if session.claim != token:
            raise TransitionRefused("the token does not hold the claim")
