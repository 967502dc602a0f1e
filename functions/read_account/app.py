"""GET /v1/organization, POST /v1/organization/usage: Runway's own answers. GET /v1/usage: what the caller has used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.http.api import Answer, ApiError, ApiRequest, api_handler
from tarmac.requests.contract import UsageSpan, parse_body
from tarmac.requests.validation import InvalidRequest
from tarmac.settings import ReadAccountSettings
from tarmac.tasks.usage import own_usage

settings = ReadAccountSettings.from_environment()
# The API waits for 30 s, and Runway is asked up to three times.
effects = AwsEffects(settings, runway_timeout_seconds=7.0)


@api_handler
def handler(request: ApiRequest) -> Answer:
    """API Gateway's event in, its response out. What Runway answers goes out unchanged: the SDKs know its shapes."""
    client = request.client("account")
    match request.route:
        case "GET /v1/organization":
            return Answer(200, effects.runway.organization())
        case "POST /v1/organization/usage":
            body = request.json_body(if_empty={})
            _span(body)
            return Answer(200, effects.runway.organization_usage(body))
        case "GET /v1/usage":
            return Answer(200, own_usage(client, _span(request.query), effects))
        case _:
            raise ApiError(404, "There is no such path")


def _span(given: Mapping[str, Any]) -> UsageSpan:
    span = parse_body(UsageSpan, given)
    if isinstance(span, list):
        raise InvalidRequest(span)
    return span
