"""POST /v1/{operation} and below, and the state `Accept` of an execution that was started by hand."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.catalogue import operation
from tarmac.http.handler import Call, route_handler
from tarmac.http.routes import routes_of
from tarmac.settings import CreateTaskSettings
from tarmac.tasks.accept import Accepted, accept
from tarmac.tasks.accept_by_hand import accept_by_hand
from tarmac.tasks.orders import AllowLists, order_of_create
from tarmac.tasks.responses import accepted_view
from tarmac.telemetry import logger

settings = CreateTaskSettings.from_environment()
effects = AwsEffects(settings)
allowed = AllowLists(settings.input_buckets, settings.webhook_origins)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's event in, its response out; or `{execution, operation, request, metadata?}` in, `{taskId}` out."""
    return _accept_by_hand(event) if "execution" in event else _serve(event, context)


def _create(call: Call) -> dict[str, Any]:
    """The body of a create in; `{id, estimatedCost: {credits}, routing?}` out. Nothing is sent to Runway here."""
    # Without a readable key every task would wait, so none is accepted.
    effects.runway_key()
    # `POST /v1/recipes/{recipe}` → `recipes/product_ad`; CometAPI's paths have a prefix before /v1/.
    name = call.filled_path.partition("/v1/")[2]
    # An unknown operation is a 404 whatever the body is.
    operation(name)
    order = order_of_create(
        name, call.client, call.body, {"kind": "api"}, allowed, request_identity=call.request_identity
    )
    accepted = accept(order, effects, settings.task_deadline_seconds)
    _log(accepted)
    return accepted_view(accepted.task)


def _accept_by_hand(event: dict[str, Any]) -> dict[str, Any]:
    """The name of the execution is the task's id, so a name that is in use fails here, before a purchase."""
    accepted = accept_by_hand(
        event, event["execution"], settings.console_client, allowed, effects, settings.task_deadline_seconds
    )
    _log(accepted)
    return {"taskId": accepted.task.id}


def _log(accepted: Accepted) -> None:
    task = accepted.task
    logger.info(
        "task accepted",
        task_id=task.id,
        client=task.client,
        operation=task.operation,
        model=task.model,
        credits=task.estimated_credits,
        parameters=accepted.unknown_parameters or None,
    )


_serve = route_handler("create_task", dict.fromkeys(routes_of("create_task"), _create))
