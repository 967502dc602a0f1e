"""The life of a task at Runway, as a function of its timeline and the clock.

    PENDING ─► (THROTTLED) ─► RUNNING ─► SUCCEEDED | FAILED | CANCELLED

Nothing runs in the background: `concurrency` decides a task's `started_at`, and everything else follows from it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from local.simulator.directives import Directives
from local.simulator.rendering import Clip

PENDING_SECONDS: Final = 1.5
MEDIAN_RUN_SECONDS: Final[Mapping[str, float]] = {
    "gen4_turbo": 28,
    "veo3.1_fast": 40,
    "gen4.5": 85,
    "act_two": 90,
    "veo3": 105,
    "veo3.1": 105,
}
OTHER_MEDIAN_RUN_SECONDS: Final = 60.0
_RUN_SIGMA: Final = 0.25
_FAILURES: Final[Mapping[str, str]] = {
    "SAFETY": "The request was declined by content moderation.",
    "INPUT_PREPROCESSING": "An input could not be processed.",
    "ASSET": "An input file could not be used.",
    "THIRD_PARTY": "The provider of this model is unavailable.",
}


class Status(StrEnum):
    """Runway's statuses of a task."""

    PENDING = "PENDING"
    THROTTLED = "THROTTLED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def active(self) -> bool:
        return self in (Status.PENDING, Status.THROTTLED, Status.RUNNING)


@dataclass(slots=True)
class Task:
    """One accepted create, or one run of a workflow. Times are epoch seconds, durations are scaled seconds.

    started_at is None until a slot of the model's concurrency is taken; deleted_at None until a DELETE.
    polls and downloads count what the scenario's `polls` and `outputs_bad` limit; downloads by output number.
    kinds has the formats of its outputs (media.FORMATS), nodes the workflow nodes that they come from. visible_at is
    when CometAPI starts to find it, None for a task of Runway itself.
    """

    id: str
    path: str
    model: str
    credits: int
    created_at: float
    body_sha256: str
    scenario: Directives
    clip: Clip
    pending_seconds: float
    throttled_seconds: float
    run_seconds: float
    kinds: list[str] = field(default_factory=lambda: ["mp4"])
    nodes: list[str] = field(default_factory=list)
    visible_at: float | None = None
    started_at: float | None = None
    deleted_at: float | None = None
    polls: int = 0
    downloads: dict[str, int] = field(default_factory=dict)

    @property
    def ready_at(self) -> float:
        """When it may start."""
        return self.created_at + self.pending_seconds + self.throttled_seconds

    @property
    def output_count(self) -> int:
        return len(self.kinds) if self.scenario.outputs is None else self.scenario.outputs

    def kind(self, number: int) -> str:
        """The format of this output; formats repeat if the scenario has more outputs than the model makes."""
        return self.kinds[number % len(self.kinds)]

    @property
    def ending(self) -> Status:
        """Its final status, unless it is deleted first."""
        if self.scenario.cancelled:
            return Status.CANCELLED
        return Status.FAILED if self.scenario.fail or self.scenario.fail_silently else Status.SUCCEEDED


def run_seconds(model: str, task_id: str) -> float:
    """The unscaled run time: lognormal around the model's median, the same for the same task id."""
    median = MEDIAN_RUN_SECONDS.get(model, OTHER_MEDIAN_RUN_SECONDS)
    return random.Random(task_id).lognormvariate(math.log(median), _RUN_SIGMA)


def status_at(task: Task, now: float) -> Status:
    """The status of the task at this time. A task that was deleted while active stays CANCELLED."""
    if task.deleted_at is None:
        return _undisturbed(task, now)
    before = _undisturbed(task, task.deleted_at)
    return Status.CANCELLED if before.active else before


def progress_at(task: Task, now: float) -> float:
    """The progress, 0 to 0.99, in hundredths of the run time."""
    if task.started_at is None:
        return 0.0
    done = (now - task.started_at) / task.run_seconds if task.run_seconds else 1.0
    return min(0.99, max(0.0, math.floor(done * 100) / 100))


def outputs_at(task: Task, now: float) -> int:
    """The number of outputs that can be downloaded; a workflow has some already while it runs."""
    status = status_at(task, now)
    if status is Status.SUCCEEDED:
        return task.output_count
    if task.nodes and status is Status.RUNNING:
        return min(len(task.nodes) - 1, math.floor(progress_at(task, now) * (len(task.nodes) + 1)))
    return 0


def billed_at(task: Task, now: float) -> int:
    """The credits charged at this time.

    Failures are refunded, moderated ones are not; a cancel is refunded unless the task was running.
    """
    match status_at(task, now):
        case Status.FAILED:
            return task.credits if "SAFETY" in (task.scenario.fail or "").split(".") else 0
        case Status.CANCELLED:
            ran = task.deleted_at is not None and _undisturbed(task, task.deleted_at) is Status.RUNNING
            return task.credits if ran else 0
        case _:
            return task.credits


def task_json(task: Task, now: float, links: Sequence[str]) -> dict[str, Any]:
    """The answer to a GET: only the fields that its status has. links: one new URL per output."""
    status = status_at(task, now)
    answer: dict[str, Any] = {"id": task.id, "createdAt": iso(task.created_at), "status": status.value}
    if status.active:
        answer["estimatedCost"] = {"credits": task.credits}
    else:
        answer["cost"] = {"credits": billed_at(task, now)}
    if status is Status.RUNNING and not task.scenario.progress_hidden:
        answer["progress"] = progress_at(task, now)
    if status is Status.SUCCEEDED:
        answer["output"] = list(links)
    if status is Status.FAILED:
        code = task.scenario.fail
        answer["failure"] = _FAILURES.get((code or "").split(".")[0], "An unexpected error occurred.")
        if code is not None:
            answer["failureCode"] = code
    return answer


def iso(at: float) -> str:
    """Epoch seconds in Runway's format: 2026-11-20T10:00:00.000Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _undisturbed(task: Task, at: float) -> Status:
    if at < task.created_at + task.pending_seconds:
        return Status.PENDING
    if task.started_at is None or at < task.started_at:
        return Status.THROTTLED
    if at < task.started_at + task.run_seconds:
        return Status.RUNNING
    return task.ending
