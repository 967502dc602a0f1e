"""Messages of batches, and the steps of batches in FinishTask and the sweeper.

Separate from `tarmac.inbox.run_batch`, whose imports would slow their cold starts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from tarmac.effects import Effects
from tarmac.inbox.batch import Batch, Chunk, chunk_number, line_of_task
from tarmac.sweeping import Repair
from tarmac.tasks.task import Task


def batch_message(batch: Batch, chunk: int | None = None) -> str:
    """Return a message for RunBatch: to accept the lines of a chunk, or without a chunk to continue the batch."""
    message = {"batch": batch.id} if chunk is None else {"batch": batch.id, "chunk": chunk}
    return json.dumps(message, separators=(",", ":"))


def queue_chunks(batch: Batch, chunks: Iterable[int], effects: Effects) -> None:
    """Queue a message for each of these chunks."""
    effects.batch_queue.send_all([batch_message(batch, chunk) for chunk in chunks])


def record_ending(task: Task, effects: Effects) -> None:
    """Record the ending of a batch's task in its line, and queue the batch if that brings it to another stage."""
    if task.source.get("kind") != "batch":
        return
    line = line_of_task(task)
    batch_id = str(task.source["batch"])
    change = effects.batches.move_chunk(batch_id, chunk_number(line.number), Chunk.with_lines, [line])
    if change.batch is not None and change.needs_publishing:
        effects.batch_queue.send(batch_message(change.batch))


def repair_batch(batch_id: str, effects: Effects) -> Repair:
    """Queue the batch's message again if lines are missing or a stage is not published."""
    batch = effects.batches.move(batch_id, Batch.repaired)
    if batch is not None and batch.needs_attention:
        effects.batch_queue.send(batch_message(batch))
    return "batches"
