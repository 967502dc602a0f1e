"""Requests of the API: an event of API Gateway (payload 2.0), its client, and its body within limits."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tarmac.http.answers import ApiError
from tarmac.idempotency import RequestIdentity
from tarmac.requests import strict_json
from tarmac.requests.media import is_inline

if TYPE_CHECKING:
    from tarmac.http.clients import ClientStore

MAX_BODY_BYTES = 5 * 1024 * 1024 + 512 * 1024
"""Lambda's limit of 6 MB also has to hold the event's other fields and the overhead of Base64."""

MAX_PLAIN_BYTES = 1024 * 1024
"""Limit of a body without its data URIs."""

MAX_KEY_LENGTH = 255

_UNKNOWN_KEY = "Unknown client key. Send a valid key: Authorization: Bearer <key>"
_UPLOADS = "Upload large media first: POST /v1/uploads"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request, after the authorizer has identified its client."""

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
        """The path parameters by name."""
        return self.event.get("pathParameters") or {}

    @property
    def query(self) -> Mapping[str, str]:
        return self.event.get("queryStringParameters") or {}

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by name in lower case."""
        return self.event.get("headers") or {}

    @property
    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer …`, for routes without an authorizer; None without such a header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def url_of(self, path: str) -> str:
        """Return the URL of another path of this API, at the address that this request was sent to."""
        context = self.event["requestContext"]
        if (local := os.environ.get("AWS_ENDPOINT_URL", "")).startswith("http://"):
            # The local AWS serves all APIs at its own address.
            return f"{local}/_aws/execute-api/{context['apiId']}/{context['stage']}{path}"
        # The route's path follows the stage, or the base path of a custom domain.
        prefix = str(self.event["rawPath"]).removesuffix(self.route.partition(" ")[2])
        return f"https://{context['domainName']}{prefix}{path}"

    def client(self, *scopes: str) -> str:
        """Return the client's id. Raises ApiError 401 for an unknown key, 403 for a key with none of the scopes.

        The authorizer's cached answer serves all routes, so it only identifies the client; each route checks scopes.
        """
        client = self._caller.get("client")
        if not client:
            raise ApiError(401, _UNKNOWN_KEY)
        _require_scope(self._scopes, scopes)
        return str(client)

    def client_of_key(self, clients: ClientStore, *scopes: str) -> str:
        """Return the id of the bearer's client, on a route without an authorizer. Raises ApiError 401 and 403."""
        client = clients.identify(self.bearer) if self.bearer else None
        if client is None:
            raise ApiError(401, _UNKNOWN_KEY)
        _require_scope(client.scopes, scopes)
        return client.id

    def has_scope(self, scope: str) -> bool:
        return scope in self._scopes

    @property
    def _scopes(self) -> list[str]:
        return str(self._caller.get("scopes", "")).split()

    @property
    def _caller(self) -> Mapping[str, Any]:
        return (self.event["requestContext"].get("authorizer") or {}).get("lambda") or {}

    def request_identity(self, client: str) -> RequestIdentity:
        """Return what identifies retries of this create. Raises ApiError 400 for an invalid idempotency key."""
        key = self.headers.get("idempotency-key")
        if key is not None and not (1 <= len(key) <= MAX_KEY_LENGTH and key.isprintable()):
            raise ApiError(400, f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} printable characters")
        retries = self.headers.get("x-stainless-retry-count", "0")
        return RequestIdentity(
            client=client,
            path=str(self.event["rawPath"]),
            body_sha256=hashlib.sha256(self._raw_body()).hexdigest(),
            key=key,
            retry=int(retries[:6]) if retries.isascii() and retries.isdigit() else 0,
        )

    def json_body(self, if_empty: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the body, read as strict JSON, or `if_empty` for an empty one. Raises ApiError 400 or 413."""
        raw = self._raw_body()
        if not raw and if_empty is not None:
            return if_empty
        if len(raw) > MAX_BODY_BYTES:
            raise ApiError(413, f"The body has {len(raw)} bytes; at most {MAX_BODY_BYTES} are allowed. {_UPLOADS}")
        try:
            body = strict_json.loads(raw)
        except strict_json.BadJson as problem:
            raise ApiError(400, str(problem)) from None
        if len(raw) > MAX_PLAIN_BYTES and len(raw) - _inline_length(body) > MAX_PLAIN_BYTES:
            message = f"The body has more than {MAX_PLAIN_BYTES} bytes outside data URIs of media. {_UPLOADS}"
            raise ApiError(413, message)
        return body

    def _raw_body(self) -> bytes:
        text = self.event.get("body") or ""
        if not self.event.get("isBase64Encoded"):
            return text.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ApiError(400, "The body is not valid Base64") from None


def _require_scope(held: Collection[str], accepted: Collection[str]) -> None:
    if not set(accepted) & set(held):
        raise ApiError(403, f"The client key lacks the required scope {' or '.join(accepted)}")


def _inline_length(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if is_inline(value) else 0
    if isinstance(value, dict):
        return sum(map(_inline_length, value.values()))
    return sum(map(_inline_length, value)) if isinstance(value, list) else 0
