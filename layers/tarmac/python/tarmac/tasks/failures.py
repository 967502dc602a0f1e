"""Which failure codes of Runway are retried. Codes are matched by dotted prefix, because Runway may add new ones."""

from __future__ import annotations

RETRY_DELAY_SECONDS = 30

_RETRYABLE = ("INTERNAL", "THIRD_PARTY", "INPUT_PREPROCESSING.INTERNAL")


def is_retryable(failure_code: str | None) -> bool:
    """Return whether another attempt with the same request may succeed.

    A SAFETY segment means moderation: it costs full credits, and repeated violations suspend the account. INTERNAL,
    THIRD_PARTY and a missing code are errors of Runway and are retried. ASSET is an invalid input. Unknown codes are
    not retried, so that no request is paid for twice without a reason.
    """
    if not failure_code:
        return True
    segments = failure_code.upper().split(".")
    if "SAFETY" in segments:
        return False
    return any(segments[: len(known)] == known for known in (prefix.split(".") for prefix in _RETRYABLE))
