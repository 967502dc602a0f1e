"""The sweeper's loop over overdue rows. Each feature supplies the repair of its own rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from operator import add
from typing import Literal

from tarmac.effects import Effects
from tarmac.ports import Executions, Throttled, WriteConflict
from tarmac.rows import Contended, DueShards, RowNotFound, TransitionRefused
from tarmac.telemetry import logger

Repair = Literal["announced", "restarted", "watched", "batches"]
IsRunning = Callable[[Executions, str], bool]
"""Whether the execution of this name is running. Raises Throttled."""

Handler = Callable[[str, Effects, IsRunning], Repair | None]
"""Repairs the row with this id and returns the repair to count in SweepReport, or None."""

_LOG_FIELDS = {"task": "task_id", "session": "session_id"}


@dataclass(slots=True)
class SweepReport:
    """Numbers of repaired tasks and sessions in one sweep, by repair; and of repaired batches.

    postponed: rows left to the next sweep, because of throttling or a conflict with another write.
    """

    announced: int = 0
    restarted: int = 0
    watched: int = 0
    batches: int = 0
    postponed: int = 0
    failed: int = 0

    def __add__(self, other: SweepReport) -> SweepReport:
        return SweepReport(*map(add, astuple(self), astuple(other)))

    def count(self, repair: Repair) -> None:
        setattr(self, repair, getattr(self, repair) + 1)


class _ExecutionReader:
    """Asks Step Functions until it throttles: further calls would only delay other callers of the account."""

    def __init__(self) -> None:
        self._is_throttled = False

    def is_running(self, executions: Executions, name: str) -> bool:
        if self._is_throttled:
            raise Throttled
        try:
            return executions.is_running(name)
        except Throttled:
            self._is_throttled = True
            raise


def sweep(shards: DueShards, handlers: Mapping[str, Handler], effects: Effects) -> SweepReport:
    """Repair each overdue row in these shards. A failure is logged and counted; the sweep continues.

    handlers: by the kind of row, the first part of its partition key: `task` for `task#{id}`. After the first throttled
    call no more executions are described, and their rows stay due.
    """
    report = SweepReport()
    reader = _ExecutionReader()
    for key in shards.keys(effects.table, effects.clock.now()):
        kind, _, name = key.partition("#")
        try:
            repair = handlers[kind](name, effects, reader.is_running)
        except (RowNotFound, TransitionRefused, Contended):
            # Another process has changed the row meanwhile, so it needs no repair.
            continue
        except (Throttled, WriteConflict):
            report.postponed += 1
        except Exception as error:
            report.failed += 1
            logger.crash(f"a {kind} could not be repaired", error, **{_LOG_FIELDS.get(kind, "key"): name})
        else:
            if repair is not None:
                report.count(repair)
    return report
