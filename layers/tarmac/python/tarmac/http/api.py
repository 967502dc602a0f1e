"""The HTTP edge: API Gateway's events in (payload 2.0), Runway-shaped answers out, every error mapped in one place."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.catalogue import UnknownOperation
from tarmac.characters.idempotency import SendLost, SendUnderWay
from tarmac.characters.owners import NoSuchItem, NotRecorded, SharedItem
from tarmac.idempotency import KeyReused, Repeat
from tarmac.requests import strict_json
from tarmac.requests.media import is_inline
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.rows import Contended
from tarmac.runway.errors import (
    CreateAmbiguous,
    CreateRefused,
    CreateRejected,
    KeyUnavailable,
    UpstreamGone,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tarmac.runway.flavors import NotOffered
from tarmac.sessions.session import (
    CredentialsLost,
    CredentialsSpent,
    MinutesUsedUp,
    NoSuchSession,
    SessionEnded,
    SessionTimedOut,
    StillCreating,
    TokenSpent,
)
from tarmac.tasks.store import NoSuchTask
from tarmac.telemetry import logger

MAX_BODY_BYTES = 5 * 1024 * 1024 + 512 * 1024
"""Lambda itself takes 6 MB, of which the event's other fields and base64 need their part."""

MAX_PLAIN_BYTES = 1024 * 1024
"""Everything outside data URIs."""

MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `body` None is an empty one, text goes out as it is."""

    status: int
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An answer that is an error, in Runway's shape: `{"error", "issues"?}`.

    should_retry: what the official SDKs are told where their own rule for the status would not do.
    """

    def __init__(
        self,
        status: int,
        message: str,
        issues: list[Issue] | None = None,
        *,
        should_retry: bool | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.issues = issues or []
        self.should_retry = should_retry
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        wait = 5 if self.status == 503 and self.retry_after_seconds is None else self.retry_after_seconds
        # SDKs wait for a minute at most, and take a longer time for none.
        headers = {} if wait is None else {"retry-after": str(min(60, max(1, round(wait))))}
        if self.should_retry is not None:
            headers["x-should-retry"] = str(self.should_retry).lower()
        return headers


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call, after the authorizer has said whose it is."""

    event: Mapping[str, Any]

    @property
    def route(self) -> str:
        """`METHOD /path/{template}`, as in template.yaml."""
        return str(self.event["routeKey"])

    @property
    def id(self) -> str:
        return str(self.event["requestContext"]["requestId"])

    @property
    def path(self) -> Mapping[str, str]:
        return self.event.get("pathParameters") or {}

    @property
    def query(self) -> Mapping[str, str]:
        return self.event.get("queryStringParameters") or {}

    @property
    def headers(self) -> Mapping[str, str]:
        """By their names in lower case."""
        return self.event.get("headers") or {}

    @property
    def bearer(self) -> str | None:
        """What stands in `Authorization: Bearer …`, of routes that have no authorizer; None for anything else."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def url_of(self, path: str) -> str:
        """The address of another path of this API, as this request has reached it."""
        context = self.event["requestContext"]
        if (local := os.environ.get("AWS_ENDPOINT_URL", "")).startswith("http://"):
            # The local AWS serves all APIs under its own address.
            return f"{local}/_aws/execute-api/{context['apiId']}/{context['stage']}{path}"
        # Before the route's own path stands the stage, or what a custom domain maps to this API.
        prefix = str(self.event["rawPath"]).removesuffix(self.route.partition(" ")[2])
        return f"https://{context['domainName']}{prefix}{path}"

    def client(self, *scopes: str) -> str:
        """The caller's id. Raises ApiError 401 for a key that is nobody's and 403 where it has none of the scopes: the
        authorizer's cached answer serves all routes, so it identifies and each function decides."""
        caller = self._caller
        if not caller.get("client"):
            raise ApiError(401, "This key is not known. Send a valid one: Authorization: Bearer <key>")
        if not any(map(self.has_scope, scopes)):
            raise ApiError(403, f"This key has no scope {scopes[0]}")
        return str(caller["client"])

    def has_scope(self, scope: str) -> bool:
        return scope in str(self._caller.get("scopes", "")).split()

    @property
    def _caller(self) -> Mapping[str, Any]:
        return (self.event["requestContext"].get("authorizer") or {}).get("lambda") or {}

    def repeat(self, client: str) -> Repeat:
        """How a second send of this create is known. Raises ApiError 400 for an unusable idempotency key."""
        key = self.headers.get("idempotency-key")
        if key is not None and not (1 <= len(key) <= MAX_KEY_LENGTH and key.isprintable()):
            raise ApiError(400, f"Idempotency-Key: expected 1 to {MAX_KEY_LENGTH} printable characters")
        retries = self.headers.get("x-stainless-retry-count", "0")
        return Repeat(
            client=client,
            path=str(self.event["rawPath"]),
            body_sha256=hashlib.sha256(self._raw_body()).hexdigest(),
            key=key,
            retry=int(retries[:6]) if retries.isascii() and retries.isdigit() else 0,
        )

    def json_body(self, if_empty: dict[str, Any] | None = None) -> dict[str, Any]:
        """The body as strict JSON; `if_empty` is what no body stands for. Raises ApiError 400 or 413."""
        raw = self._raw_body()
        if not raw and if_empty is not None:
            return if_empty
        if len(raw) > MAX_BODY_BYTES:
            raise ApiError(413, f"The body has {len(raw)} bytes, more than {MAX_BODY_BYTES}. {_UPLOADS}")
        try:
            body = strict_json.loads(raw)
        except strict_json.BadJson as problem:
            raise ApiError(400, str(problem)) from None
        if len(raw) > MAX_PLAIN_BYTES and len(raw) - _inline_length(body) > MAX_PLAIN_BYTES:
            raise ApiError(413, f"The body has more than {MAX_PLAIN_BYTES} bytes outside its media. {_UPLOADS}")
        return body

    def _raw_body(self) -> bytes:
        text = self.event.get("body") or ""
        if not self.event.get("isBase64Encoded"):
            return text.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ApiError(400, "The body is not readable") from None


def require_scope(held: Collection[str], wanted: Collection[str]) -> None:
    """Raises ApiError 403 where a key has none of the scopes that a route takes."""
    if not set(wanted) & set(held):
        raise ApiError(403, f"This key has no scope {' or '.join(wanted)}")


_UPLOADS = "Upload large media first: POST /v1/uploads"


def api_handler(serve: Callable[[ApiRequest], Answer]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A Lambda handler of `serve`: every error becomes an answer, every answer one log line."""

    @functools.wraps(serve)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        request = ApiRequest(event)
        try:
            answer = serve(request)
        except Exception as error:
            answer = _answer_of(error, request)
        else:
            logger.info("request answered", route=request.route, status=answer.status, function_request_id=request.id)
        return _as_response(answer, request)

    return handler


def _answer_of(error: Exception, request: ApiRequest) -> Answer:
    problem = _as_api_error(error)
    if problem is None:
        logger.crash("request failed", error, route=request.route, function_request_id=request.id)
        return Answer(500, {"error": f"Internal error. Request id: {request.id}"})
    logger.info(
        "request refused",
        route=request.route,
        status=problem.status,
        issues=[".".join(map(str, issue.path)) for issue in problem.issues],
        function_request_id=request.id,
    )
    body: dict[str, Any] = {"error": problem.message}
    if problem.issues:
        body["issues"] = [issue.as_json() for issue in problem.issues]
    return Answer(problem.status, body, problem.headers)


def _as_api_error(error: Exception) -> ApiError | None:
    """What each error of the domain means over HTTP; None for one nobody expected."""
    match error:
        case ApiError():
            return error
        case InvalidRequest():
            first = error.issues[0]
            where = ".".join(map(str, first.path))
            return ApiError(400, f"Validation of body failed: {where}: {first.message}", error.issues)
        case UnknownOperation():
            return ApiError(404, f"There is no operation {str(error)!r}")
        case NotOffered():
            return ApiError(404, str(error))
        case KeyReused():
            return ApiError(422, "This Idempotency-Key was used before with another body", should_retry=False)
        case NoSuchTask():
            return ApiError(404, "Task not found")
        case NoSuchItem():
            return ApiError(404, str(error))
        case SharedItem():
            return ApiError(403, str(error))
        case SendUnderWay():
            return ApiError(409, "The first send of this create is under way", should_retry=True, retry_after_seconds=3)
        case SendLost():
            why = "The answer to the first send of this create was lost: look whether it took effect"
            return ApiError(502, why, should_retry=False)
        case NotRecorded():
            return ApiError(502, f"{error}: its operator can assign it (tarmac avatars adopt)", should_retry=False)
        case KeyUnavailable():
            return ApiError(503, f"Runway cannot be used now: {error}", should_retry=True)
        case Contended():
            return ApiError(503, "It is being changed by others; try again", should_retry=True)
        case NoSuchSession():
            return ApiError(404, "Session not found")
        case SessionEnded():
            return ApiError(502, str(error), should_retry=False)
        case SessionTimedOut():
            return ApiError(504, str(error), should_retry=False)
        case CredentialsSpent():
            return ApiError(409, str(error), should_retry=False)
        case CredentialsLost():
            return ApiError(410, str(error), should_retry=False)
        case TokenSpent():
            return ApiError(403, str(error))
        case MinutesUsedUp():
            return ApiError(429, str(error), should_retry=False)
        case StillCreating():
            return ApiError(409, str(error), should_retry=True, retry_after_seconds=1)
        case UpstreamRejected():
            return ApiError(400, str(error), [Issue.from_json(issue) for issue in error.issues])
        case UpstreamUnavailable(status=401 | 403) | CreateRefused(status=401):
            why = f"Runway refuses the key of this deployment (HTTP {error.status}): its operator has to store another"
            return ApiError(502, why, should_retry=False)
        case CreateRejected():
            return ApiError(error.status, str(error), [Issue.from_json(issue) for issue in error.issues])
        case CreateRefused(status=429):
            return ApiError(429, str(error), should_retry=True, retry_after_seconds=error.retry_after_seconds)
        case CreateRefused(status=409):
            # What stands in the way passes by: an avatar is still being processed.
            return ApiError(409, str(error), retry_after_seconds=error.retry_after_seconds)
        case CreateRefused():
            return ApiError(503, str(error), should_retry=True, retry_after_seconds=error.retry_after_seconds)
        case CreateAmbiguous():
            return ApiError(502, f"{error}: look whether it took effect before you repeat it", should_retry=False)
        case UpstreamUnavailable():
            return ApiError(503, str(error), should_retry=True, retry_after_seconds=error.retry_after_seconds)
        case UpstreamGone():
            return ApiError(502, "The upstream that this deployment uses does not offer this", should_retry=False)
        case _:
            return None


def _as_response(answer: Answer, request: ApiRequest) -> dict[str, Any]:
    headers = {"cache-control": "no-store", "x-request-id": request.id, **answer.headers}
    if answer.body is None:
        return {"statusCode": answer.status, "headers": headers}
    headers.setdefault("content-type", "application/json")
    return {
        "statusCode": answer.status,
        "headers": headers,
        "body": answer.body if isinstance(answer.body, str) else to_json(answer.body),
    }


def to_json(value: Mapping[str, Any]) -> str:
    """Compact, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _inline_length(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if is_inline(value) else 0
    if isinstance(value, dict):
        return sum(map(_inline_length, value.values()))
    return sum(map(_inline_length, value)) if isinstance(value, list) else 0
