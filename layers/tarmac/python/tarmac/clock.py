"""An injectable clock. On the local machine TIME_SCALE shortens every wait; on AWS the scale is 1."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime


class Clock:
    """A wall clock with scaled durations.

    At scale 0.05 one real second counts as 20 seconds of Runway's time. Rules use Runway's seconds, and waits on the
    local machine are 20 times shorter. Timestamps are not scaled.
    """

    def __init__(self, scale: float | None = None) -> None:
        self.scale = float(os.environ.get("TIME_SCALE", "1")) if scale is None else scale

    def now(self) -> float:
        """The epoch time in seconds, rounded to milliseconds as in rows."""
        return round(time.time(), 3)

    def elapsed(self, since: float) -> float:
        """Seconds of Runway's time since an earlier `now()`. Never negative, even if two machines' clocks differ."""
        return max(0.0, self.now() - since) / self.scale

    def after(self, seconds: float) -> float:
        """The value of `now()` after this many seconds of Runway's time."""
        return self.now() + seconds * self.scale

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self.scale)


def to_iso(epoch_seconds: float) -> str:
    """The time in ISO 8601, in UTC with milliseconds and `Z`, as in Runway's responses."""
    seconds, milliseconds = divmod(round(epoch_seconds * 1000), 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds:03d}Z"


def from_iso(text: str) -> float:
    """The inverse of `to_iso`, in epoch seconds."""
    return datetime.fromisoformat(text).timestamp()
