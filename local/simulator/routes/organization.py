"""GET /v1/organization and POST /v1/organization/usage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator.checks import Issue
from local.simulator.contract import MODELS
from local.simulator.simulator import Simulator
from local.simulator.wire import invalid, json_body

MAX_SPAN: Final = timedelta(days=90)
DEFAULT_SPAN: Final = timedelta(days=30)


async def read_organization(request: Request, simulator: Simulator) -> Response:
    """200 with the tier's limits, the balance and today's generations."""
    today = {model: {"dailyGenerations": simulator.created_today(model)} for model in MODELS}
    limits = {
        "maxConcurrentGenerations": simulator.config.concurrency,
        "maxDailyGenerations": simulator.config.daily_quota,
    }
    return JSONResponse(
        {
            "tier": {
                "maxMonthlyCreditSpend": simulator.config.credit_balance,
                "models": dict.fromkeys(MODELS, limits),
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
