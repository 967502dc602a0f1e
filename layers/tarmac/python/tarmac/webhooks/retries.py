"""The waits between the tries of a webhook."""

from __future__ import annotations

WAITS_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 4 * 3600.0, 10 * 3600.0)
"""Waits after the first try, the second, and so on; 15 hours in total. SQS allows at most 12 hours for one."""

MAX_TRIES = len(WAITS_SECONDS) + 1
"""WebhookQueue in template.yaml moves a message to the dead-letter queue after this number of receives."""


def wait_after(tries: int, jitter: float) -> float | None:
    """Return the seconds until the next try after the `tries`-th has failed (1, 2, …), or None after the last.

    jitter: 0..1, adds up to 10 %.
    """
    return WAITS_SECONDS[tries - 1] * (1 + 0.1 * jitter) if tries < MAX_TRIES else None
