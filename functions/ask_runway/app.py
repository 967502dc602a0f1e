"""Workflows, routers, and the usage and audit log of Runway's web application: Runway's own, passed through."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.http.answers import ApiError
from tarmac.http.handler import Call, route_handler
from tarmac.http.routes import routes_of
from tarmac.ids import TASK_ID
from tarmac.runway.errors import UpstreamGone
from tarmac.settings import AskRunwaySettings

# API Gateway waits for 30 s.
effects = AwsEffects(AskRunwaySettings.from_environment(), runway_timeout_seconds=20.0)


def _pass_on(call: Call) -> dict[str, Any] | None:
    """A call in; Runway's response to the same call out."""
    # Runway's ids have the same form.
    if not all(map(TASK_ID.fullmatch, call.path.values())):
        raise ApiError(404, "Not found")
    body = call.body if call.route.body else None
    try:
        return effects.runway.relay(call.route.method, call.filled_path, call.query, body)
    except UpstreamGone:
        if not call.path:
            raise
        raise ApiError(404, "Not found") from None


handler = route_handler("ask_runway", dict.fromkeys(routes_of("ask_runway"), _pass_on))
"""API Gateway's event in, its response out."""
