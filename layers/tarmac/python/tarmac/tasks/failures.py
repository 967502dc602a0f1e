"""What a failure code of Runway means for the next step. The set is open: codes are matched by dotted prefix."""

from __future__ import annotations

RETRY_DELAY_SECONDS = 30

_MAY_BE_MENDED = ("INTERNAL", "THIRD_PARTY", "INPUT_PREPROCESSING.INTERNAL")


def may_be_mended(failure_code: str | None) -> bool:
    """Whether one more attempt with the same request makes sense.

    Any SAFETY segment is moderation: it costs full credits and too much of it suspends the account, so never again.
    INTERNAL and THIRD_PARTY are Runway's own trouble, and so is a missing code. ASSET is the caller's input; it and a
    code nobody knows are final: the unlisted falls on the side that does not pay twice.
    """
    if not failure_code:
        return True
    segments = failure_code.upper().split(".")
    if "SAFETY" in segments:
        return False
    return any(segments[: len(known)] == known for known in (prefix.split(".") for prefix in _MAY_BE_MENDED))
