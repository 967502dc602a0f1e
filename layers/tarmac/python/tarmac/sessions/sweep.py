"""Sweep sessions: record interrupted creates as lost, replace lost executions, publish pending notices."""

from __future__ import annotations

from contextlib import suppress

from tarmac.effects import Effects
from tarmac.ports import ConditionFailed
from tarmac.rows import NoticeState
from tarmac.sessions.create import release_attempt, start_watching
from tarmac.sessions.finish import announce_session
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.store import AttemptState
from tarmac.sweeping import IsRunning, Repair
from tarmac.telemetry import logger


def repair_session(session_id: str, effects: Effects, is_running: IsRunning) -> Repair:
    """Publish the notice of a session if it is pending; start a new execution if its own is gone."""
    session = effects.sessions.get(session_id)
    if session.notice_state is NoticeState.PENDING:
        announce_session(session, effects)
        return "announced"
    if is_running(effects.session_executions, session.execution_name):
        effects.sessions.move(session_id, SessionMoves.watch)
        return "watched"
    start_watching(effects.sessions.move(session_id, SessionMoves.rerun), effects)
    return "restarted"


def repair_attempt(attempt_id: str, effects: Effects, is_running: IsRunning) -> None:  # noqa: ARG001 - as each handler
    """Release what a refused create still reserves; mark a create as lost whose process ended before the response."""
    attempt = effects.sessions.get_attempt(attempt_id)
    if attempt is not None and attempt.state is AttemptState.REFUSING:
        release_attempt(attempt, effects)
    if attempt is None or attempt.state is not AttemptState.SENDING:
        return
    with suppress(ConditionFailed):
        effects.sessions.mark_lost(attempt)
        logger.error("session create interrupted", client=attempt.client, seconds=attempt.seconds)
