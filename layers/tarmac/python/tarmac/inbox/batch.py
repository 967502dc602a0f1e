"""The state of a batch: its lines in chunks, and its counts, which are the sums over the chunks.

A chunk is accepted once each of its lines is a task or rejected, and settled once all of these tasks have ended. Every
change of a chunk changes the counts of the batch by the difference, so repeated or reordered events do no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from tarmac.rows import SWEEP_GRACE_SECONDS
from tarmac.tasks.task import State, Task

LINES_PER_CHUNK = 25
"""Lines that RunBatch accepts in one invocation. A chunk is one row of the table."""

MOST_TRIES = 5
"""Tries of a line after which it is rejected if Tarmac fails on it each time: the line may be the cause."""

ACCEPT_SECONDS = 900.0
"""Time without progress after which the missing chunks of a batch are queued again."""

ACCEPTED_STAGE = 1
ENDED_STAGE = 100


class LineState(StrEnum):
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


_ENDINGS = {
    State.SUCCEEDED: LineState.SUCCEEDED,
    State.FAILED: LineState.FAILED,
    State.AMBIGUOUS_FAILED: LineState.FAILED,
    State.CANCELLED: LineState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Line:
    """The result of one line. reason: why it was rejected or its task failed. outputs: keys in the archive."""

    number: int
    state: LineState
    task_id: str | None = None
    reason: str | None = None
    issues: tuple[Mapping[str, Any], ...] = ()
    failure_code: str | None = None
    credits: float | None = None
    outputs: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state is LineState.ACCEPTED

    def as_json(self) -> dict[str, Any]:
        """Return the line as report and row contain it, without unknown fields."""
        named = {
            "line": self.number,
            "status": self.state.value,
            "taskId": self.task_id,
            "reason": self.reason,
            "issues": [dict(issue) for issue in self.issues] or None,
            "failureCode": self.failure_code,
            "credits": self.credits,
            "outputs": list(self.outputs) or None,
        }
        return {name: value for name, value in named.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Line:
        return cls(
            data["line"],
            LineState(data["status"]),
            data.get("taskId"),
            data.get("reason"),
            tuple(data.get("issues", ())),
            data.get("failureCode"),
            data.get("credits"),
            tuple(data.get("outputs", ())),
        )


def chunk_number(line: int) -> int:
    """Return the number of a line's chunk, from 1. Lines without a request count as well."""
    return (line - 1) // LINES_PER_CHUNK + 1


def line_of_task(task: Task) -> Line:
    """Return the result of the line that the task belongs to."""
    return Line(
        int(task.source["line"]),
        _ENDINGS.get(task.state, LineState.ACCEPTED),
        task.id,
        task.failure[:300] if task.failure else None,
        failure_code=task.failure_code,
        credits=task.cost_credits,
        outputs=tuple(output.key for output in task.outputs if task.state is State.SUCCEEDED),
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of lines by result, the credits that they cost, and numbers of accepted and settled chunks."""

    accepted: int = 0
    rejected: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    credits: float = 0.0
    accepted_chunks: int = 0
    settled_chunks: int = 0

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed + self.cancelled

    def plus(self, other: Counts, sign: int = 1) -> Counts:
        """Return the sum of both, or with sign -1 the difference."""
        return Counts(**{f.name: getattr(self, f.name) + sign * getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True, slots=True)
class Chunk:
    """The lines of one chunk that have a result. version: 0 if it is not in the table yet.

    tries: how often Tarmac has tried a line again that it failed on, by line.
    """

    batch_id: str
    number: int
    version: int = 0
    lines: Mapping[int, Line] = field(default_factory=dict)
    tries: Mapping[int, int] = field(default_factory=dict)
    is_accepted: bool = False

    def with_lines(self, lines: Iterable[Line], is_accepted: bool = False) -> Chunk:
        """Add results of lines. is_accepted: no line of the chunk is missing. Unchanged if nothing is new.

        A line that has ended stays ended: its acceptance may be recorded after its ending.
        """
        merged = dict(self.lines)
        for line in lines:
            known = merged.get(line.number)
            if known is None or known.is_open or (known.state is LineState.REJECTED and line.task_id is not None):
                merged[line.number] = line
        is_accepted = self.is_accepted or is_accepted
        if merged == self.lines and is_accepted == self.is_accepted:
            return self
        return replace(self, lines=merged, is_accepted=is_accepted, version=self.version + 1)

    def with_try(self, line: int) -> Chunk:
        """Count a try of a line. Recorded before the try, so that a line that crashes the function is counted too."""
        return replace(self, tries={**self.tries, line: self.tries.get(line, 0) + 1}, version=self.version + 1)

    @property
    def counts(self) -> Counts:
        """What this chunk adds to the counts of its batch."""
        if not self.is_accepted:
            return Counts()
        lines = self.lines.values()
        rejected = sum(line.state is LineState.REJECTED for line in lines)
        counts = Counts(accepted=len(lines) - rejected, rejected=rejected, accepted_chunks=1)
        if any(line.is_open for line in lines):
            return counts
        return replace(
            counts,
            succeeded=sum(line.state is LineState.SUCCEEDED for line in lines),
            failed=sum(line.state is LineState.FAILED for line in lines),
            cancelled=sum(line.state is LineState.CANCELLED for line in lines),
            credits=float(sum(line.credits or 0 for line in lines)),
            settled_chunks=1,
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of requests. Times are epoch seconds.

    upload_id: the id of the object version that opened it. lines: number of requests in the file. announced: the last
    stage that report and notices were published for.
    """

    id: str
    client: str
    upload_id: str
    source: Mapping[str, str]
    form: str
    lines: int
    chunks: int
    created_at: float
    version: int = 1
    counts: Counts = Counts()
    announced: int = 0
    updated_at: float = 0.0
    next_check_at: float | None = None

    @property
    def is_accepted(self) -> bool:
        return self.counts.accepted_chunks >= self.chunks

    @property
    def stage(self) -> int:
        """0 while lines are missing, ACCEPTED_STAGE, the settled chunks in steps of 10 percent, ENDED_STAGE."""
        if not self.is_accepted:
            return 0
        if self.counts.settled_chunks >= self.chunks:
            return ENDED_STAGE
        return self.counts.settled_chunks * 10 // self.chunks * 10 or ACCEPTED_STAGE

    @property
    def status(self) -> str:
        return {0: "ACCEPTING", ENDED_STAGE: "ENDED"}.get(self.stage, "RUNNING")

    @property
    def needs_attention(self) -> bool:
        """Whether the sweeper must repair it once it is due: lines are missing, or a stage is not published."""
        return not self.is_accepted or self.announced < self.stage

    # Moves, which BatchStore.move calls with the time and the clock's scale.

    def counted(self, now: float, scale: float, difference: Counts) -> Batch:
        """Add the difference that a change of a chunk makes."""
        return replace(self, counts=self.counts.plus(difference))._next(now, scale)

    def with_published_stage(self, now: float, scale: float, stage: int) -> Batch:
        """Record that report and notices of a stage were published. Unchanged if that or a later one was."""
        return self if self.announced >= stage else replace(self, announced=stage)._next(now, scale)

    def repaired(self, now: float, scale: float) -> Batch:
        """Record that the sweeper has queued the batch's message again."""
        return self._next(now, scale)

    def _next(self, now: float, scale: float) -> Batch:
        wait = SWEEP_GRACE_SECONDS if self.is_accepted else ACCEPT_SECONDS
        return replace(self, version=self.version + 1, updated_at=now, next_check_at=now + wait * scale)
