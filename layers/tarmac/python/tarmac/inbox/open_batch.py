"""Open a batch (AcceptUpload): copy the file, find its lines, store the batch's row, queue a message for each chunk.

A batch is identified by its content, so uploading the same bytes again buys nothing (docs/decisions/0020-batches.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any, cast

from tarmac.effects import Effects
from tarmac.inbox.batch import ACCEPT_SECONDS, Batch
from tarmac.inbox.batch_progress import batch_message, queue_chunks
from tarmac.inbox.batch_store import BatchExists
from tarmac.inbox.keys import Form, batch_id_of, batch_key
from tarmac.inbox.notices import batch_notice
from tarmac.inbox.presets import Preset
from tarmac.inbox.request_files import LARGEST_FILE, FileUnreadable, Plan, plan_of
from tarmac.ports import AlreadyThere, ReadStream

_PIECE_BYTES = 1024 * 1024


class FileRejected(Exception):
    """The file was rejected as a whole, and no line was started; the message states the reason for its owner."""


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file of requests. upload_id: the id of its object version; name: the owner's name for the batch, or empty."""

    client: str
    upload_id: str
    source: Mapping[str, str]
    form: Form
    name: str
    preset: Preset
    created_at: float


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """The batch of a file. is_new: false if the same lines were uploaded before; then nothing was started."""

    batch: Batch
    is_new: bool


def open_batch(file: BatchFile, content: ReadStream, size_bytes: int, effects: Effects) -> OpenedBatch:
    """Return the batch of the file, after queueing its chunks if it is new. Raises FileRejected.

    The same bytes with the same preset and name are the same batch, whatever the object's key is. For a repeated file,
    the notice `batch.repeated` is published.
    """
    if size_bytes > LARGEST_FILE:
        raise FileRejected(f"The file has {size_bytes} bytes; at most {LARGEST_FILE} are allowed.")
    preset = json.dumps(file.preset.as_json(), sort_keys=True)
    with TemporaryFile() as copy:
        digest = sha256()
        while piece := content.read(_PIECE_BYTES):
            digest.update(piece)
            copy.write(piece)
        copy.seek(0)
        try:
            plan = plan_of(cast(Any, copy), file.form)
        except FileUnreadable as problem:
            raise FileRejected(str(problem)) from None
        batch_id = batch_id_of(file.client, digest.hexdigest(), file.name, file.form, preset)
        known = effects.batches.get(batch_id)
        if known is not None:
            return _repeated(known, file, effects)
        copy.seek(0)
        _store_copy(batch_key(batch_id, f"requests.{file.form}"), copy, size_bytes, effects)
    stored_plan = {"plan": plan.as_json(), "preset": file.preset.as_json()}
    effects.uploads.put(batch_key(batch_id, "plan.json"), json.dumps(stored_plan).encode(), "application/json")
    batch = _new_batch(batch_id, file, plan, effects)
    try:
        effects.batches.open(batch)
    except BatchExists:
        return _repeated(effects.batches.get(batch_id) or batch, file, effects)
    effects.consumed_uploads.record(file.upload_id, batch.id, effects.clock.now())
    queue_chunks(batch, (span.chunk for span in plan.spans), effects)
    return OpenedBatch(batch, True)


def find_opened_batch(upload_id: str, effects: Effects) -> OpenedBatch | None:
    """Return the batch that this object version was part of before, or None. The object itself may be gone by now."""
    batch_id = effects.consumed_uploads.consumer_of(upload_id)
    batch = None if batch_id is None else effects.batches.get(batch_id)
    if batch is None:
        return None
    _continue(batch, effects)
    return OpenedBatch(batch, False)


def _store_copy(key: str, copy: Any, size_bytes: int, effects: Effects) -> None:
    """Store the copy that RunBatch reads the lines from, because the uploaded object may change or disappear."""
    try:
        effects.uploads.put_new(key, copy, size_bytes, "application/octet-stream", {})
    except AlreadyThere:
        # An earlier invocation stored it. The key contains the digest of the content, so it is the same.
        return


def _new_batch(batch_id: str, file: BatchFile, plan: Plan, effects: Effects) -> Batch:
    clock = effects.clock
    return Batch(
        batch_id,
        file.client,
        file.upload_id,
        {**file.source, "kind": "batch"},
        file.form,
        plan.records,
        len(plan.spans),
        file.created_at,
        updated_at=clock.now(),
        next_check_at=clock.after(ACCEPT_SECONDS),
    )


def _repeated(batch: Batch, file: BatchFile, effects: Effects) -> OpenedBatch:
    """Continue the known batch, and publish `batch.repeated` if another object version has opened it."""
    _continue(batch, effects)
    if batch.upload_id != file.upload_id:
        source = {**file.source, "kind": "batch"}
        message, attributes = batch_notice(batch, "batch.repeated", f"{file.upload_id}-repeated", None, source)
        effects.topic.publish(message, attributes)
    effects.consumed_uploads.record(file.upload_id, batch.id, effects.clock.now())
    return OpenedBatch(batch, False)


def _continue(batch: Batch, effects: Effects) -> None:
    """Queue the batch's message if lines are missing: the invocation that opened it may have crashed."""
    if not batch.is_accepted:
        effects.batch_queue.send(batch_message(batch))
