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

    time_scale multiplies pending, throttled and run times only: links and uploads expire in real time.
    concurrency and daily_quota are per model, as Runway's tiers are; a daily_quota of None is unlimited.
    keys lists the accepted API keys; empty accepts any. state_dir None keeps nothing after the end.
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
    clock: Callable[[], float] = time.time
