"""Notices: what SNS subscribers learn of an ending. Made from the row alone, so a repeated one is the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.clock import to_iso
from tarmac.rules.batches import Batch
from tarmac.session import Session, SessionState
from tarmac.task import Output, State, Task

VERSION = 1

_TYPES = {
    State.SUCCEEDED: "task.succeeded",
    State.FAILED: "task.failed",
    State.AMBIGUOUS_FAILED: "task.failed",
    State.CANCELLED: "task.cancelled",
}


def notice_of(task: Task) -> tuple[str, dict[str, str]]:
    """The message (JSON) and the attributes to filter by, of an ended task."""
    notice: dict[str, Any] = {
        "version": VERSION,
        "eventId": task.event_id,
        "type": _TYPES[task.state],
        "taskId": task.id,
        "client": task.client,
        "operation": task.operation,
        "model": task.model,
        "status": task.state.value,
        "outputs": _files(task.outputs) if task.state is State.SUCCEEDED else [],
        "failure": task.failure,
        "failureCode": task.failure_code,
        "credits": _whole_where_whole(task.cost_credits),
        "metadata": dict(task.metadata),
        "source": dict(task.source),
        "createdAt": to_iso(task.created_at),
        "endedAt": to_iso(task.ended_at or task.updated_at),
    }
    return _with_attributes(notice)


def notice_of_session(session: Session) -> tuple[str, dict[str, str]]:
    """Of a session that has ended. `outputs`: what was said, and the recording; none of a call that never was."""
    notice: dict[str, Any] = {
        "version": VERSION,
        "eventId": session.event_id,
        "type": "session.ended",
        "taskId": None,
        "sessionId": session.id,
        "client": session.client,
        "operation": "realtime_sessions",
        "model": session.model,
        "avatar": dict(session.avatar),
        "status": session.state.value,
        "reason": session.cancel_reason if session.state is SessionState.CANCELLED else None,
        "durationSeconds": _whole_where_whole(session.duration_seconds),
        "outputs": _files(session.outputs),
        "failure": session.failure,
        "failureCode": session.failure_code,
        "credits": None,
        "metadata": dict(session.metadata),
        "source": dict(session.source),
        "createdAt": to_iso(session.created_at),
        "endedAt": to_iso(session.ended_at or session.updated_at),
    }
    return _with_attributes(notice)


def upload_rejected(
    event_id: str, client: str, operation: str, model: str, source: dict[str, str], reason: str, now: float
) -> tuple[str, dict[str, str]]:
    """The notice of an object that could not become a task, with the reason in words."""
    notice: dict[str, Any] = {
        "version": VERSION,
        "eventId": event_id,
        "type": "upload.rejected",
        "taskId": None,
        "client": client,
        "operation": operation,
        "model": model,
        "status": "REJECTED",
        "outputs": [],
        "failure": reason,
        "failureCode": "TARMAC.UPLOAD_REJECTED",
        "credits": None,
        "metadata": {},
        "source": source,
        "createdAt": to_iso(now),
        "endedAt": to_iso(now),
    }
    return _with_attributes(notice)


def batch_notice(
    batch: Batch,
    kind: str,
    event_id: str,
    report: Mapping[str, str] | None,
    source: Mapping[str, str | int] | None = None,
) -> tuple[str, dict[str, str]]:
    """The notice of a batch: `batch.accepted`, `batch.progress`, `batch.ended`, or `batch.repeated` for a file whose
    lines were handed in before. report: where it lies in the archive. source: of that file."""
    counts = batch.counts
    notice: dict[str, Any] = {
        "version": VERSION,
        "eventId": event_id,
        "type": kind,
        "taskId": None,
        "client": batch.client,
        "operation": "",
        "model": "",
        "status": batch.status,
        "outputs": [],
        "failure": None,
        "failureCode": None,
        "credits": _whole_where_whole(counts.credits),
        "metadata": {},
        "source": dict(batch.source if source is None else source),
        "createdAt": to_iso(batch.created_at),
        "endedAt": to_iso(batch.updated_at) if batch.status == "ENDED" else None,
        "batch": {
            "id": batch.id,
            "lines": batch.lines,
            "accepted": counts.accepted,
            "rejected": counts.rejected,
            "ended": counts.ended,
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "cancelled": counts.cancelled,
            "report": None if report is None else dict(report),
        },
    }
    return _with_attributes(notice)


def _files(outputs: Iterable[Output]) -> list[dict[str, Any]]:
    return [
        {
            "bucket": output.bucket,
            "key": output.key,
            "bytes": output.size_bytes,
            "sha256": output.sha256,
            "contentType": output.content_type,
        }
        | ({} if output.node is None else {"node": output.node})
        for output in outputs
    ]


def _whole_where_whole(number: float | None) -> float | None:
    """The table gives 25.0 back as 25: one number must be one text, or a repeated notice is not the same."""
    return int(number) if number is not None and number == int(number) else number


def _with_attributes(notice: dict[str, Any]) -> tuple[str, dict[str, str]]:
    attributes = {name: _printable(notice[name]) for name in ("type", "client", "operation", "model")}
    # ASCII: SNS refuses the few characters that XML does not know, whatever metadata or a key may hold.
    return json.dumps(notice, separators=(",", ":")), attributes


def _printable(text: str) -> str:
    """SNS refuses attributes with characters that XML does not know."""
    return "".join(character if character.isprintable() else "?" for character in text)[:256]
