"""What FinishTask and the sweeper do for batches.

Apart from `tarmac.inbox.run_batch`, whose imports would slow their cold starts.
"""

from __future__ import annotations

import json

from tarmac.effects import Effects
from tarmac.inbox.batch import Batch, chunk_of, line_of
from tarmac.inbox.batch_store import BatchStore
from tarmac.tasks.task import Task


def store_of(effects: Effects) -> BatchStore:
    return BatchStore(effects.table, effects.clock, effects.chance)


def message_of(batch: Batch, chunk: int | None = None) -> str:
    """What RunBatch is told: to accept a chunk's lines, or to look after the whole."""
    named = {"batch": batch.id} if chunk is None else {"batch": batch.id, "chunk": chunk}
    return json.dumps(named, separators=(",", ":"))


def record_ending(task: Task, effects: Effects) -> None:
    """A task of a batch has ended: its line says so from now on. Effects: clock, chance, table, batches."""
    if task.source.get("kind") != "batch":
        return
    line = line_of(task)
    batch_id = str(task.source["batch"])
    changed = store_of(effects).change(batch_id, chunk_of(line.number), lambda row: row.with_lines([line]))
    if changed.batch is not None and changed.is_news:
        effects.batches.send(message_of(changed.batch))


def look_after_batch(batch_id: str, effects: Effects) -> None:
    """What the sweeper does about a batch that is due. Effects: clock, chance, table, batches."""
    now, scale = effects.clock.now(), effects.clock.scale
    batch = store_of(effects).change_batch(batch_id, lambda row: row.looked_after(now, scale))
    if batch is not None and batch.needs_attention:
        effects.batches.send(message_of(batch))
