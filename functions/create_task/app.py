"""POST /v1/{operation}, and the state `Accept` of an execution that was started by hand."""

from __future__ import annotations

from typing import Any

from tarmac.contract import parse_create
from tarmac.effects import AwsEffects
from tarmac.http_api import Answer, ApiRequest, api_handler
from tarmac.settings import CreateTaskSettings
from tarmac.steps.accept import InvalidRequest, Order, accept
from tarmac.stores.repeats import Repeat
from tarmac.telemetry import logger

settings = CreateTaskSettings.from_environment()
effects = AwsEffects(settings)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's event in, its response out; or `{execution, operation, request, metadata?}` in, `{taskId}` out."""
    return _accept_by_hand(event) if "execution" in event else _create(event, context)


@api_handler
def _create(request: ApiRequest) -> Answer:
    """The create's body in; 200 `{id, estimatedCost: {credits}}` out. Nothing is sent to Runway here."""
    client = request.client("tasks")
    # A key that cannot be read would leave every task waiting: better said before one is accepted.
    effects.runway_key()
    order = _order(
        request.path["operation"], client, request.json_body(), {"kind": "api"}, repeat=request.repeat(client)
    )
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
    body: dict[str, Any] = {"id": task.id}
    if task.estimated_credits is not None:
        body["estimatedCost"] = {"credits": int(task.estimated_credits)}
    return Answer(200, body)


def _accept_by_hand(event: dict[str, Any]) -> dict[str, Any]:
    """The execution's name is the task's id, so a name that was taken fails here, before anything is bought."""
    order = _order(
        event["operation"],
        settings.console_client,
        {**event["request"], "metadata": event.get("metadata") or {}},
        {"kind": "console", "execution": event["execution"]},
        task_id=event["execution"],
    )
    accepted = accept(order, effects, settings.task_deadline_seconds, start=False)
    logger.info("task accepted", task_id=accepted.task.id, client=order.client, operation=order.operation)
    return {"taskId": accepted.task.id}


def _order(
    operation: str,
    client: str,
    body: dict[str, Any],
    source: dict[str, str],
    task_id: str | None = None,
    repeat: Repeat | None = None,
) -> Order:
    parsed = parse_create(body)
    if isinstance(parsed, list):
        raise InvalidRequest(parsed)
    return Order(operation, client, parsed.upstream_body(), source, dict(parsed.metadata), task_id, repeat=repeat)
