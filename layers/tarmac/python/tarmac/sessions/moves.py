"""Which state of a session follows which, the moves between them, and when to look again.

                 ┌──────────────► FAILED ◄──────┐
    NOT_READY ───┴─► READY ──────► RUNNING ─────┴─► COMPLETED
        └──────────────┴──────────────┴─► CANCELLED

These are Runway's states, so a row never leads, it follows what was seen: a look may miss one on the way, and one that
arrives late takes nothing back. What Tarmac decides itself is who gets the credentials (`claim`), and that it is over
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
"""What Runway's `maxDuration` is, and may be."""

CLAIM_LEASE_SECONDS = 35.0
"""Real seconds that a claim is believed to be alive: longer than CreateSession can run (template.yaml)."""

ATTEMPT_LEASE_SECONDS = 60.0
"""Real seconds after which a create that nobody has recorded the answer of is lost."""

LONGEST_QUEUE_SECONDS = 600.0
"""For how long a session may wait to become ready. Nobody who watches a page waits as long."""

OVERTIME_SECONDS = 60.0
"""How much longer than asked for a call may seem to last before Tarmac ends it itself."""

READING_SECONDS = 900.0
"""For how long after its last possible end a session that Runway cannot be asked about is still asked about."""

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
    """The moves at one moment. `scale` turns Runway's seconds into real ones (`Clock`)."""

    now: float
    scale: float = 1.0

    def _check_at(self, session: Session, wait_seconds: float) -> float:
        return next_check(session.next_check_at, self.now, wait_seconds, self.scale)

    def begin(self, session: Session) -> Session:
        """The first version: Runway has taken the session, and whoever looks after it is about to begin."""
        return replace(session, updated_at=self.now, next_check_at=self._check_at(session, 0))

    # What was seen.

    def observe(self, session: Session, status: str, wait_seconds: float) -> Session:
        """A look at a living session. Unknown words of Runway's, and looks that come late, change no state."""
        self._open(session)
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
            looks=session.looks + 1,
            missing=0,
            unread=0,
            next_check_at=self._check_at(session, wait_seconds),
        )

    def follow(self, session: Session, status: str, unclaimed_seconds: float) -> Session:
        """`observe`, with the next poll due when a session in its new state needs it."""
        seen = self.observe(session, status, 0)
        return replace(seen, next_check_at=self._check_at(session, self.next_look(seen, unclaimed_seconds)))

    def overlook(self, session: Session, wait_seconds: float, gone: bool = False) -> Session:
        """A look that told nothing (`gone`: a 404, to be confirmed)."""
        self._open(session)
        return bump(
            session,
            self.now,
            looks=session.looks + 1,
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
        """It is over. What is left is to archive what was said, and to announce it. The minutes are settled here.

        duration_seconds: Runway's own number; without one a call that was seen counts from then to now.
        """
        self._open(session)
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

    # Who gets the credentials.

    def claim(self, session: Session, token: str) -> Session:
        """Take the right to ask Runway for the credentials, which it gives once.

        Unchanged where the token holds it already: the write that gave it lost its answer.
        """
        if session.claim == token:
            return session
        if session.state.is_terminal or session.cancel_requested_at is not None or session.burned_at is not None:
            raise TransitionRefused("The session has ended: create a new one")
        if session.consumed_at is not None or session.state is SessionState.RUNNING:
            raise TransitionRefused("The credentials of this session were handed out already: create a new session")
        if session.claim is not None:
            raise TransitionRefused("The credentials of this session are being handed out to somebody else")
        return bump(session, self.now, claim=token, claimed_at=self.now)

    def release(self, session: Session, token: str) -> Session:
        """Runway gave nothing: a wrong key must not cost anybody the session."""
        self._own(session, token)
        return bump(session, self.now, claim=None, claimed_at=None)

    def consumed(self, session: Session, token: str) -> Session:
        """The credentials are there. Written before they are handed on: what is not recorded is not given."""
        if session.claim is None and session.consumed_at is not None:
            return session
        self._own(session, token)
        if session.cancel_requested_at is not None:
            raise TransitionRefused("The session has ended: create a new one")
        return bump(session, self.now, claim=None, claimed_at=None, consumed_at=self.now)

    def burn(self, session: Session, token: str | None) -> Session:
        """Nobody knows whether Runway gave them: it will not do so again, so the session is to be cancelled.

        `token` is None when the claimant itself is gone and its lease has run out.
        """
        if token is not None:
            self._own(session, token)
        elif not self.lease_is_over(session):
            raise TransitionRefused("the claim is alive")
        self._open(session)
        burned = bump(session, self.now, claim=None, claimed_at=None, burned_at=self.now)
        if session.cancel_requested_at is not None:
            return burned
        return replace(burned, cancel_requested_at=self.now, cancel_reason="lost")

    def lease_is_over(self, session: Session) -> bool:
        return session.claimed_at is not None and self.now - session.claimed_at >= CLAIM_LEASE_SECONDS

    def request_cancel(self, session: Session, reason: str) -> Session:
        """From now on nobody is given credentials, and the API shows CANCELLED. Refused for a reason of Tarmac's own
        while somebody takes the credentials: then somebody is there. Unchanged where it was asked for."""
        self._open(session)
        if session.cancel_requested_at is not None:
            return session
        if reason == "unclaimed" and session.claim is not None:
            raise TransitionRefused("the session is being claimed")
        return bump(session, self.now, cancel_requested_at=self.now, cancel_reason=reason)

    def give_up(self, session: Session, unclaimed_seconds: float) -> Session:
        """Tarmac ends this session itself, unless there is no longer a reason to."""
        reason = self.why_cancel(session, unclaimed_seconds)
        if reason is None:
            raise TransitionRefused("the session has been claimed")
        return self.request_cancel(session, reason)

    def why_cancel(self, session: Session, unclaimed_seconds: float) -> str | None:
        """Why Tarmac has to end this session itself, or None: nobody came, or it outlives what it was made for."""
        match session.state:
            case SessionState.NOT_READY:
                return "unclaimed" if self._age(session.created_at) >= LONGEST_QUEUE_SECONDS else None
            case SessionState.READY:
                since = max(session.ready_at or session.created_at, session.consumed_at or 0.0)
                return "unclaimed" if self._age(since) >= unclaimed_seconds else None
            case _:
                began = session.started_at or session.created_at
                return "overdue" if self._age(began) >= session.max_seconds + OVERTIME_SECONDS else None

    def next_look(self, session: Session, unclaimed_seconds: float) -> int:
        """Whole seconds until the next look at a living session."""
        match session.state:
            case SessionState.NOT_READY:
                return 5
            case SessionState.READY:
                since = max(session.ready_at or session.created_at, session.consumed_at or 0.0)
                return whole_seconds(min(5.0, unclaimed_seconds - self._age(since)))
            case _:
                left = session.max_seconds - self._age(session.started_at or session.created_at)
                return whole_seconds(min(15.0, max(2.0, left)))

    def may_still_be_read(self, session: Session, unclaimed_seconds: float) -> bool:
        """Whether the session can still live, or have ended a short while ago."""
        longest = LONGEST_QUEUE_SECONDS + unclaimed_seconds + session.max_seconds + OVERTIME_SECONDS
        return self._age(session.created_at) < longest + READING_SECONDS

    # After the end.

    def archived(self, session: Session, outputs: Sequence[Output]) -> Session:
        """What was said is safe, and the notice is due: both in one write."""
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
        """SNS has taken the notice: nothing is left to do for this row."""
        if session.notice_state is not NoticeState.PENDING:
            raise TransitionRefused("no notice is pending")
        return bump(session, self.now, notice_state=NoticeState.SENT, next_check_at=None)

    def rerun(self, session: Session) -> Session:
        """The execution is gone and the session is not done: the next one takes a name that was never used."""
        return bump(session, self.now, run=session.run + 1, next_check_at=self._check_at(session, 0))

    def watch(self, session: Session) -> Session:
        """Its execution runs, only later than expected: look again after another grace."""
        return bump(session, self.now, next_check_at=self._check_at(session, 0))

    def _age(self, since: float) -> float:
        return max(0.0, self.now - since) / self.scale

    def _open(self, session: Session) -> None:
        if session.state.is_terminal:
            raise TransitionRefused("the session has ended")

    def _own(self, session: Session, token: str) -> None:
        self._open(session)
        if session.claim != token:
            raise TransitionRefused("the claim is not ours")
