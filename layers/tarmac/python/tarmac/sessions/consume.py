"""Consume: return the credentials of a session to one caller, at most once."""

from __future__ import annotations

from contextlib import suppress

from tarmac.effects import Effects
from tarmac.rows import TransitionRefused
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamUnavailable
from tarmac.runway.ports import Credentials
from tarmac.sessions.errors import BadSessionKey, CredentialsLost, CredentialsSpent
from tarmac.sessions.moves import SessionMoves
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
    """Return the credentials to the caller that has the session key.

    The session is claimed before the request to Runway. If Runway rejects the request, the claim is released, so a
    wrong key does not cost the session. A lost response burns the session. Raises NoSuchSession, CredentialsSpent,
    CredentialsLost, CreateRejected, CreateRefused, Contended.
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
        # Credentials are returned only after they are recorded as consumed.
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
    """Burn a session whose credentials are lost: cancel it. What fails here, WatchSession does later."""
    with suppress(Exception):
        effects.sessions.move(session_id, SessionMoves.burn, token)
    with suppress(UpstreamUnavailable):
        effects.runway_sessions.cancel(session_id, timeout_seconds=2.0)
