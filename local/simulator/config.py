"""The settings of a simulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Config:
    """One simulator's settings. The defaults are Runway's behaviour in real time.

    time_scale multiplies the durations of tasks (pending, throttled, running) and of sessions (until READY, and the
    call). Links, uploads and a session's credentials expire in real time.
    concurrency and daily_quota apply to each model, as Runway's tiers do; a daily_quota of None is unlimited.
    keys lists the accepted API keys; empty accepts any. With a state_dir of None, nothing is kept after the end.
    rtc_url is the room URL of live sessions; None for this server's own /rtc.
    clock returns epoch seconds; tests may replace it.
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
