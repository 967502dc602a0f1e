"""Time, injectable. Locally one TIME_SCALE compresses every wait; on AWS the scale is 1."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime


class Clock:
    """Wall clock whose durations are stretched by 1 / scale.

    At scale 0.05 one real second counts as twenty: rules go on thinking in Runway's seconds while the local machine's
    waits (scaled by the same factor) pass twenty times faster. Timestamps stay real.
    """

    def __init__(self, scale: float | None = None) -> None:
        self.scale = float(os.environ.get("TIME_SCALE", "1")) if scale is None else scale

    def now(self) -> float:
        """Epoch seconds, in whole milliseconds as rows keep them."""
        return round(time.time(), 3)

    def elapsed(self, since: float) -> float:
        """Seconds of Runway's time from an earlier `now()`, never negative: clocks of two machines may disagree."""
        return max(0.0, self.now() - since) / self.scale

    def after(self, seconds: float) -> float:
        """The `now()` at which that many seconds of Runway's time will have passed."""
        return self.now() + seconds * self.scale

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self.scale)


def to_iso(epoch_seconds: float) -> str:
    """ISO-8601 in UTC with milliseconds and `Z`, as Runway writes it."""
    seconds, milliseconds = divmod(round(epoch_seconds * 1000), 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds:03d}Z"


def from_iso(text: str) -> float:
    """Epoch seconds of what `to_iso` wrote."""
    return datetime.fromisoformat(text).timestamp()
