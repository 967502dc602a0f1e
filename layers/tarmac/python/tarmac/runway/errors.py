"""Errors of the Runway API, sorted by what they mean for money, not by what caused them.

RunwayError
├── CreateRefused       nothing was bought: wait and send again
├── CreateRejected      nothing was bought, and this request never will be
├── CreateAmbiguous     nobody knows: never repeated blindly
├── UpstreamRejected    a question that Runway does not answer as it was put
├── UpstreamUnavailable a read or cancel got no usable answer: the task is as it was
├── UpstreamGone        Runway does not know the task (any more)
└── KeyUnavailable      our own key cannot be read: nothing was sent
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class RunwayError(Exception):
    """Base of all. Messages carry no key, no link and no prompt: they go to rows and logs."""


class CreateRefused(RunwayError):
    """Runway took nothing: it could not be reached, or it said 401, 409, 429 or 503."""

    def __init__(self, message: str, *, status: int | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_quota(self) -> bool:
        """The daily quota, or a key that does not work: minutes will not mend it."""
        return self.status in (401, 429)


class CreateRejected(RunwayError):
    """Runway read the request and will not have it (other 4xx)."""

    def __init__(self, message: str, *, status: int, issues: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.issues = list(issues)


class CreateAmbiguous(RunwayError):
    """The request was, or may have been, sent, and no usable answer came back."""


class UpstreamRejected(RunwayError):
    """400 to a read with a body or a query: the caller's to mend."""

    def __init__(self, message: str, *, issues: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.issues = list(issues)


class UpstreamUnavailable(RunwayError):
    """No usable answer to a read: 401, 429, 5xx, a timeout, an unreadable body."""

    def __init__(self, message: str, *, status: int | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class UpstreamGone(RunwayError):
    """404: deleted, cancelled, or not yet visible."""


class KeyUnavailable(RunwayError):
    """The Runway key cannot be read, or was never set. The message holds nothing of it."""
