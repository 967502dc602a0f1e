"""Errors that only AWS shows, injected into the local AWS by `POST /_tarmac/faults`.

`{"fault": "transaction conflict", "times": 3, "match": ["acme"]}` makes the next three requests fail that the fault
concerns and that contain all these texts in their path or body. `GET` answers with the faults that are left, `DELETE`
removes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]

PATH = "/_tarmac/faults"

_SERVICE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/")
_DYNAMODB = "DynamoDB_20120810"


@dataclass(frozen=True, slots=True)
class Fault:
    """An error response. operations: as in `X-Amz-Target`; none for S3.

    methods, only_conditional: which requests of S3 it concerns.
    """

    status: int
    code: str
    operations: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    only_conditional: bool = False

    def concerns(self, method: str, headers: Mapping[str, str]) -> bool:
        if self.operations:
            return headers.get("x-amz-target", "") in self.operations
        found = _SERVICE.search(headers.get("authorization", ""))
        is_conditional = "if-none-match" in headers or "if-match" in headers
        return bool(
            found and found[1] == "s3" and method in self.methods and (is_conditional or not self.only_conditional)
        )

    def body(self) -> bytes:
        if not self.operations:
            return f"<Error><Code>{self.code}</Code><Message>Injected</Message></Error>".encode()
        document: dict[str, Any] = {"__type": f"com.amazonaws#{self.code}", "message": "Injected"}
        if self.reasons:
            document["CancellationReasons"] = [{"Code": reason} for reason in self.reasons]
        return json.dumps(document).encode()


_TRANSACTION = (f"{_DYNAMODB}.TransactWriteItems",)
_WRITES = tuple(f"{_DYNAMODB}.{name}" for name in ("PutItem", "UpdateItem", "DeleteItem"))

FAULTS = {
    "transaction conflict": Fault(400, "TransactionCanceledException", _TRANSACTION, ("None", "TransactionConflict")),
    "transaction throttled": Fault(400, "TransactionCanceledException", _TRANSACTION, ("None", "ThrottlingError")),
    "write conflict": Fault(400, "TransactionConflictException", _WRITES),
    "write throttled": Fault(400, "ThrottlingException", _WRITES),
    "credentials expired": Fault(400, "ExpiredTokenException", _WRITES),
    "clock skew": Fault(400, "InvalidSignatureException", _WRITES),
    "describe throttled": Fault(400, "ThrottlingException", ("AWSStepFunctions.DescribeExecution",)),
    "object conflict": Fault(409, "ConditionalRequestConflict", methods=("PUT", "POST"), only_conditional=True),
    "slow down": Fault(503, "SlowDown", methods=("GET", "HEAD", "PUT", "POST", "DELETE")),
    "object forbidden": Fault(403, "AccessDenied", methods=("GET", "HEAD")),
}


@dataclass(frozen=True, slots=True)
class Pending:
    """A fault for the next requests that contain all texts of `match`."""

    fault: str
    times: int
    match: Sequence[str] = ()


class InjectedFaults:
    """An ASGI application that answers some requests with faults, and passes all others on."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._pending: list[Pending] = []

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if scope["path"] == PATH:
            return await self._control(scope["method"], await _body(receive), send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        concerned = [each for each in self._pending if FAULTS[each.fault].concerns(scope["method"], headers)]
        if not concerned:
            return await self._app(scope, receive, send)
        content = await _body(receive)
        text = scope["path"] + content.decode(errors="replace")
        found = next(
            (each for each in concerned if each in self._pending and all(part in text for part in each.match)), None
        )
        if found is None:
            return await self._app(scope, _replay(content, receive), send)
        self._spend(found)
        fault = FAULTS[found.fault]
        return await _respond(send, fault.status, fault.body(), fault.operations != ())

    def _spend(self, pending: Pending) -> None:
        place = self._pending.index(pending)
        left = replace(pending, times=pending.times - 1)
        self._pending[place : place + 1] = [left] if left.times else []

    async def _control(self, method: str, content: bytes, send: Send) -> None:
        left = json.dumps([asdict(each) for each in self._pending]).encode()
        if method == "POST":
            wanted = Pending(**json.loads(content))
            if wanted.fault not in FAULTS:
                return await _respond(send, 400, f"unknown fault; one of {', '.join(FAULTS)}".encode(), False)
            self._pending.append(wanted)
        elif method == "DELETE":
            self._pending.clear()
        return await _respond(send, 200, left, True)


async def _body(receive: Receive) -> bytes:
    content = b""
    while True:
        message = await receive()
        content += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return content


def _replay(content: bytes, receive: Receive) -> Receive:
    """The body once more, and what comes after it."""
    first = [{"type": "http.request", "body": content, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


async def _respond(send: Send, status: int, content: bytes, is_json: bool) -> None:
    kind = b"application/x-amz-json-1.0" if is_json else b"application/xml"
    headers = [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
