"""When a failed webhook is retried."""

from __future__ import annotations

WAITS_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 4 * 3600.0, 10 * 3600.0)
"""After the first try, the second, and so on; 15 hours in all. SQS hides a message for 12 hours at most."""

MAX_TRIES = len(WAITS_SECONDS) + 1
"""WebhookQueue in template.yaml gives a message up after so many receives."""


def wait_after(tries: int, jitter: float) -> float | None:
    """Seconds to wait after the `tries`-th failure (1, 2, …), a tenth longer by a jitter of 1. None: give up."""
    return WAITS_SECONDS[tries - 1] * (1 + 0.1 * jitter) if tries < MAX_TRIES else None
