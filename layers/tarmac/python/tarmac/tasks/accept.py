"""Accept: a request becomes a row, then an execution. Used by every door: HTTP, S3, the Step Functions console."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.catalogue import Model, Operation, operation, operations_of
from tarmac.characters.owners import foreign_references
from tarmac.effects import Effects
from tarmac.idempotency import Repeat
from tarmac.ids import TASK_ID
from tarmac.media.inputs import hold_inputs, name_own_outputs, stored_inputs, unusable_inline_media
from tarmac.media.keys import own_output
from tarmac.ports import ExecutionNameTaken
from tarmac.requests.prices import estimate_credits
from tarmac.requests.spellings import Rewritten, issues_as_sent, to_contract
from tarmac.requests.validation import InvalidRequest, Issue, MediaFields, check, unknown_parameters
from tarmac.rows import SWEEP_GRACE_SECONDS, Contended
from tarmac.tasks.idempotency import Earlier, find_earlier, put_repeat
from tarmac.tasks.store import NoSuchTask, TaskExists
from tarmac.tasks.task import State, Task
from tarmac.tasks.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Order:
    """A request to be accepted. `body` is the create's body without Tarmac's own additions.

    s3_allowed: the buckets whose objects the body may name by `s3://`. task_id: derived from the cause, where the door
    has one. repeat: how a second send of the same create is known, for allowed that have none. webhook_url: checked
    already. etags: of objects by key, which `s3://` links mean as they are now and not as what is put in their place.
    """

    operation: str
    client: str
    body: Mapping[str, Any]
    source: Mapping[str, str | int]
    metadata: Mapping[str, str] = field(default_factory=dict)
    task_id: str | None = None
    s3_allowed: Collection[str] = ()
    repeat: Repeat | None = None
    webhook_url: str | None = None
    etags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """`is_new` is false where the same cause was accepted before: then nothing was started."""

    task: Task
    is_new: bool
    unknown_parameters: list[str]


def accept(order: Order, effects: Effects, deadline_seconds: float, start: bool = True) -> Accepted:
    """Check, store inline inputs, put the row, start the execution.

    Raises UnknownOperation, NotOffered, InvalidRequest, KeyReused.

    The row comes first: from then on the task is not lost, whatever happens to the start, since the sweeper starts
    what no execution holds. `start` is false where the caller is the execution.
    """
    effects.flavor.check_offers(order.operation)
    at = operation(order.operation)
    model = _model(order, at)
    # A null is how some clients spell "not given"; Runway is not sent one.
    given = {name: value for name, value in order.body.items() if value is not None}
    told = to_contract(given, model.parameters or {}, model.spellings or {})
    with issues_as_sent(told):
        body, media = _checked(told, model, at, order, effects.archive.bucket)
        body = _with_upstream_ids(body, model, order.client, effects)
        passed = unknown_parameters(body, model.parameters or {}) if model.known else []
        earlier = find_earlier(order.repeat, effects) if order.repeat else Earlier()
        if earlier.task:
            task, is_new = earlier.task, False
        else:
            task, is_new = _create(order, model, body, media, earlier, deadline_seconds, effects)
    if start:
        _ensure_started(task, effects)
    return Accepted(task, is_new, passed)


def repeated(task: Task, effects: Effects) -> Accepted:
    """The answer to a cause that is known to have made this task."""
    _ensure_started(task, effects)
    return Accepted(task, False, [])


def _ensure_started(task: Task, effects: Effects) -> None:
    """Also for a repeated cause: the first may have died between the row and the start."""
    if not task.state.is_terminal:
        start_execution(task, effects)


def _create(
    order: Order,
    model: Model,
    body: dict[str, Any],
    media: MediaFields,
    earlier: Earlier,
    deadline_seconds: float,
    effects: Effects,
) -> tuple[Task, bool]:
    """The new task and True; or the one that another process has just made of the same cause, and False."""
    sources, issues = stored_inputs(body, media, order.client, order.s3_allowed, effects)
    issues += foreign_references(body, order.client, effects)
    if issues:
        raise InvalidRequest(issues)
    for stored in sources.values():
        if stored["key"] in order.etags:
            stored["eTag"] = order.etags[stored["key"]]
    now = effects.clock.now()
    estimate = estimate_credits(body, model.credits)
    task = Task(
        id=order.task_id or effects.new_id(),
        client=order.client,
        operation=order.operation,
        model=model.name,
        created_at=now,
        updated_at=now,
        deadline_at=effects.clock.after(deadline_seconds),
        source=dict(order.source),
        metadata=dict(order.metadata),
        webhook=Webhook(order.webhook_url) if order.webhook_url else None,
        claimable=order.repeat is not None and order.repeat.key is None,
        claimed_retry=order.repeat.retry if order.repeat else 0,
        estimated_credits=None if estimate is None else float(estimate),
        reserved_credits=float(estimate or 0),
        p10_seconds=model.p10_seconds,
        routing={"configId": body["configId"]} if order.operation.startswith("generate/") else {},
        next_check_at=effects.clock.after(SWEEP_GRACE_SECONDS),
    )
    request = hold_inputs(body, media, sources, task.id, effects)
    others = [put_repeat(order.repeat, task.id, now, earlier, effects)] if order.repeat else []
    try:
        effects.tasks.create(task, request, *others)
    except TaskExists:
        # Two at once: of the same object's event, or of the same idempotency key. The other one is the answer.
        winner = find_earlier(order.repeat, effects).task if order.repeat else None
        try:
            return winner or effects.tasks.get(task.id), False
        except NoSuchTask:
            # The record that was in the way is gone again. Nothing was written, so the caller may retry.
            raise Contended(task.id) from None
    return task, True


def start_execution(task: Task, effects: Effects) -> None:
    """Start the execution of the task's current run; one of that name that exists is as good.

    Same name, same input, byte for byte, so that a lost answer can be repeated.
    """
    try:
        effects.executions.start(task.execution_name, json.dumps({"taskId": task.id}, separators=(",", ":")))
    except ExecutionNameTaken:
        return


def _checked(
    told: Rewritten, model: Model, at: Operation, order: Order, archive_bucket: str
) -> tuple[dict[str, Any], MediaFields]:
    """The body with its media fields. It has `model` only in operations where Runway reads one."""
    body = dict(told.body)
    if at.sole_model is None:
        body["model"] = model.name
    else:
        body.pop("model", None)
    checked = check(
        body,
        model.parameters or {},
        model.rules,
        model.strict,
        s3_allowed=bool(order.s3_allowed),
        is_own_output=lambda link: own_output(link, archive_bucket, order.client) is not None,
    )
    body = name_own_outputs(body, checked.media, order.client, archive_bucket)
    issues = told.issues + checked.issues
    # Inline media in parameters that the catalogue does not describe must at least be valid base64.
    issues += unusable_inline_media(body, checked.media, {issue.path for issue in issues})
    if issues:
        raise InvalidRequest(issues)
    return body, checked.media


def _with_upstream_ids(body: dict[str, Any], model: Model, client: str, effects: Effects) -> dict[str, Any]:
    """The body with Runway's ids of the client's own tasks. Any other id is taken for one of Runway's."""
    renamed = dict(body)
    for name, spec in (model.parameters or {}).items():
        named = body.get(name)
        if spec.get("refersTo") != "task" or named is None or not TASK_ID.fullmatch(named):
            continue
        try:
            task = effects.tasks.get(named)
        except NoSuchTask:
            continue
        if task.client != client:
            continue
        if task.state is not State.SUCCEEDED or task.upstream_id is None:
            raise InvalidRequest([Issue("custom", (name,), "This task has not succeeded")])
        renamed[name] = task.upstream_id
    return renamed


def _model(order: Order, at: Operation) -> Model:
    name = order.body.get("model")
    if at.sole_model is not None:
        if name not in (None, at.sole_model):
            raise InvalidRequest([Issue("invalid_enum_value", ("model",), f"{order.operation} takes no model")])
        return at.model(at.sole_model)
    if not isinstance(name, str) or not name:
        raise InvalidRequest([Issue("invalid_type", ("model",), "Required")])
    model = at.model(name)
    if not model.known and (elsewhere := operations_of(name)):
        homes = ", ".join(f"/v1/{home}" for home in elsewhere)
        raise InvalidRequest(
            [Issue("invalid_enum_value", ("model",), f"{name} does not do {order.operation}; use {homes}")]
        )
    return model
