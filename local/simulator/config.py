"""What can be set when a simulator starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Config:
    """One simulator's settings; every default is Runway's behaviour in real time.

    time_scale multiplies what Runway takes its time for: pending, throttled and run times, a session's way to READY
    and its call. Links, uploads and a session's credentials expire in real time.
    concurrency and daily_quota are per model, as Runway's tiers are; a daily_quota of None is unlimited.
    keys lists the accepted API keys; empty accepts any. state_dir None keeps nothing after the end.
    rtc_url is where live sessions send their viewers, None for this server's own /rtc.
    clock gives epoch seconds; tests may replace it.
    """

    time_scale: float = 1.0
    concurrency: int = 5
    daily_quota: int | None = None
    credit_balance: int = 1_000_000
    output_ttl_seconds: float = DAY_SECONDS
    keys: frozenset[str] = frozenset()
    state_dir: Path | None = None
    save_interval_seconds: float = 2.0
    rtc_url: str | None = None
    clock: Callable[[], float] = time.time
