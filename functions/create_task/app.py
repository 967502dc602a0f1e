"""POST /v1/{operation} and below, and the state `Accept` of an execution that was started by hand."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.catalogue import UnknownOperation, operation
from tarmac.http.api import Answer, ApiRequest, api_handler
from tarmac.idempotency import Repeat
from tarmac.requests.contract import parse_create
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.settings import CreateTaskSettings
from tarmac.tasks.accept import Order, accept
from tarmac.tasks.responses import accepted_view
from tarmac.tasks.task import State
from tarmac.telemetry import logger

LONGEST_NAME = 74
"""Step Functions allows 80, of which a re-drive needs some for its number."""

settings = CreateTaskSettings.from_environment()
effects = AwsEffects(settings)
input_buckets = settings.input_buckets
webhook_origins = settings.webhook_origins


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's event in, its response out; or `{execution, operation, request, metadata?}` in, `{taskId}` out."""
    return _accept_by_hand(event) if "execution" in event else _create(event, context)


@api_handler
def _create(request: ApiRequest) -> Answer:
    """The create's body in; 200 `{id, estimatedCost: {credits}, routing?}` out. Nothing is sent to Runway here."""
    client = request.client("tasks")
    # A key that cannot be read would leave every task waiting: better said before one is accepted.
    effects.runway_key()
    # `POST /v1/recipes/{recipe}` → `recipes/product_ad`; CometAPI's paths have something before the /v1/.
    operation_name = request.route.partition("/v1/")[2].format_map(request.path)
    # Whether there is such a path comes before what was sent to it.
    operation(operation_name)
    # A workflow's nodes may have all that they need.
    body = request.json_body(if_empty={} if operation_name.startswith("workflows/") else None)
    order = _order(operation_name, client, body, {"kind": "api"}, repeat=request.repeat(client))
    accepted = accept(order, effects, settings.task_deadline_seconds)
    task = accepted.task
    logger.info(
        "task accepted",
        task_id=task.id,
        client=client,
        operation=task.operation,
        model=task.model,
        credits=task.estimated_credits,
        parameters=accepted.unknown_parameters or None,
    )
    return Answer(200, accepted_view(task))


def _accept_by_hand(event: dict[str, Any]) -> dict[str, Any]:
    """The execution's name is the task's id, so a name that was taken fails here, before anything is bought."""
    name, request = event.get("operation"), event.get("request")
    # Said in words, since they become the cause that the console shows.
    if not isinstance(name, str):
        raise InvalidRequest([Issue("invalid_type", ("operation",), "Required, as in {operation, request, metadata?}")])
    if not isinstance(request, dict):
        raise InvalidRequest([Issue("invalid_type", ("request",), "Required, the body of a create")])
    if len(event["execution"]) > LONGEST_NAME:
        raise InvalidRequest([Issue("too_big", ("execution",), f"A name has at most {LONGEST_NAME} characters here")])
    try:
        order = _order(
            name,
            settings.console_client,
            {**request, "metadata": event.get("metadata") or {}},
            {"kind": "console", "execution": event["execution"]},
            task_id=event["execution"],
        )
        accepted = accept(order, effects, settings.task_deadline_seconds, start=False)
    except UnknownOperation:
        raise InvalidRequest([Issue("custom", ("operation",), f"There is no operation {name!r}")]) from None
    task = accepted.task
    if not accepted.is_new and (task.source != order.source or task.state is not State.ACCEPTED):
        # Step Functions frees a name after 90 days, a task keeps it. Only this state's own retry finds its own task.
        raise InvalidRequest([Issue("custom", ("execution",), f"The name {task.id} is another task's")])
    logger.info("task accepted", task_id=task.id, client=order.client, operation=order.operation)
    return {"taskId": task.id}


def _order(
    name: str,
    client: str,
    body: dict[str, Any],
    source: dict[str, str],
    task_id: str | None = None,
    repeat: Repeat | None = None,
) -> Order:
    needs_model = operation(name).sole_model is None
    parsed = parse_create(body, needs_model, webhook_origins)
    if isinstance(parsed, list):
        raise InvalidRequest(parsed)
    metadata = dict(parsed.metadata)
    return Order(
        name,
        client,
        parsed.upstream_body(),
        source,
        metadata,
        task_id,
        s3_allowed=input_buckets,
        repeat=repeat,
        webhook_url=parsed.webhookUrl,
    )
