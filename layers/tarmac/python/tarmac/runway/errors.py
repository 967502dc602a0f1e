"""Errors of the Runway API, classified by their consequence, not by their cause.

RunwayError
├── CreateRefused       nothing was bought; retry later
├── CreateRejected      nothing was bought; the request is invalid and a retry is useless
├── CreateAmbiguous     something may have been bought; never retried blindly
├── UpstreamRejected    a read with an invalid body or query
├── UpstreamUnavailable a read or cancel without a usable response; the state of the task is unchanged
├── UpstreamGone        not found at Runway
└── KeyUnavailable      Runway's key cannot be read; nothing was sent
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class RunwayError(Exception):
    """Base class. Messages contain no key, link or prompt, because they go to rows and logs."""


class CreateRefused(RunwayError):
    """Runway bought nothing: it could not be reached, or returned 401, 409, 425, 429 or 503."""

    def __init__(self, message: str, *, status: int | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_quota(self) -> bool:
        """Whether the daily quota is used up or the key is invalid, so that a retry within minutes is useless."""
        return self.status in (401, 429)


class CreateRejected(RunwayError):
    """Runway rejected the request as invalid (other 4xx)."""

    def __init__(self, message: str, *, status: int, issues: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.issues = list(issues)


class CreateAmbiguous(RunwayError):
    """The request was or may have been sent, and there is no usable response."""


class UpstreamRejected(RunwayError):
    """400 for a read with a body or a query, which the caller must fix."""

    def __init__(self, message: str, *, issues: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.issues = list(issues)


class UpstreamUnavailable(RunwayError):
    """No usable response to a read: 401, 429, 5xx, a timeout, or an invalid body."""

    def __init__(self, message: str, *, status: int | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class UpstreamGone(RunwayError):
    """404: deleted, cancelled, or not visible yet."""


class KeyUnavailable(RunwayError):
    """The Runway key cannot be read or was never set. The message contains no part of it."""
