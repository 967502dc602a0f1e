"""What a sweep reports."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from operator import add


@dataclass(slots=True)
class SweepReport:
    """What one sweep did, in tasks and sessions; `batches` in batches."""

    announced: int = 0
    restarted: int = 0
    watched: int = 0
    batches: int = 0
    failed: int = 0

    def __add__(self, other: SweepReport) -> SweepReport:
        return SweepReport(*map(add, astuple(self), astuple(other)))
