"""What is known of a batch: its lines by chunk, and the counts of the whole, which follow from the chunks alone.

A chunk counts as accepted once each of its lines is a task or has been rejected, and as settled once those tasks have
ended. Whatever happens twice or in another order, a change of a chunk changes the counts by the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from tarmac.rows import SWEEP_GRACE_SECONDS
from tarmac.tasks.task import State, Task

LINES_PER_CHUNK = 25
"""So many follow one another in one go; what is known of them is one row of the table."""

MOST_TRIES = 5
"""How often a line is tried that Tarmac itself fails on, before it is rejected: it may be the line's fault."""

ACCEPT_SECONDS = 900.0
"""After so long without any progress, what is missing of a batch is put into its queue again."""

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
    """What has come of one line. reason: of a rejection or a failure, in words. outputs: keys in the archive."""

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
        """As it stands in the report and in the table: what is not known is not there."""
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


def chunk_of(line: int) -> int:
    """The chunk of a line: of so many lines of the file, whether they hold a request or not."""
    return (line - 1) // LINES_PER_CHUNK + 1


def line_of(task: Task) -> Line:
    """What a task's line has come to."""
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
    """Lines of a batch, and chunks that are done with."""

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
        return Counts(**{f.name: getattr(self, f.name) + sign * getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines in a row. version 0: not in the table yet. tries: of lines that Tarmac has failed on."""

    batch_id: str
    number: int
    version: int = 0
    lines: Mapping[int, Line] = field(default_factory=dict)
    tries: Mapping[int, int] = field(default_factory=dict)
    is_accepted: bool = False

    def with_lines(self, lines: Iterable[Line], is_accepted: bool = False) -> Chunk:
        """These lines were judged, or have ended; `is_accepted` says that no other is missing. Unchanged if all that
        was known. What has ended stays so: news of its acceptance may come later than of its ending."""
        known = dict(self.lines)
        for line in lines:
            held = known.get(line.number)
            if held is None or held.is_open or (held.state is LineState.REJECTED and line.task_id is not None):
                known[line.number] = line
        done = self.is_accepted or is_accepted
        if known == self.lines and done == self.is_accepted:
            return self
        return replace(self, lines=known, is_accepted=done, version=self.version + 1)

    def trying(self, line: int) -> Chunk:
        """Said before a line is tried again, so that one which ends the function counts, too."""
        return replace(self, tries={**self.tries, line: self.tries.get(line, 0) + 1}, version=self.version + 1)

    @property
    def counts(self) -> Counts:
        """What this chunk adds to its batch."""
        if not self.is_accepted:
            return Counts()
        lines = self.lines.values()
        rejected = sum(line.state is LineState.REJECTED for line in lines)
        judged = Counts(accepted=len(lines) - rejected, rejected=rejected, accepted_chunks=1)
        if any(line.is_open for line in lines):
            return judged
        return replace(
            judged,
            succeeded=sum(line.state is LineState.SUCCEEDED for line in lines),
            failed=sum(line.state is LineState.FAILED for line in lines),
            cancelled=sum(line.state is LineState.CANCELLED for line in lines),
            credits=float(sum(line.credits or 0 for line in lines)),
            settled_chunks=1,
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of requests. Times are epoch seconds.

    cause: the object version that made it. announced: the last stage that the report and the notices tell of.
    """

    id: str
    client: str
    cause: str
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
        """0, then ACCEPTED_STAGE, then the tenths of it that are over in per cent, then ENDED_STAGE."""
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
        """Whether the sweeper must see it: lines are missing, or a stage is not announced."""
        return not self.is_accepted or self.announced < self.stage

    # Moves: each takes the time and the clock's scale first.

    def counted(self, now: float, scale: float, difference: Counts) -> Batch:
        """A chunk has changed the counts by this difference."""
        return replace(self, counts=self.counts.plus(difference))._next(now, scale)

    def announced_to(self, now: float, scale: float, stage: int) -> Batch:
        """Report and notices have announced that stage. Unchanged where they had."""
        return self if self.announced >= stage else replace(self, announced=stage)._next(now, scale)

    def repaired(self, now: float, scale: float) -> Batch:
        """The sweeper has sent the batch's message again."""
        return self._next(now, scale)

    def _next(self, now: float, scale: float) -> Batch:
        wait = SWEEP_GRACE_SECONDS if self.is_accepted else ACCEPT_SECONDS
        return replace(self, version=self.version + 1, updated_at=now, next_check_at=now + wait * scale)
