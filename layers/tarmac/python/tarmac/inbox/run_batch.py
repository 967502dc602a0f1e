"""Run a batch: each line of a file of requests becomes a task or is rejected, and a report lists the results.

    open_batch      (AcceptUpload)   the file's copy and plan, the batch's row, a message for each chunk of lines
    run_batch       (RunBatch)       for a chunk's message, accept its lines; for the batch's message, queue the chunks
                                     that are missing, write the report, publish notices (`tarmac.inbox.batch_report`)
    record_ending   (FinishTask)     records the ending of a task in its chunk, and queues the batch's message if that
                                     brings the batch to another stage (`tarmac.inbox.batch_progress`)

The chunk's row is the truth about its lines; counts, report and notices follow from it. Each part can be retried at any
time, because task ids are derived from batch and line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tarmac.catalogue import UnknownOperation, operation
from tarmac.effects import Effects
from tarmac.inbox.batch import MOST_TRIES, Batch, Chunk, Line, LineState, line_of_task
from tarmac.inbox.batch_progress import queue_chunks
from tarmac.inbox.batch_report import publish_stage
from tarmac.inbox.keys import batch_key, task_id_of_line
from tarmac.inbox.presets import Preset, with_preset
from tarmac.inbox.request_files import BadRow, Plan, Record, records_of, request_of_cells
from tarmac.requests.strict_json import BadJson, loads
from tarmac.requests.text_fields import BadField, path_of, put, typed
from tarmac.requests.validation import InvalidRequest, Issue, Spec
from tarmac.runway.flavors import NotOffered
from tarmac.tasks.accept import accept, accept_again
from tarmac.tasks.orders import NO_ALLOW_LISTS, AllowLists, order_of
from tarmac.tasks.store import NoSuchTask
from tarmac.telemetry import logger

_LONGEST_REASON = 1000
_MOST_ISSUES = 20
_FIRST_WAIT_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 900.0
_NOT_IN_REQUEST = frozenset({"operation", "webhookUrl", "metadata"})
"""Columns of a table that are not parameters of the request."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """deadline_seconds: of each task of a batch, which may wait for all others of the batch."""

    deadline_seconds: float
    allowed: AllowLists = NO_ALLOW_LISTS


@dataclass(frozen=True, slots=True)
class _Run:
    """What all lines of a batch are accepted with."""

    batch: Batch
    plan: Plan
    preset: Preset
    settings: BatchSettings


def run_batch(message: Mapping[str, Any], receives: int, effects: Effects, settings: BatchSettings) -> int | None:
    """Process a message of the queue: `{batch, chunk}` or `{batch}`. Return None once it is done.

    Otherwise return the whole seconds after which the queue must deliver it again. receives: how often the queue has
    delivered it, 1 the first time.
    """
    batch = effects.batches.get(message["batch"])
    if batch is None:
        return None
    if "chunk" in message:
        is_complete, to_publish = _accept_chunk(batch, int(message["chunk"]), receives, effects, settings)
        if not is_complete:
            wait = min(_FIRST_WAIT_SECONDS * 2.0 ** (receives - 1), _LONGEST_WAIT_SECONDS)
            return max(1, math.ceil(wait * (1 + effects.chance() / 4) * effects.clock.scale))
    else:
        to_publish = batch
        if not batch.is_accepted:
            queue_chunks(batch, _missing_chunks(batch, effects), effects)
    if to_publish is not None:
        publish_stage(to_publish, effects)
    return None


def _missing_chunks(batch: Batch, effects: Effects) -> list[int]:
    plan, _ = _read_plan(batch.id, effects)
    accepted = {chunk.number for chunk in effects.batches.chunks(batch.id) if chunk.is_accepted}
    return [span.chunk for span in plan.spans if span.chunk not in accepted]


def _accept_chunk(
    batch: Batch, number: int, receives: int, effects: Effects, settings: BatchSettings
) -> tuple[bool, Batch | None]:
    """Accept the lines of a chunk. Return whether none must be retried, and the batch if it has a stage to publish."""
    chunk = effects.batches.chunk(batch.id, number)
    if chunk.is_accepted:
        # A repeated message: the first invocation may have crashed before it published the batch's stage.
        return True, batch
    run = _Run(batch, *_read_plan(batch.id, effects), settings)
    judged: list[Line] = []
    is_complete = True
    for record in _records_of_chunk(run, number, effects):
        if record.line in chunk.lines:
            continue
        task_id = task_id_of_line(batch.id, record.line)
        if receives > 1 and _has_no_tries_left(chunk.tries.get(record.line, 0), task_id, effects):
            judged.append(_rejected(record.line, "Tarmac failed on this line repeatedly; see the log of RunBatch."))
            continue
        if receives > 1:
            effects.batches.move_chunk(batch.id, number, Chunk.with_try, record.line)
        try:
            judged.append(_accept_record(record, task_id, run, effects))
        except Exception as error:
            is_complete = False
            logger.crash("a line could not be accepted", error, key=f"{batch.id}:{record.line}", attempt=receives)
    change = effects.batches.move_chunk(batch.id, number, Chunk.with_lines, judged, is_accepted=is_complete)
    return is_complete, change.batch if change.needs_publishing else None


def _has_no_tries_left(tries: int, task_id: str, effects: Effects) -> bool:
    """Whether a line must be rejected after its tries. A line that has become a task is never rejected."""
    if tries < MOST_TRIES:
        return False
    try:
        effects.tasks.get(task_id)
    except NoSuchTask:
        return True
    return False


def _records_of_chunk(run: _Run, number: int, effects: Effects) -> list[Record]:
    """Read the requests of a chunk from the copy of the file. Raises RuntimeError if their number is not as planned."""
    span = next(span for span in run.plan.spans if span.chunk == number)
    key = batch_key(run.batch.id, f"requests.{run.plan.form}")
    records = list(records_of(run.plan, span, effects.uploads.open(key, span=(span.start, span.end)).read))
    if len(records) != span.records:
        raise RuntimeError(f"chunk {number} contains {len(records)} requests; its plan lists {span.records}")
    return records


def _accept_record(record: Record, task_id: str, run: _Run, effects: Effects) -> Line:
    with suppress(NoSuchTask):
        # Before the line is read: what it names may be deleted by now, but its task exists.
        return line_of_task(accept_again(effects.tasks.get(task_id), effects).task)
    source: dict[str, str | int] = {**run.batch.source, "batch": run.batch.id, "line": record.line}
    try:
        completed = _completed(record, run.plan, run.preset)
        order = order_of(completed, run.batch.client, source, task_id, run.settings.allowed)
        return line_of_task(accept(order, effects, run.settings.deadline_seconds).task)
    except InvalidRequest as problem:
        return _rejected(record.line, str(problem), [issue.as_json() for issue in problem.issues])
    except (BadJson, BadRow, NotOffered) as problem:
        return _rejected(record.line, str(problem))


def _rejected(line: int, reason: str, issues: Iterable[Mapping[str, Any]] = ()) -> Line:
    return Line(line, LineState.REJECTED, reason=reason[:_LONGEST_REASON], issues=tuple(issues)[:_MOST_ISSUES])


def _completed(record: Record, plan: Plan, preset: Preset) -> dict[str, Any]:
    """Return the record's request, completed by the preset. Raises BadJson, BadRow, InvalidRequest."""
    if isinstance(record.content, bytes):
        return with_preset(loads(record.content), preset)
    return _completed_row(plan, record.content, preset)


def _completed_row(plan: Plan, cells: tuple[str, ...], preset: Preset) -> dict[str, Any]:
    fields = {path_of(name): text for name, text in request_of_cells(plan.columns, cells).items()}
    named = {path[0]: text for path, text in fields.items() if path in (("operation",), ("webhookUrl",))}
    operation_name = named.get("operation", preset.operation)
    request: dict[str, Any] = {}
    base = preset.request if operation_name == preset.operation else {}
    parameters = _parameters(operation_name, fields.get(("model",)) or base.get("model"))
    for path, text in fields.items():
        if path[0] in _NOT_IN_REQUEST:
            continue
        try:
            # A field inside an object of the preset is added to that object, which it must not replace.
            if path[0] in base and path[0] not in request and len(path) > 1:
                request[path[0]] = base[path[0]]
            put(request, path, typed(text, parameters, path))
        except BadField as problem:
            raise InvalidRequest([Issue("invalid_type", path, str(problem))]) from None
    metadata = {".".join(path[1:]): text for path, text in fields.items() if path[0] == "metadata" and len(path) > 1}
    return with_preset({**named, "request": request, "metadata": metadata}, preset)


def _parameters(operation_name: str | None, model: Any) -> Mapping[str, Spec]:
    """Return the catalogue's description of the parameters; empty if it is unknown, which `accept` judges."""
    try:
        at = operation(operation_name or "")
    except UnknownOperation:
        return {}
    return at.model(str(at.sole_model or model)).parameters or {}


def _read_plan(batch_id: str, effects: Effects) -> tuple[Plan, Preset]:
    stored = json.loads(effects.uploads.open(batch_key(batch_id, "plan.json")).read())
    return Plan.from_json(stored["plan"]), Preset.from_json(stored["preset"])
