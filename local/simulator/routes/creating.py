"""What all creates share: reading the body, its scenario, and the fault to answer with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator.checks import Check, Findings, Issue
from local.simulator.directives import DirectiveError, Directives, in_body
from local.simulator.responses import ApiError, NoAnswer, invalid, json_body
from local.simulator.simulator import Simulator


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a create. takes_effect: whether the create is accepted and billed before the response fails."""

    takes_effect: bool
    status: int | None = None
    error: str = ""


FAULTS: Final[Mapping[str, Fault]] = {
    "lost": Fault(takes_effect=True),
    "stall": Fault(takes_effect=True),
    "garbage": Fault(takes_effect=True),
    "408": Fault(takes_effect=True, status=408, error="Request timeout"),
    "500": Fault(takes_effect=True, status=500, error="Internal server error"),
    "502": Fault(takes_effect=True, status=502, error="Bad gateway"),
    "504": Fault(takes_effect=True, status=504, error="Gateway timeout"),
    "503": Fault(takes_effect=False, status=503, error="Service unavailable"),
    "429": Fault(takes_effect=False, status=429, error="Too many requests"),
    "400": Fault(takes_effect=False, status=400, error="Validation of body failed"),
    "401": Fault(takes_effect=False, status=401, error="Invalid API key"),
    "403": Fault(takes_effect=False, status=403, error="Forbidden"),
    "404": Fault(takes_effect=False, status=404, error="Not found"),
    "422": Fault(takes_effect=False, status=422, error="Unprocessable entity"),
}


@dataclass(frozen=True, slots=True)
class Create:
    """A create request. due: the fault to answer with after it has taken effect."""

    path: str
    raw: bytes
    body: Any
    body_sha256: str
    scenario: Directives
    due: str | None

    def answer(self, created: Mapping[str, Any]) -> Response:
        """200 with the created record, or the fault."""
        return JSONResponse(created) if self.due is None else fault_answer(self.due, self.scenario)


async def read_create(request: Request, simulator: Simulator, model: str | None = None) -> Create:
    """Read a create; raises ApiError, also for a fault that rejects it. model: for rules to match."""
    raw, body = await request.body(), await json_body(request)
    return create_of(simulator, request.url.path, raw, body, model)


def create_of(simulator: Simulator, path: str, raw: bytes, body: Any, model: str | None) -> Create:
    """As read_create, with a body that has been read."""
    try:
        own = in_body(body)
    except DirectiveError as error:
        raise invalid(Issue("custom", (), str(error))) from error
    sha256 = hashlib.sha256(raw).hexdigest()
    scenario = simulator.faults.scenario(own, path, model, raw)
    due = simulator.faults.due_on_create(scenario, sha256)
    if due is not None and not FAULTS[due].takes_effect:
        raise fault_error(due, scenario)
    return Create(path, raw, body, sha256, scenario, due)


def fault_error(name: str, scenario: Directives) -> ApiError:
    """The error of a fault with a status."""
    fault = FAULTS[name]
    retry = {} if scenario.retry_after is None else {"Retry-After": str(scenario.retry_after)}
    issues = [Issue("custom", ("promptText",), "Rejected by a simulator directive")] if name == "400" else []
    return ApiError(fault.status or 500, fault.error, issues, retry)


def fault_answer(name: str, scenario: Directives) -> Response:
    """The response of a fault."""
    if name in ("lost", "stall"):
        return NoAnswer(hang_up=name == "lost")
    if name == "garbage":
        return Response('{"id": "', media_type="application/json")
    return fault_error(name, scenario).response()


def must_pass(check: Check, body: Any) -> Findings:
    """The findings of the check; raises ApiError 400 if there are issues."""
    findings = Findings()
    check(body, (), findings)
    if findings.issues:
        raise invalid(*findings.issues)
    return findings
