"""Watch: poll a live session once, then decide when to poll again or whether to end it."""

from __future__ import annotations

import math
from contextlib import suppress

from tarmac.backoff import backoff
from tarmac.effects import Effects
from tarmac.outcome import ENDED, Outcome
from tarmac.rows import CONFIRMATIONS_OF_GONE, TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.runway.ports import UpstreamSession
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.session import Session, SessionState

LONGEST_BACKOFF_SECONDS = 60.0


def watch_session(session_id: str, effects: Effects, unclaimed_seconds: float) -> Outcome:
    """Poll a session and return `running` with the wait until the next poll, or `ended`. Idempotent.

    unclaimed_seconds: longest time for which a session may be ready without a viewer. Raises NoSuchSession, Contended
    and errors of AWS.
    """
    session = effects.sessions.get(session_id)
    if session.state.is_terminal:
        return ENDED
    if effects.sessions.moves.lease_is_over(session):
        session = _burn_expired_claim(session, effects)
    try:
        # Polled also before a cancel, because the session may just have ended in another state.
        seen = effects.runway_sessions.session(session_id)
        if seen.is_terminal:
            return _ended(session, seen, effects)
        if session.cancel_requested_at is not None:
            return _cancelled(session, effects)
        return _open(session, seen, effects, unclaimed_seconds)
    except TransitionRefused:
        # Another process has changed the row: read it again.
        return Outcome("running", 1)
    except UpstreamGone:
        return _not_found(session, effects)
    except UpstreamUnavailable as problem:
        return _unreachable(session, problem.retry_after_seconds, effects, unclaimed_seconds)


def _open(session: Session, seen: UpstreamSession, effects: Effects, unclaimed_seconds: float) -> Outcome:
    after = effects.sessions.move(session.id, SessionMoves.follow, seen.status, unclaimed_seconds)
    if effects.sessions.moves.reason_to_cancel(after, unclaimed_seconds) is None:
        return Outcome("running", effects.sessions.moves.next_poll_seconds(after, unclaimed_seconds))
    # The row is marked first, so that no caller gets credentials for a session that is about to end.
    return _cancelled(effects.sessions.move(session.id, SessionMoves.give_up, unclaimed_seconds), effects)


def _cancelled(session: Session, effects: Effects) -> Outcome:
    effects.runway_sessions.cancel(session.id)
    return _end(session, effects, SessionState.CANCELLED)


def _ended(session: Session, seen: UpstreamSession, effects: Effects) -> Outcome:
    state = SessionState(seen.status)
    failure = (seen.failure or "Runway gave no reason.") if state is SessionState.FAILED else None
    return _end(session, effects, state, seen.duration_seconds, failure, seen.failure_code)


def _end(
    session: Session,
    effects: Effects,
    state: SessionState,
    duration_seconds: float | None = None,
    failure: str | None = None,
    failure_code: str | None = None,
) -> Outcome:
    with suppress(TransitionRefused):
        # Refused if another process has ended it.
        effects.sessions.move(session.id, SessionMoves.end, state, duration_seconds, failure, failure_code)
    return ENDED


def _burn_expired_claim(session: Session, effects: Effects) -> Session:
    """Burn a session whose claim has expired: Runway may have returned the credentials, but no caller got them."""
    try:
        return effects.sessions.move(session.id, SessionMoves.burn, None)
    except TransitionRefused:
        return effects.sessions.get(session.id)


def _not_found(session: Session, effects: Effects) -> Outcome:
    if session.cancel_requested_at is not None:
        return _end(session, effects, SessionState.CANCELLED)
    if session.missing + 1 >= CONFIRMATIONS_OF_GONE:
        message = "Runway no longer has the session."
        return _end(session, effects, SessionState.FAILED, None, message, "TARMAC.GONE")
    return _poll_failed(session, backoff(session.missing + 1, effects.chance()), effects, gone=True)


def _unreachable(
    session: Session, retry_after_seconds: float | None, effects: Effects, unclaimed_seconds: float
) -> Outcome:
    if not effects.sessions.moves.may_still_be_polled(session, unclaimed_seconds):
        message = "Runway was unreachable until after the latest possible end of the session."
        return _end(session, effects, SessionState.FAILED, None, message, "TARMAC.UNREACHABLE")
    wait = backoff(session.unread + 1, effects.chance(), longest_seconds=LONGEST_BACKOFF_SECONDS)
    if retry_after_seconds is not None:
        wait = max(wait, math.ceil(min(retry_after_seconds, LONGEST_BACKOFF_SECONDS)))
    return _poll_failed(session, wait, effects, gone=False)


def _poll_failed(session: Session, wait_seconds: int, effects: Effects, gone: bool) -> Outcome:
    try:
        effects.sessions.move(session.id, SessionMoves.poll_failed, wait_seconds, gone)
    except TransitionRefused:
        return Outcome("running", 1)
    return Outcome("running", wait_seconds)
