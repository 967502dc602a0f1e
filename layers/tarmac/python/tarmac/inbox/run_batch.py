"""Batches: a file of requests becomes a task a line, and a report that says what has come of each.

    open_batch      (AcceptUpload)   the file's copy and plan, the batch's row, a message for each chunk of lines
    run_batch       (RunBatch)       a chunk's message: its lines to tasks. The batch's own message: what is missing is
                                     sent again, what is new is reported and announced
    record_ending   (FinishTask)     a task's ending into its chunk, and word to RunBatch where that changes the whole
                                     (`tarmac.inbox.batch_progress`)

The chunk's row is the truth about its lines; counts, report and notices follow from it. Each part may be repeated at
any time: ids of tasks come from batch and line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any, cast

from tarmac.catalogue import UnknownOperation, operation
from tarmac.effects import Effects
from tarmac.inbox.batch import (
    ACCEPT_SECONDS,
    ACCEPTED_STAGE,
    ENDED_STAGE,
    MOST_TRIES,
    Batch,
    Chunk,
    Line,
    LineState,
    line_of,
)
from tarmac.inbox.batch_progress import message_of
from tarmac.inbox.batch_store import BatchExists
from tarmac.inbox.keys import Form, batch_id_of, batch_key, report_key, task_id_of_line
from tarmac.inbox.notices import batch_notice
from tarmac.inbox.presets import Preset, completed
from tarmac.inbox.request_files import (
    LARGEST_FILE,
    BadRow,
    FileUnreadable,
    Plan,
    Record,
    Span,
    plan_of,
    records_of,
    request_of_cells,
)
from tarmac.ports import AlreadyThere, ConditionFailed, NoSuchObject, ReadStream
from tarmac.requests.strict_json import BadJson, loads
from tarmac.requests.text_fields import BadField, path_of, put, typed
from tarmac.requests.validation import InvalidRequest, Issue, Spec
from tarmac.runway.flavors import NotOffered
from tarmac.tasks.accept import accept, accept_again
from tarmac.tasks.orders import NO_ALLOW_LISTS, AllowLists, order_of
from tarmac.tasks.store import NoSuchTask
from tarmac.telemetry import logger

_PIECE = 1024 * 1024
_LONGEST_REASON = 1000
_MOST_ISSUES = 20
_REPORT_TRIES = 20
_FIRST_WAIT_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 900.0
_TOP = frozenset({"operation", "webhookUrl", "metadata"})


class FileRejected(Exception):
    """No line of the file was started; the message says why, for its owner."""


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file of requests. cause: its object version's id; name: what its owner calls the batch."""

    client: str
    cause: str
    source: Mapping[str, str]
    form: Form
    name: str
    preset: Preset
    created_at: float


@dataclass(frozen=True, slots=True)
class Opened:
    """`is_new` is false where the same lines were handed in before: then nothing is started."""

    batch: Batch
    is_new: bool


def open_batch(file: BatchFile, content: ReadStream, size_bytes: int, effects: Effects) -> Opened:
    """Copy the file, find its lines, and put them into the queue. Raises FileRejected.

    The same bytes with the same preset are the same batch, whatever the object is called: they buy nothing again, and a
    notice says so.
    """
    if size_bytes > LARGEST_FILE:
        raise FileRejected(f"The file has {size_bytes} bytes, more than the {LARGEST_FILE} allowed.")
    preset = json.dumps(file.preset.as_json(), sort_keys=True)
    with TemporaryFile() as copy:
        digest = sha256()
        while piece := content.read(_PIECE):
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
            return _opened_before(known, file, effects)
        copy.seek(0)
        _keep(batch_key(batch_id, f"requests.{file.form}"), copy, size_bytes, effects)
    planned = {"plan": plan.as_json(), "preset": file.preset.as_json()}
    effects.uploads.put(batch_key(batch_id, "plan.json"), json.dumps(planned).encode(), "application/json")
    clock = effects.clock
    batch = Batch(
        batch_id,
        file.client,
        file.cause,
        {**file.source, "kind": "batch"},
        file.form,
        plan.records,
        len(plan.spans),
        file.created_at,
        updated_at=clock.now(),
        next_check_at=clock.after(ACCEPT_SECONDS),
    )
    try:
        effects.batches.open(batch)
    except BatchExists:
        return _opened_before(effects.batches.get(batch_id) or batch, file, effects)
    effects.consumed.note(file.cause, batch.id, clock.now())
    _send_chunks(batch, (span.chunk for span in plan.spans), effects)
    return Opened(batch, True)


def reopened(cause: str, effects: Effects) -> Opened | None:
    """The batch that this object version is known to have been handed in as; the object itself may be gone by now."""
    batch_id = effects.consumed.taken_into(cause)
    batch = None if batch_id is None else effects.batches.get(batch_id)
    if batch is None:
        return None
    if not batch.is_accepted:
        effects.batch_queue.send(message_of(batch))
    return Opened(batch, False)


def _keep(key: str, copy: Any, size_bytes: int, effects: Effects) -> None:
    """The lines are read from here, whatever becomes of the object that they came in."""
    try:
        effects.uploads.put_new(key, copy, size_bytes, "application/octet-stream", {})
    except AlreadyThere:
        # An earlier try has come this far; the key holds the content's own digest.
        return


def _opened_before(batch: Batch, file: BatchFile, effects: Effects) -> Opened:
    if not batch.is_accepted:
        effects.batch_queue.send(message_of(batch))
    if batch.cause != file.cause:
        source = {**file.source, "kind": "batch"}
        message, attributes = batch_notice(batch, "batch.repeated", f"{file.cause}-repeated", None, source)
        effects.topic.publish(message, attributes)
    effects.consumed.note(file.cause, batch.id, effects.clock.now())
    return Opened(batch, False)


def _send_chunks(batch: Batch, chunks: Iterable[int], effects: Effects) -> None:
    effects.batch_queue.send_all([message_of(batch, chunk) for chunk in chunks])


# What RunBatch does.


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """deadline_seconds: for each task of a batch, which may wait behind all the others."""

    deadline_seconds: float
    allowed: AllowLists = NO_ALLOW_LISTS


def run_batch(message: Mapping[str, Any], receives: int, effects: Effects, settings: BatchSettings) -> int | None:
    """Do what a message of the queue asks for: `{batch, chunk}` or `{batch}`. `receives`: how often it was given out.

    None: done. Otherwise whole seconds until it is to be given out again.
    """
    batch = effects.batches.get(message["batch"])
    if batch is None:
        return None
    if "chunk" in message:
        left, news = _accept_chunk(batch, int(message["chunk"]), receives, effects, settings)
        if left:
            wait = min(_FIRST_WAIT_SECONDS * 2.0 ** (receives - 1), _LONGEST_WAIT_SECONDS)
            return max(1, math.ceil(wait * (1 + effects.chance() / 4) * effects.clock.scale))
    else:
        news = batch
        if not batch.is_accepted:
            _send_chunks(batch, _missing(batch, effects), effects)
    if news is not None:
        _publish(news, effects)
    return None


def _missing(batch: Batch, effects: Effects) -> list[int]:
    plan, _ = _planned(batch.id, effects)
    done = {chunk.number for chunk in effects.batches.chunks(batch.id) if chunk.is_accepted}
    return [span.chunk for span in plan.spans if span.chunk not in done]


def _accept_chunk(
    batch: Batch, number: int, receives: int, effects: Effects, settings: BatchSettings
) -> tuple[bool, Batch | None]:
    """(whether a line is left to be tried again, the batch where this has brought it to another stage)."""
    chunk = effects.batches.chunk(batch.id, number)
    if chunk.is_accepted:
        # A repeated message; the first may have died before it told of the batch.
        return False, batch
    plan, preset = _planned(batch.id, effects)
    span = next(span for span in plan.spans if span.chunk == number)
    judged: list[Line] = []
    left = False
    records = list(_records(batch, plan, span, effects))
    if len(records) != span.records:
        raise RuntimeError(f"chunk {number} has {len(records)} requests of {span.records}")
    for record in records:
        if record.line in chunk.lines:
            continue
        task_id = task_id_of_line(batch.id, record.line)
        if receives > 1 and _is_spent(chunk.tries.get(record.line, 0), task_id, effects):
            judged.append(_rejected(record.line, "Tarmac has failed on this line again and again; its log says why."))
            continue
        if receives > 1:
            effects.batches.move_chunk(batch.id, number, Chunk.trying, record.line)
        try:
            judged.append(_accept_record(batch, record, task_id, plan, preset, effects, settings))
        except Exception as error:
            left = True
            logger.crash("a line could not be accepted", error, key=f"{batch.id}:{record.line}", attempt=receives)
    changed = effects.batches.move_chunk(batch.id, number, Chunk.with_lines, judged, is_accepted=not left)
    return left, changed.batch if changed.batch is not None and changed.is_news else None


def _is_spent(tries: int, task_id: str, effects: Effects) -> bool:
    """A line that has become a task is never rejected, however badly that went."""
    if tries < MOST_TRIES:
        return False
    try:
        effects.tasks.get(task_id)
    except NoSuchTask:
        return True
    return False


def _records(batch: Batch, plan: Plan, span: Span, effects: Effects) -> Iterator[Record]:
    key = batch_key(batch.id, f"requests.{plan.form}")
    return records_of(plan, span, effects.uploads.open(key, span=(span.start, span.end)).read)


def _accept_record(
    batch: Batch, record: Record, task_id: str, plan: Plan, preset: Preset, effects: Effects, settings: BatchSettings
) -> Line:
    with suppress(NoSuchTask):
        # Before the line is read: what it named may be gone by now, and its task is not.
        return line_of(accept_again(effects.tasks.get(task_id), effects).task)
    source: dict[str, str | int] = {**batch.source, "batch": batch.id, "line": record.line}
    try:
        wanted = _wanted(record, plan, preset)
        order = order_of(wanted, batch.client, source, task_id, settings.allowed)
        return line_of(accept(order, effects, settings.deadline_seconds).task)
    except InvalidRequest as problem:
        return _rejected(record.line, str(problem), [issue.as_json() for issue in problem.issues])
    except (BadJson, BadRow, NotOffered) as problem:
        return _rejected(record.line, str(problem))


def _rejected(line: int, reason: str, issues: Iterable[Mapping[str, Any]] = ()) -> Line:
    return Line(line, LineState.REJECTED, reason=reason[:_LONGEST_REASON], issues=tuple(issues)[:_MOST_ISSUES])


def _wanted(record: Record, plan: Plan, preset: Preset) -> dict[str, Any]:
    if isinstance(record.content, bytes):
        return completed(loads(record.content), preset)
    return _wanted_of_cells(plan, record.content, preset)


def _wanted_of_cells(plan: Plan, cells: tuple[str, ...], preset: Preset) -> dict[str, Any]:
    found = {path_of(name): text for name, text in request_of_cells(plan.columns, cells).items()}
    said = {path[0]: text for path, text in found.items() if path in (("operation",), ("webhookUrl",))}
    name = said.get("operation", preset.operation)
    request: dict[str, Any] = {}
    base = preset.request if name == preset.operation else {}
    parameters = _parameters(name, found.get(("model",)) or base.get("model"))
    for path, text in found.items():
        if path[0] in _TOP:
            continue
        try:
            # A field of an object that the preset has begun is put beside what is there.
            if path[0] in base and path[0] not in request and len(path) > 1:
                request[path[0]] = base[path[0]]
            put(request, path, typed(text, parameters, path))
        except BadField as problem:
            raise InvalidRequest([Issue("invalid_type", path, str(problem))]) from None
    metadata = {".".join(path[1:]): text for path, text in found.items() if path[0] == "metadata" and len(path) > 1}
    return completed({**said, "request": request, "metadata": metadata}, preset)


def _parameters(name: str | None, model: Any) -> Mapping[str, Spec]:
    """As the catalogue describes them; an operation or a model that it does not know is refused by others."""
    try:
        at = operation(name or "")
    except UnknownOperation:
        return {}
    return at.model(str(at.sole_model or model)).parameters or {}


def _planned(batch_id: str, effects: Effects) -> tuple[Plan, Preset]:
    planned = json.loads(effects.uploads.open(batch_key(batch_id, "plan.json")).read())
    return Plan.from_json(planned["plan"]), Preset.from_json(planned["preset"])


def _publish(batch: Batch, effects: Effects) -> None:
    """Report and notices of a stage that nobody was told of. Twice does no harm: event ids are those of the stage."""
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
    effects.batches.move(batch.id, Batch.announced_to, stage)


def _write_report(batch: Batch, effects: Effects) -> dict[str, str]:
    """Made anew from the rows. What a slower writer has read earlier never replaces what is there."""
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
        except ConditionFailed:
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
