"""Consume a session: its credentials go to one caller, once, or are lost."""

from __future__ import annotations

from contextlib import suppress

from tarmac.effects import Effects
from tarmac.rows import TransitionRefused
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamUnavailable
from tarmac.runway.ports import Credentials
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.session import BadSessionKey, CredentialsLost, CredentialsSpent
from tarmac.telemetry import logger

LOST = "Runway's response with the credentials was lost, and they can be fetched only once; create a new session"
SPENT = "The credentials of a session can be fetched only once, before it ends; create a new session"

LONGEST_KEY = 4096


def checked_key(key: str | None) -> str:
    """Return the session key of a request. Raises BadSessionKey."""
    if not key or len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()) or " " in key:
        raise BadSessionKey("Send the key of the session: Authorization: Bearer <sessionKey>")
    return key


def consume_session(
    session_id: str, session_key: str, effects: Effects, timeout_seconds: float | None = None
) -> Credentials:
    """The credentials, for a caller with the session's key.

    The claim is taken before Runway is asked, and released where Runway gave nothing, so a wrong key does not cost the
    session. A lost response burns it. Raises NoSuchSession, CredentialsSpent, CredentialsLost, CreateRejected,
    CreateRefused, Contended.
    """
    token = effects.new_id()
    try:
        effects.sessions.move(session_id, SessionMoves.claim, token)
    except TransitionRefused:
        raise CredentialsSpent(SPENT) from None
    try:
        credentials = effects.runway_sessions.consume(session_id, session_key, timeout_seconds)
    except (CreateRefused, CreateRejected):
        _release(session_id, token, effects)
        raise
    except CreateAmbiguous:
        burn_session(session_id, token, effects)
        raise CredentialsLost(LOST) from None
    try:
        effects.sessions.move(session_id, SessionMoves.consumed, token)
    except Exception:
        # Credentials are handed out only after that is recorded.
        burn_session(session_id, token, effects)
        raise CredentialsLost(LOST) from None
    return credentials


def _release(session_id: str, token: str, effects: Effects) -> None:
    try:
        effects.sessions.move(session_id, SessionMoves.release, token)
    except TransitionRefused:
        return
    except Exception as error:
        # WatchSession cancels the session when the claim's lease is over.
        logger.crash("a claim of credentials could not be released", error, session_id=session_id)


def burn_session(session_id: str, token: str | None, effects: Effects) -> None:
    """End a session whose credentials may be lost. What cannot be done now is left to WatchSession."""
    with suppress(Exception):
        effects.sessions.move(session_id, SessionMoves.burn, token)
    with suppress(UpstreamUnavailable):
        effects.runway_sessions.cancel(session_id, timeout_seconds=2.0)
