"""Finish a task: archive its outputs, write its terminal state, publish its notice. Each part can be retried."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarmac.clock import to_iso
from tarmac.effects import Effects
from tarmac.media.archive import DOWNLOAD_TRIES, archive_link
from tarmac.media.downloads import DownloadCut, Downloads, LinkExpired, OutputUnusable
from tarmac.media.keys import archive_key
from tarmac.media.source_metadata import source_metadata
from tarmac.outcome import NotEnded
from tarmac.ports import Objects
from tarmac.rows import CONFIRMATIONS_OF_GONE, NoticeState, Output, TransitionRefused
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.runway.ports import UpstreamTask
from tarmac.tasks.moves import Moves, expected_credits
from tarmac.tasks.notices import notice_of
from tarmac.tasks.task import State, Task

OnEnded = Callable[[Task, Effects], None]
"""Called before the notice is published, at least once. A batch uses it to record the result of its line."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The ending of a task whose notice is published, and the output of its execution.

    is_first: whether this call has published the notice, so that metrics count each ending once.
    """

    task: Task
    is_first: bool = True

    def as_state(self) -> dict[str, Any]:
        """Return the output of the execution. Its Choice state uses `ending`, its Fail state `error` and `cause`."""
        task = self.task
        summary: dict[str, Any] = {
            "taskId": task.id,
            "ending": _ENDINGS[task.state],
            "status": task.state.value,
            "outputs": [{"bucket": output.bucket, "key": output.key} for output in task.outputs],
            "credits": task.cost_credits,
            "polls": task.polls,
            "seconds": round((task.ended_at or task.updated_at) - task.created_at, 3),
        }
        if _ENDINGS[task.state] == "failed":
            summary["error"] = task.failure_code or "TARMAC.FAILED"
            summary["cause"] = (task.failure or "Runway gave no reason.")[:1000]
        return summary


_ENDINGS = {
    State.SUCCEEDED: "succeeded",
    State.CANCELLED: "cancelled",
    State.FAILED: "failed",
    State.AMBIGUOUS_FAILED: "failed",
}


def finish(task_id: str, effects: Effects, max_output_bytes: int, on_ended: OnEnded) -> Ending:
    """End the task and publish its notice. Safe to retry: steps that are done are skipped.

    Raises NotEnded, ArchiveError, UpstreamUnavailable and the errors of AWS; the task has not ended then.
    """
    task = effects.tasks.get(task_id)
    if not task.state.is_terminal:
        task = _end(task, effects, max_output_bytes)
    return Ending(announce(task, effects, on_ended), is_first=task.notice_state is NoticeState.PENDING)


def announce(task: Task, effects: Effects, on_ended: OnEnded) -> Task:
    """Publish a pending notice at least once, always with the same event id, and mark it as sent.

    The webhook is queued and `on_ended` called first, so that their failures do not publish the notice twice: a webhook
    that is queued twice is delivered once, but subscribers receive each copy of a notice.
    """
    if task.notice_state is not NoticeState.PENDING:
        return task
    if task.webhook is not None:
        effects.webhook_queue.send(json.dumps({"taskId": task.id}, separators=(",", ":")))
    on_ended(task, effects)
    message, attributes = notice_of(task)
    effects.topic.publish(message, attributes)
    try:
        return effects.tasks.move(task.id, Moves.announced)
    except TransitionRefused:
        return effects.tasks.get(task.id)


def _end(task: Task, effects: Effects, max_output_bytes: int) -> Task:
    match task.state:
        case State.SUBMITTED:
            return _end_submitted(task, effects, max_output_bytes)
        case State.ACCEPTED | State.WAITING if task.cancel_requested_at is not None:
            return effects.tasks.move(task.id, Moves.cancel, None, 0.0)
        case State.ACCEPTED | State.WAITING if effects.clock.now() >= task.deadline_at:
            message = f"Runway did not accept the task before its deadline, {to_iso(task.deadline_at)}."
            return _fail(task, None, "TARMAC.DEADLINE", message, 0.0, effects)
        case _:
            raise NotEnded(f"the task is {task.state}")


def _end_submitted(task: Task, effects: Effects, max_output_bytes: int) -> Task:
    assert task.upstream_id is not None
    upstream_id = task.upstream_id
    is_late = effects.clock.now() >= task.deadline_at
    try:
        upstream = _upstream(upstream_id, effects)
    except UpstreamGone:
        return _end_gone(task, upstream_id, effects)
    except UpstreamUnavailable:
        if effects.tasks.moves.outputs_may_exist(task):
            raise
        message = "Runway did not respond until the outputs had expired."
        return _fail(task, upstream_id, "TARMAC.UNREACHABLE", message, expected_credits(task), effects)
    match upstream.status:
        case "SUCCEEDED":
            return _end_succeeded(task, upstream, effects, max_output_bytes)
        case "FAILED":
            message = upstream.failure or "Runway gave no reason."
            code, cost = upstream.failure_code, upstream.cost_credits
            return _fail(task, upstream_id, code, message, cost, effects, upstream.node_errors)
        case "CANCELLED" if task.cancel_requested_at is None and is_late:
            return _end_late(task, upstream_id, upstream.cost_credits, effects)
        case "CANCELLED":
            return effects.tasks.move(task.id, Moves.cancel, upstream_id, upstream.cost_credits)
        case _ if task.cancel_requested_at is not None or is_late:
            # Poll has cancelled it, unless that failed. A second cancel has no effect.
            effects.runway.cancel(upstream_id)
            return _end_gone(task, upstream_id, effects)
        case _:
            raise NotEnded(f"Runway's task is {upstream.status}")


def _upstream(upstream_id: str, effects: Effects) -> UpstreamTask:
    """Return the task at Runway. Raises UpstreamGone after several 404 in a row: a single one may be temporary."""
    for _ in range(CONFIRMATIONS_OF_GONE - 1):
        try:
            return effects.runway.task(upstream_id)
        except UpstreamGone:
            effects.clock.sleep(2.0)
    return effects.runway.task(upstream_id)


def _end_gone(task: Task, upstream_id: str, effects: Effects) -> Task:
    if task.cancel_requested_at is not None:
        cost = expected_credits(task)
        return effects.tasks.move(task.id, Moves.cancel, upstream_id, cost)
    if effects.clock.now() >= task.deadline_at:
        return _end_late(task, upstream_id, expected_credits(task), effects)
    if task.missing < CONFIRMATIONS_OF_GONE:
        raise NotEnded("Runway returns 404 for the task, which is not confirmed yet")
    message = "The task no longer exists at Runway."
    return _fail(task, upstream_id, "TARMAC.GONE", message, expected_credits(task), effects)


def _end_late(task: Task, upstream_id: str, cost_credits: float | None, effects: Effects) -> Task:
    message = f"The task did not end before its deadline, {to_iso(task.deadline_at)}."
    return _fail(task, upstream_id, "TARMAC.DEADLINE", message, cost_credits, effects)


def _fail(
    task: Task,
    upstream_id: str | None,
    code: str | None,
    message: str,
    cost: float | None,
    effects: Effects,
    node_errors: Mapping[str, Any] | None = None,
) -> Task:
    return effects.tasks.move(task.id, Moves.fail, upstream_id, code, message, cost, node_errors)


def _end_succeeded(task: Task, upstream: UpstreamTask, effects: Effects, max_output_bytes: int) -> Task:
    lacks_output = not upstream.output and upstream.nodes is None
    if lacks_output and effects.tasks.moves.outputs_may_exist(task):
        raise NotEnded("Runway's task has succeeded without an output")
    try:
        if lacks_output:
            raise LinkExpired("Runway's task has no output")
        for number in range(len(task.outputs) + 1, len(upstream.output) + 1):
            output = _fetch(task, number, upstream, effects, max_output_bytes)
            _record(task, upstream.id, output, effects)
    except LinkExpired:
        message = "Runway's output expired before it could be archived."
        return _fail(task, upstream.id, "TARMAC.OUTPUT_EXPIRED", message, upstream.cost_credits, effects)
    except OutputUnusable as problem:
        return _fail(task, upstream.id, "TARMAC.OUTPUT_UNUSABLE", str(problem), upstream.cost_credits, effects)
    return effects.tasks.move(task.id, Moves.succeed, upstream.id, upstream.cost_credits, upstream.node_errors)


def _record(task: Task, upstream_id: str, output: Output, effects: Effects) -> None:
    effects.tasks.move(task.id, Moves.archived, upstream_id, output)


def _fetch(task: Task, number: int, upstream: UpstreamTask, effects: Effects, max_output_bytes: int) -> Output:
    """Archive one output. Retries with a new link after the first has expired, and after an incomplete download."""
    link = upstream.output[number - 1]
    tries, renewed = 0, False
    while True:
        try:
            output = archive_output(task, number, link, effects.downloads, effects.archive, max_output_bytes)
            return output if upstream.nodes is None else replace(output, node=upstream.nodes[number - 1])
        except LinkExpired:
            if renewed:
                raise
            renewed = True
            fresh = effects.runway.task(upstream.id)
            if len(fresh.output) < number:
                raise
            link = fresh.output[number - 1]
        except (DownloadCut, OutputUnusable):
            tries += 1
            if tries == DOWNLOAD_TRIES:
                raise
            effects.clock.sleep(2.0)


def archive_output(task: Task, number: int, url: str, downloads: Downloads, archive: Objects, max_bytes: int) -> Output:
    """Archive output `number` (from 1), unless it is there already with the same bytes. Raises ArchiveError.

    Streams the file, so memory use does not depend on its size.
    """

    def key_of(extension: str) -> str:
        return archive_key(task.client, task.created_at, task.id, number, extension)

    about = {"tarmac-task": task.id, "tarmac-operation": task.operation, "tarmac-model": task.model}
    about |= source_metadata(task.source)
    return archive_link(url, key_of, about, downloads, archive, max_bytes)
