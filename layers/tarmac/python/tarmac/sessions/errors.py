"""Errors of session requests. The messages are meant for the caller; http/errors.py maps each to a status."""

from __future__ import annotations

from tarmac.rows import RowNotFound


class NoSuchSession(RowNotFound):
    """The session does not exist or belongs to another client."""


class SessionEnded(Exception):
    """The session ended before a viewer could join. The message contains Runway's failure, if there is one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message if code is None else f"{message} ({code})")


class SessionTimedOut(Exception):
    """The session was not ready within the time that its caller waits."""


class CredentialsSpent(Exception):
    """The credentials, valid once, were or are being fetched already, or the session has ended."""


class CredentialsLost(Exception):
    """Runway's response with the credentials was lost. They can be fetched only once, so the session is unusable."""


class TokenSpent(Exception):
    """All sessions that the client token allows have been created."""


class WrongAvatar(Exception):
    """The client token allows another avatar."""


class BadSessionKey(Exception):
    """The request has no session key, or an invalid one."""


class MinutesUsedUp(Exception):
    """The client has used or reserved all its minutes of live sessions for the day."""


class StillCreating(Exception):
    """The first request with this idempotency key is still in progress."""
