"""GET /v1/organization, POST /v1/organization/usage: Runway's responses. GET /v1/usage: the client's own usage."""

from __future__ import annotations

from tarmac.aws.wiring import AwsEffects
from tarmac.http.handler import route_handler
from tarmac.requests.contract import UsageSpan, parse_body
from tarmac.settings import ReadAccountSettings
from tarmac.tasks.usage import own_usage

settings = ReadAccountSettings.from_environment()
# API Gateway waits for 30 s, and a call to Runway has up to three attempts.
effects = AwsEffects(settings, runway_timeout_seconds=7.0)

handler = route_handler(
    "read_account",
    {
        "GET /v1/organization": lambda call: effects.runway.organization(),
        "POST /v1/organization/usage": lambda call: effects.runway.organization_usage(call.body),
        "GET /v1/usage": lambda call: own_usage(call.client, parse_body(UsageSpan, call.query), effects),
    },
)
"""API Gateway's event in, its response out. Runway's responses are passed on unchanged: its SDKs read them."""
