"""Batches in FinishTask and the sweeper.

Apart from `tarmac.inbox.run_batch`, whose imports would slow their cold starts.
"""

from __future__ import annotations

import json

from tarmac.effects import Effects
from tarmac.inbox.batch import Batch, Chunk, chunk_of, line_of
from tarmac.sweeping import Repair
from tarmac.tasks.task import Task


def message_of(batch: Batch, chunk: int | None = None) -> str:
    """A message for RunBatch: to accept a chunk's lines, or to bring the whole batch on."""
    named = {"batch": batch.id} if chunk is None else {"batch": batch.id, "chunk": chunk}
    return json.dumps(named, separators=(",", ":"))


def record_ending(task: Task, effects: Effects) -> None:
    """Record in its line that a task of a batch has ended, and send word to RunBatch where the whole has changed."""
    if task.source.get("kind") != "batch":
        return
    line = line_of(task)
    batch_id = str(task.source["batch"])
    changed = effects.batches.move_chunk(batch_id, chunk_of(line.number), Chunk.with_lines, [line])
    if changed.batch is not None and changed.is_news:
        effects.batch_queue.send(message_of(changed.batch))


def repair_batch(batch_id: str, effects: Effects) -> Repair:
    """Send the batch's message again, unless it needs nothing any more."""
    batch = effects.batches.move(batch_id, Batch.repaired)
    if batch is not None and batch.needs_attention:
        effects.batch_queue.send(message_of(batch))
    return "batches"
