"""/v1/organization: limits, balance, usage, and the charges and audit log of the web application."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator.checks import Issue
from local.simulator.contract import models
from local.simulator.listing import moment, page
from local.simulator.responses import ApiError, invalid, json_body
from local.simulator.simulator import Simulator
from local.simulator.tasks import iso

MAX_SPAN: Final = timedelta(days=90)
DEFAULT_SPAN: Final = timedelta(days=30)


async def read_organization(_request: Request, simulator: Simulator) -> Response:
    """200 with the tier's limits, the balance and today's generations."""
    today = {model: {"dailyGenerations": simulator.created_today(model)} for model in models()}
    limits = {
        "maxConcurrentGenerations": simulator.config.concurrency,
        "maxDailyGenerations": simulator.config.daily_quota,
    }
    return JSONResponse(
        {
            "tier": {
                "maxMonthlyCreditSpend": simulator.config.credit_balance,
                "models": dict.fromkeys(models(), limits),
            },
            "creditBalance": simulator.credits_left(),
            "usage": {"models": today},
        }
    )


async def read_usage(request: Request, simulator: Simulator) -> Response:
    """200 with the credits of each day and model, from startDate to before beforeDate."""
    body = await json_body(request) if await request.body() else {}
    if not isinstance(body, dict):
        raise invalid(Issue("invalid_type", (), "Invalid input: expected object"))
    tomorrow = datetime.fromtimestamp(simulator.now(), UTC).date() + timedelta(days=1)
    before = _date(body, "beforeDate", tomorrow)
    start = _date(body, "startDate", before - DEFAULT_SPAN)
    if not timedelta(0) <= before - start <= MAX_SPAN:
        raise invalid(Issue("custom", ("startDate",), "The range must not exceed 90 days"))
    days: dict[str, list[dict[str, Any]]] = {}
    for day, model, amount in simulator.daily_credits():
        if start.isoformat() <= day < before.isoformat():
            days.setdefault(day, []).append({"model": model, "amount": amount})
    used = sorted({entry["model"] for entries in days.values() for entry in entries})
    results = [{"date": day, "usedCredits": entries} for day, entries in days.items()]
    return JSONResponse({"results": results, "models": used})


def _date(body: dict[str, Any], name: str, default: date) -> date:
    value = body.get(name)
    if value is None:
        return default
    try:
        return date.fromisoformat(value[:10])
    except (TypeError, ValueError) as error:
        raise invalid(Issue("invalid_format", (name,), "Invalid ISO date")) from error


# The web application: an account of the simulator has one workspace, with two videos made before it started.

_WORKSPACE: Final = {"workspaceId": 1, "workspaceName": "Simulator"}
_USER: Final = "user@example.com"
_AGES_SECONDS: Final = (3600.0, 7200.0)


async def list_webapp_usage(request: Request, simulator: Simulator) -> Response:
    """A page of charges, `from` … before `to`, newest first."""
    query = request.query_params
    start, stop = moment(query, "from"), moment(query, "to")

    def show(at: float) -> dict[str, Any]:
        charge = {"credits": 25, "email": _USER, "tool": "gen4_turbo", "type": "charge"}
        return charge | _WORKSPACE | {"timestamp": iso(at)}

    charges = [at for at in _times(simulator) if start <= at < stop]
    return JSONResponse(page(query, charges, lambda at: (at, ""), show))


async def list_audit_logs(request: Request, simulator: Simulator) -> Response:
    """A page of events, newest first."""
    query = request.query_params
    start, stop = moment(query, "from", 0.0), moment(query, "to", float("inf"))
    events = [(number, at) for number, at in enumerate(_times(simulator)) if start <= at < stop]
    return JSONResponse(page(query, events, lambda each: (each[1], str(each[0])), lambda each: _event(*each)))


async def read_audit_log(request: Request, simulator: Simulator) -> Response:
    """200 with the details that lists leave out; 404."""
    for number, at in enumerate(_times(simulator)):
        if (event := _event(number, at))["eventId"] == request.path_params["event_id"]:
            details: dict[str, Any] = {
                "clientIpAddress": "127.0.0.1",
                "userAgent": None,
                "requestId": None,
                "metadata": {},
            }
            return JSONResponse(event | details | {"resourceType": "generation", "resourceId": str(number)})
    raise ApiError(404, "Event not found")


def _times(simulator: Simulator) -> list[float]:
    return [simulator.started_at - age for age in _AGES_SECONDS]


def _event(number: int, at: float) -> dict[str, Any]:
    actor = {"actorEmail": _USER, "actorUsername": "user", "actorDeleted": False}
    event = {"eventId": f"event-{number}", "action": "GenerationCreated", "timestamp": iso(at)}
    return event | actor | _WORKSPACE
