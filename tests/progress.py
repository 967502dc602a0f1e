"""Progress of long work on stderr: a line each tenth keeps a log readable and shows that work continues."""

from __future__ import annotations

import sys
import time


class Progress:
    """`total` steps of something."""

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._done = 0
        self._began = time.monotonic()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        if self._done * 10 // self._total > (self._done - 1) * 10 // self._total:
            seconds = time.monotonic() - self._began
            print(f"{self._done:,} of {self._total:,} {self._what}, {seconds:.0f} s", file=sys.stderr, flush=True)
