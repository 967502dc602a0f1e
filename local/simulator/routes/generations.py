"""POST /v1/text_to_video and the other creates of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from local.simulator import contract
from local.simulator.characters import avatar_problem
from local.simulator.directives import without_directives
from local.simulator.inputs import resolve
from local.simulator.rendering import Clip, hue_of
from local.simulator.responses import ApiError, invalid, json_body
from local.simulator.routes.creating import Create, create_of
from local.simulator.simulator import Simulator
from local.simulator.tasks import Task


async def create_task(request: Request, simulator: Simulator) -> Response:
    """200 `{"id", "estimatedCost"?: {"credits"}}`, or the fault of `create=`."""
    path, raw, body = request.url.path, await request.body(), await json_body(request)
    create = create_of(simulator, path, raw, body, contract.model_name(path, body))
    task = accept_create(simulator, create, path)
    if not contract.OPERATIONS[path].estimates:
        return create.answer({"id": task.id})
    return create.answer({"id": task.id, "estimatedCost": {"credits": task.credits}})


def accept_create(
    simulator: Simulator,
    create: Create,
    path: str,
    *,
    body: Any = None,
    urls_only: bool = False,
    unseen_seconds: float | None = None,
) -> Task:
    """Check, price and accept a create at this endpoint; raises ApiError.

    body: replaces the create's own. urls_only and unseen_seconds: see inputs.resolve and Simulator.accept.
    """
    body = create.body if body is None else body
    model, findings = contract.examine(path, body)
    picture = resolve(findings, simulator, urls_only=urls_only)
    if model is None or findings.issues:
        raise invalid(*findings.issues)
    if path == "/v1/avatar_videos" and (problem := avatar_problem(simulator.library, body["avatar"], simulator.now())):
        raise problem
    name, credits = contract.model_name(path, body), model.credits(body)
    check_account(simulator, name, credits)

    width, height = model.size(body)
    clip = Clip(width, height, model.duration(body), picture, hue_of(without_directives(_words(body))))
    simulator.storage.keep(create.raw)
    return simulator.accept(
        path,
        name,
        credits,
        create.body_sha256,
        create.scenario,
        clip,
        model.formats(body),
        unseen_seconds=unseen_seconds,
    )


def check_account(simulator: Simulator, model: str, credits: int) -> None:
    """Raises ApiError 429 or 400 if quota or balance do not allow another generation."""
    quota = simulator.config.daily_quota
    if quota is not None and simulator.created_today(model) >= quota:
        raise ApiError(429, "You have reached the daily generation limit of this model.")
    if not simulator.affords(credits):
        raise ApiError(400, "You do not have enough credits to run this task.")


def _words(body: Mapping[str, Any]) -> str:
    return str(body.get("promptText") or body.get("prompt") or "")
