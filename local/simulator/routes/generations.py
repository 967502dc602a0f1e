"""POST /v1/text_to_video and every other create: check, bill, answer, or fail as the scenario wants."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator import contract
from local.simulator.checks import Findings, Issue, MediaField
from local.simulator.directives import DirectiveError, Directives, in_body, without_directives
from local.simulator.inputs import UnusableMedia, check_content, check_upload_uri, check_url, decode_data_uri
from local.simulator.rendering import Clip, hue_of
from local.simulator.simulator import Simulator
from local.simulator.wire import ApiError, NoAnswer, invalid, json_body


@dataclass(frozen=True, slots=True)
class CreateFault:
    """billed: whether the generation has been taken on by the time of the (missing) answer."""

    billed: bool
    status: int | None = None
    error: str = ""


CREATE_FAULTS: Final[Mapping[str, CreateFault]] = {
    "lost": CreateFault(billed=True),
    "stall": CreateFault(billed=True),
    "garbage": CreateFault(billed=True),
    "408": CreateFault(billed=True, status=408, error="Request timeout"),
    "500": CreateFault(billed=True, status=500, error="Internal server error"),
    "502": CreateFault(billed=True, status=502, error="Bad gateway"),
    "504": CreateFault(billed=True, status=504, error="Gateway timeout"),
    "503": CreateFault(billed=False, status=503, error="Service unavailable"),
    "429": CreateFault(billed=False, status=429, error="Too many requests"),
    "400": CreateFault(billed=False, status=400, error="Validation of body failed"),
    "401": CreateFault(billed=False, status=401, error="Invalid API key"),
    "404": CreateFault(billed=False, status=404, error="Not found"),
    "422": CreateFault(billed=False, status=422, error="Unprocessable entity"),
}


async def create_task(request: Request, simulator: Simulator) -> Response:
    """200 `{"id", "estimatedCost": {"credits"}}`, or what `create=` says."""
    path, raw = request.url.path, await request.body()
    body = await json_body(request)
    body_sha256 = hashlib.sha256(raw).hexdigest()
    model_name = str(body.get("model")) if isinstance(body, dict) else ""
    try:
        own = in_body(body)
    except DirectiveError as error:
        raise invalid(Issue("custom", (), str(error))) from error
    scenario = simulator.faults.scenario(own, path, model_name, raw)

    due = simulator.faults.due_on_create(scenario, body_sha256)
    if due is not None and not CREATE_FAULTS[due].billed:
        return fault_answer(due, scenario)

    model, findings = contract.examine(path, body)
    picture = _resolve(findings, simulator)
    if model is None or findings.issues:
        raise invalid(*findings.issues)
    _check_account(simulator, model_name, model.credits(body))

    width, height = model.size(body)
    hue = hue_of(without_directives(str(body.get("promptText", ""))))
    clip = Clip(width, height, model.duration(body), picture, hue)
    simulator.storage.keep(raw)
    task = simulator.accept(path, model_name, model.credits(body), body_sha256, scenario, clip)
    if due is not None:
        return fault_answer(due, scenario)
    return JSONResponse({"id": task.id, "estimatedCost": {"credits": task.credits}})


def fault_answer(name: str, scenario: Directives) -> Response:
    """What the client sees of a create fault."""
    if name in ("lost", "stall"):
        return NoAnswer(hang_up=name == "lost")
    if name == "garbage":
        return Response('{"id": "', media_type="application/json")
    fault = CREATE_FAULTS[name]
    retry = {} if scenario.retry_after is None else {"Retry-After": str(scenario.retry_after)}
    issues = [Issue("custom", ("promptText",), "Refused by a simulator directive")] if name == "400" else []
    return ApiError(fault.status or 500, fault.error, issues, retry).response()


def _resolve(findings: Findings, simulator: Simulator) -> str | None:
    """Note what is wrong with the media of a body; gives the SHA-256 of the first one, None for a URL."""
    picture = None
    for field in findings.media:
        try:
            sha256 = _stored(field, simulator)
        except UnusableMedia as error:
            findings.object_to("custom", field.path, str(error))
        else:
            # The first is what the output shows: of a performance the character, not the driving video.
            picture = sha256 if field is findings.media[0] else picture
    return picture


def _stored(field: MediaField, simulator: Simulator) -> str | None:
    """Where the media lies in storage, None for a URL; raises UnusableMedia."""
    if field.uri.startswith("runway://"):
        check_upload_uri(field.uri)
        upload = simulator.uploaded(field.uri)
        if upload is None or upload.sha256 is None:
            raise UnusableMedia("Invalid asset: no such upload, or it has expired")
        check_content(_first_bytes(simulator.storage.content(upload.sha256)), field.kind)
        return upload.sha256
    if field.uri[:5].lower() == "data:":
        data = decode_data_uri(field.uri, field.kind)
        check_content(data[:12], field.kind)
        return simulator.storage.keep(data)
    check_url(field.uri)
    return None


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)


def _check_account(simulator: Simulator, model: str, credits: int) -> None:
    quota = simulator.config.daily_quota
    if quota is not None and simulator.created_today(model) >= quota:
        raise ApiError(429, "You have reached the daily generation limit of this model.")
    if not simulator.affords(credits):
        raise ApiError(400, "You do not have enough credits to run this task.")
