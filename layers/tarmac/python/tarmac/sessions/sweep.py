"""Sweep the sessions: creates that nobody heard of again, executions that are gone, notices that were not sent."""

from __future__ import annotations

from contextlib import suppress

from tarmac.effects import Effects
from tarmac.ports import ConditionFailed
from tarmac.rows import Contended, NoticeState, TransitionRefused
from tarmac.sessions.create import session_moves, start_watching
from tarmac.sessions.finish import announce_session
from tarmac.sessions.session import NoSuchSession
from tarmac.sessions.store import AttemptState
from tarmac.sweeping import SweepReport
from tarmac.telemetry import logger


def sweep_sessions(effects: Effects) -> SweepReport:
    """Look after each session that is due. One that fails is counted and does not stop the rest.

    Effects: clock, sessions, session_executions, topic.
    """
    report = SweepReport()
    due = effects.sessions.due(effects.clock.now())
    for attempt_id in due.attempts:
        try:
            _lose(attempt_id, effects)
        except Exception as error:
            report.failed += 1
            logger.crash("an attempt could not be looked after", error)
    for session_id in due.sessions:
        try:
            _look_after(session_id, effects, report)
        except (NoSuchSession, TransitionRefused, Contended):
            # Somebody else moved it meanwhile, which is all that a sweep wants.
            continue
        except Exception as error:
            report.failed += 1
            logger.crash("a session could not be looked after", error, session_id=session_id)
    return report


def _lose(attempt_id: str, effects: Effects) -> None:
    """Whoever sent this create has died before it could say what came of it."""
    attempt = effects.sessions.get_attempt(attempt_id)
    if attempt is None or attempt.state is not AttemptState.SENDING:
        return
    with suppress(ConditionFailed):
        effects.sessions.lose(attempt)
        logger.error("a create of a session was cut off", client=attempt.client, seconds=attempt.seconds)


def _look_after(session_id: str, effects: Effects, report: SweepReport) -> None:
    session = effects.sessions.get(session_id)
    if session.notice_state is NoticeState.PENDING:
        announce_session(session, effects)
        report.announced += 1
    elif effects.session_executions.is_running(session.execution_name):
        effects.sessions.change(session_id, lambda row: session_moves(effects).watch(row))
        report.watched += 1
    else:
        start_watching(effects.sessions.change(session_id, lambda row: session_moves(effects).rerun(row)), effects)
        report.restarted += 1
