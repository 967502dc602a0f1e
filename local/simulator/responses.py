"""Responses: errors in Runway's shape, errors in S3's shape, and no response at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from local.simulator.checks import Issue
from local.simulator.connections import close_connection

DOC_URL: Final = "https://docs.dev.runwayml.com/api"


class ApiError(Exception):
    """An error response: `{"error", "issues"?, "docUrl"?}` and the fields of `more`."""

    def __init__(
        self,
        status: int,
        error: str,
        issues: Sequence[Issue] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(error)
        self.status, self.error, self.issues, self.headers, self.more = status, error, issues, headers, more

    def response(self) -> Response:
        answer: dict[str, Any] = {"error": self.error, **(self.more or {})}
        if self.issues:
            answer |= {"issues": [issue.as_json() for issue in self.issues], "docUrl": DOC_URL}
        return JSONResponse(answer, self.status, self.headers)


def invalid(*issues: Issue) -> ApiError:
    """The error 400 with these issues."""
    return ApiError(400, "Validation of body failed", issues)


def storage_error(status: int, code: str, message: str) -> Response:
    """An error in S3's XML."""
    body = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return Response(declaration + body, status, media_type="application/xml")


class NoAnswer(Response):
    """No response: the connection is closed at once (hang_up), or left open until the client closes it."""

    def __init__(self, *, hang_up: bool) -> None:
        super().__init__()
        self._hang_up = hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        if self._hang_up:
            close_connection(scope)
        await disconnected(receive)


async def disconnected(receive: Receive) -> None:
    """Wait until the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def json_body(request: Request) -> Any:
    """The request's JSON; raises ApiError 400. NaN and Infinity are not JSON."""
    try:
        return json.loads(await request.body(), parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "Request body is not valid JSON") from error


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
