"""The sweeper's loop over overdue rows. Each feature supplies the repair of its own rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from operator import add
from typing import Literal

from tarmac.effects import Effects
from tarmac.rows import Contended, DueShards, RowNotFound, TransitionRefused
from tarmac.telemetry import logger

Repair = Literal["announced", "restarted", "watched", "batches"]
Handler = Callable[[str, Effects], Repair | None]
"""Repairs the row with this id and returns the repair to count in SweepReport, or None."""

_LOG_FIELDS = {"task": "task_id", "session": "session_id"}


@dataclass(slots=True)
class SweepReport:
    """Numbers of repaired tasks and sessions in one sweep, by repair; and of repaired batches."""

    announced: int = 0
    restarted: int = 0
    watched: int = 0
    batches: int = 0
    failed: int = 0

    def __add__(self, other: SweepReport) -> SweepReport:
        return SweepReport(*map(add, astuple(self), astuple(other)))

    def count(self, repair: Repair) -> None:
        setattr(self, repair, getattr(self, repair) + 1)


def sweep(shards: DueShards, handlers: Mapping[str, Handler], effects: Effects) -> SweepReport:
    """Repair each overdue row in these shards. A failure is logged and counted; the sweep continues.

    handlers: by the kind of row, the first part of its partition key: `task` for `task#{id}`.
    """
    report = SweepReport()
    for key in shards.keys(effects.table, effects.clock.now()):
        kind, _, name = key.partition("#")
        try:
            repair = handlers[kind](name, effects)
        except (RowNotFound, TransitionRefused, Contended):
            # Another process has changed the row meanwhile, so it needs no repair.
            continue
        except Exception as error:
            report.failed += 1
            logger.crash(f"a {kind} could not be repaired", error, **{_LOG_FIELDS.get(kind, "key"): name})
        else:
            if repair is not None:
                report.count(repair)
    return report
