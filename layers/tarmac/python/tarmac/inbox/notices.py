"""Notices of uploads and batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.clock import to_iso
from tarmac.inbox.batch import Batch
from tarmac.notices import VERSION, whole_if_whole, with_attributes


def upload_rejected(
    event_id: str, client: str, operation: str, model: str, source: dict[str, str], reason: str, now: float
) -> tuple[str, dict[str, str]]:
    """Return the notice `upload.rejected` with the reason."""
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
    return with_attributes(notice)


def batch_notice(
    batch: Batch,
    kind: str,
    event_id: str,
    report: Mapping[str, str] | None,
    source: Mapping[str, str | int] | None = None,
) -> tuple[str, dict[str, str]]:
    """Return a notice of a batch: `batch.accepted`, `batch.progress`, `batch.ended` or `batch.repeated`.

    report: bucket and key of the report in the archive. source: of the repeated file; otherwise the batch's own.
    """
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
        "credits": whole_if_whole(counts.credits),
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
    return with_attributes(notice)
