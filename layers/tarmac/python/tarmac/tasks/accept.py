"""Accept a request: write its row, then start its execution. Used by each entry point: HTTP API, S3 inbox, console."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.catalogue import Model, Operation, operation, operations_of
from tarmac.characters.ownership import foreign_references
from tarmac.effects import Effects
from tarmac.idempotency import RequestIdentity
from tarmac.ids import TASK_ID
from tarmac.media.inputs import hold_inputs, name_own_outputs, stored_inputs, unusable_inline_media
from tarmac.media.keys import own_output
from tarmac.ports import ExecutionNameTaken, Put
from tarmac.requests.prices import estimate_credits
from tarmac.requests.spellings import Rewritten, issues_as_sent, to_contract
from tarmac.requests.validation import InvalidRequest, Issue, MediaFields, check, unknown_parameters
from tarmac.rows import SWEEP_GRACE_SECONDS, Contended
from tarmac.tasks.idempotency import EarlierRequest, find_earlier_request
from tarmac.tasks.store import NoSuchTask, TaskExists
from tarmac.tasks.task import State, Task
from tarmac.tasks.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Order:
    """A request to accept. `body` is the body of the create without Tarmac's additional fields.

    s3_allowed: buckets that `s3://` links in the body may name. task_id: derived from the event or execution that
    caused the request; None over HTTP, where `request_identity` identifies retries instead. webhook_url: already
    validated. etags: ETags by object key; `s3://` links to these keys mean the version with that ETag.
    """

    operation: str
    client: str
    body: Mapping[str, Any]
    source: Mapping[str, str | int]
    metadata: Mapping[str, str] = field(default_factory=dict)
    task_id: str | None = None
    s3_allowed: Collection[str] = ()
    request_identity: RequestIdentity | None = None
    webhook_url: str | None = None
    etags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The result of `accept`. is_new: false if the same request or event was accepted before."""

    task: Task
    is_new: bool
    unknown_parameters: list[str]


def accept(order: Order, effects: Effects, deadline_seconds: float, start: bool = True) -> Accepted:
    """Validate the order, store its inline inputs, write the task's row and start its execution.

    start: false if the caller is the execution itself. Raises UnknownOperation, NotOffered, InvalidRequest, KeyReused,
    Contended.

    The row is written before the execution starts, so a failed start does not lose the task: the sweeper starts an
    execution for each row without one.
    """
    effects.flavor.check_offers(order.operation)
    at = operation(order.operation)
    model = _model(order, at)
    # Some clients send null for a field that is not set. Runway does not accept null.
    given = {name: value for name, value in order.body.items() if value is not None}
    rewritten = to_contract(given, model.parameters or {}, model.spellings or {})
    with issues_as_sent(rewritten):
        body, media = _checked(rewritten, model, at, order, effects.archive.bucket)
        body = _with_upstream_ids(body, model, order.client, effects)
        passed = unknown_parameters(body, model.parameters or {}) if model.known else []
        earlier = find_earlier_request(order.request_identity, effects) if order.request_identity else EarlierRequest()
        if earlier.task:
            task, is_new = earlier.task, False
        else:
            task, is_new = _create(order, model, body, media, earlier, deadline_seconds, effects)
    if start:
        _ensure_started(task, effects)
    return Accepted(task, is_new, passed)


def accept_again(task: Task, effects: Effects) -> Accepted:
    """Return the result for a repeated event whose first occurrence has created this task."""
    _ensure_started(task, effects)
    return Accepted(task, False, [])


def _ensure_started(task: Task, effects: Effects) -> None:
    """Start the execution unless the task has ended. A first call may have failed after it wrote the row."""
    if not task.state.is_terminal:
        start_execution(task, effects)


def _create(
    order: Order,
    model: Model,
    body: dict[str, Any],
    media: MediaFields,
    earlier: EarlierRequest,
    deadline_seconds: float,
    effects: Effects,
) -> tuple[Task, bool]:
    """Return the new task and True; or the task of a concurrent call for the same request, and False."""
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
        claimable=order.request_identity is not None and order.request_identity.key is None,
        claimed_retry=order.request_identity.retry if order.request_identity else 0,
        estimated_credits=None if estimate is None else float(estimate),
        reserved_credits=float(estimate or 0),
        p10_seconds=model.p10_seconds,
        routing={"configId": body["configId"]} if order.operation.startswith("generate/") else {},
        next_check_at=effects.clock.after(SWEEP_GRACE_SECONDS),
    )
    request = hold_inputs(body, media, sources, task.id, effects)
    others: list[Put] = []
    if order.request_identity:
        others.append(effects.idempotency.put(order.request_identity, task.id, now, earlier.expired))
    try:
        effects.tasks.create(task, request, *others)
    except TaskExists:
        # A concurrent call with the same S3 event or idempotency key was faster: return its task.
        winner = find_earlier_request(order.request_identity, effects).task if order.request_identity else None
        try:
            return winner or effects.tasks.get(task.id), False
        except NoSuchTask:
            # DynamoDB can cancel all of several concurrent transactions. Nothing was written, so the caller may retry.
            raise Contended(task.id) from None
    return task, True


def start_execution(task: Task, effects: Effects) -> None:
    """Start the execution of the task's current run, unless an execution with its name exists.

    Name and input are the same bytes on each call, so a start whose response was lost can be retried.
    """
    try:
        effects.executions.start(task.execution_name, json.dumps({"taskId": task.id}, separators=(",", ":")))
    except ExecutionNameTaken:
        return


def _checked(
    rewritten: Rewritten, model: Model, at: Operation, order: Order, archive_bucket: str
) -> tuple[dict[str, Any], MediaFields]:
    """Return the validated body and its media fields. Raises InvalidRequest.

    The body contains `model` only in operations that have this field at Runway.
    """
    body = dict(rewritten.body)
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
    issues = rewritten.issues + checked.issues
    # In parameters that are not in the catalogue, inline media must at least be valid base64.
    issues += unusable_inline_media(body, checked.media, {issue.path for issue in issues})
    if issues:
        raise InvalidRequest(issues)
    return body, checked.media


def _with_upstream_ids(body: dict[str, Any], model: Model, client: str, effects: Effects) -> dict[str, Any]:
    """Return the body with the ids of the client's own tasks replaced by Runway's. Other ids stay as they are."""
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
            raise InvalidRequest([Issue("custom", (name,), f"Task {named} has not succeeded; name one that has")])
        renamed[name] = task.upstream_id
    return renamed


def _model(order: Order, at: Operation) -> Model:
    name = order.body.get("model")
    if at.sole_model is not None:
        if name not in (None, at.sole_model):
            message = f"{order.operation} does not accept this model; omit the field"
            raise InvalidRequest([Issue("invalid_enum_value", ("model",), message)])
        return at.model(at.sole_model)
    if not isinstance(name, str) or not name:
        raise InvalidRequest([Issue("invalid_type", ("model",), "Required")])
    model = at.model(name)
    if not model.known and (elsewhere := operations_of(name)):
        homes = ", ".join(f"/v1/{home}" for home in elsewhere)
        raise InvalidRequest(
            [Issue("invalid_enum_value", ("model",), f"{name} does not support {order.operation}; use {homes}")]
        )
    return model
