"""The report of a batch in the archive, and the notices of its stages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tarmac.effects import Effects
from tarmac.inbox.batch import ACCEPTED_STAGE, ENDED_STAGE, Batch, Chunk, LineState
from tarmac.inbox.keys import report_key
from tarmac.inbox.notices import batch_notice
from tarmac.ports import ConditionFailed, NoSuchObject, WriteConflict

_REPORT_TRIES = 20


def publish_stage(batch: Batch, effects: Effects) -> None:
    """Write the report and publish the notices of the batch's stage, unless they are published already.

    A retry publishes the same notices: their event ids are derived from the batch and the stage.
    """
    stage = batch.stage
    if batch.announced >= stage:
        return
    report = _write_report(batch, effects)
    notices = []
    if batch.announced < ACCEPTED_STAGE:
        notices.append(batch_notice(batch, "batch.accepted", f"{batch.id}-accepted", report))
    if stage == ENDED_STAGE:
        notices.append(batch_notice(batch, "batch.ended", f"{batch.id}-ended", report))
    elif stage > ACCEPTED_STAGE:
        notices.append(batch_notice(batch, "batch.progress", f"{batch.id}-{batch.counts.ended}-ended", report))
    for message, attributes in notices:
        effects.topic.publish(message, attributes)
    effects.batches.move(batch.id, Batch.with_published_stage, stage)


def _write_report(batch: Batch, effects: Effects) -> dict[str, str]:
    """Write the report from the current rows, and return its bucket and key.

    It is written over the version that was read before the rows, so a slow writer cannot replace a newer report.
    """
    archive = effects.archive
    key = report_key(batch.client, batch.created_at, batch.id)
    for _ in range(_REPORT_TRIES):
        try:
            over = archive.head(key).etag
        except NoSuchObject:
            over = None
        current = effects.batches.get(batch.id) or batch
        content = json.dumps(_report(current, effects.batches.chunks(batch.id)), ensure_ascii=False, indent=1)
        try:
            archive.replace(key, content.encode("utf-8", "replace"), "application/json", over)
        except (ConditionFailed, WriteConflict):
            continue
        break
    return {"bucket": archive.bucket, "key": key}


def _report(batch: Batch, chunks: Iterable[Chunk]) -> dict[str, Any]:
    lines = [line for chunk in chunks for _, line in sorted(chunk.lines.items())]
    states = [line.state for line in lines]
    counts = {state.value.lower(): states.count(state) for state in LineState if state is not LineState.ACCEPTED}
    return {
        "batch": batch.id,
        "status": batch.status,
        "source": dict(batch.source),
        "lines": batch.lines,
        "accepted": len(lines) - counts["rejected"],
        **counts,
        "credits": float(sum(line.credits or 0 for line in lines)),
        "results": [line.as_json() for line in lines],
    }
