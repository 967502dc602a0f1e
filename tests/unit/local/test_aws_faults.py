"""Faults in the local AWS: the right requests fail, as often as asked, and the product reads the errors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from local.aws.faults import FAULTS, PATH, InjectedFaults, Receive, Send
from tarmac.aws.dynamodb import judged
from tarmac.aws.services import THROTTLED, _error_of, code_of
from tarmac.ports import WriteConflict

DYNAMODB = "DynamoDB_20120810"
OF_S3 = {"authorization": "AWS4-HMAC-SHA256 Credential=test/20261130/eu-central-1/s3/aws4_request, SignedHeaders=host"}


async def inner(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """An AWS that echoes the request."""
    content, more = b"", True
    while more:
        message = await receive()
        content, more = content + message.get("body", b""), bool(message.get("more_body"))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": content})


class Aws:
    def __init__(self) -> None:
        self._app = InjectedFaults(inner)

    def call(self, method: str, path: str, content: bytes = b"", **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://aws") as http:
                spelled = {name.replace("_", "-"): value for name, value in headers.items()}
                return await http.request(method, path, content=content, headers=spelled)

        return asyncio.run(send())

    def inject(self, fault: str, times: int = 1, *match: str) -> int:
        body = httpx.Request("POST", "http://aws", json={"fault": fault, "times": times, "match": match}).content
        return self.call("POST", PATH, body).status_code

    def dynamodb(self, operation: str, content: bytes = b"{}") -> httpx.Response:
        return self.call("POST", "/", content, x_amz_target=f"{DYNAMODB}.{operation}")


@pytest.fixture
def aws() -> Aws:
    return Aws()


def test_without_an_injected_fault_nothing_fails(aws: Aws) -> None:
    assert aws.dynamodb("PutItem", b"content").content == b"content"


@pytest.mark.parametrize("fault", ["transaction conflict", "transaction throttled"])
def test_transactions_are_cancelled_as_often_as_injected(fault: str, aws: Aws) -> None:
    assert aws.inject(fault, times=2) == 200
    assert aws.dynamodb("PutItem").status_code == 200
    for _ in range(2):
        assert isinstance(judged(_error_of(aws.dynamodb("TransactWriteItems"))), WriteConflict)
    assert aws.dynamodb("TransactWriteItems", b"content").content == b"content"


def test_a_fault_is_for_the_requests_that_match(aws: Aws) -> None:
    aws.inject("write conflict", 1, "acme", "REFUSED")
    assert aws.dynamodb("PutItem", b"acme").content == b"acme"
    assert code_of(_error_of(aws.dynamodb("PutItem", b"REFUSED of acme"))) == "TransactionConflictException"


@pytest.mark.parametrize("fault", ["write throttled", "describe throttled"])
def test_throttling_is_known_to_the_client(fault: str, aws: Aws) -> None:
    aws.inject(fault)
    answer = aws.call("POST", "/", x_amz_target=FAULTS[fault].operations[0])
    assert code_of(_error_of(answer)) in THROTTLED


class TestObjects:
    def test_only_conditional_writes_conflict(self, aws: Aws) -> None:
        aws.inject("object conflict")
        assert aws.call("PUT", "/archive/a", b"x", **OF_S3).status_code == 200
        answer = aws.call("PUT", "/archive/a", b"x", if_none_match="*", **OF_S3)
        assert (answer.status_code, code_of(_error_of(answer))) == (409, "ConditionalRequestConflict")

    def test_only_reads_are_forbidden(self, aws: Aws) -> None:
        aws.inject("object forbidden", 1, "/archive/")
        assert aws.call("PUT", "/archive/a", b"x", **OF_S3).status_code == 200
        assert aws.call("GET", "/uploads/a", b"", **OF_S3).status_code == 200
        assert aws.call("GET", "/archive/a", b"", **OF_S3).status_code == 403


def test_delete_lists_and_removes_the_remaining_faults(aws: Aws) -> None:
    aws.inject("slow down", times=3)
    assert aws.call("DELETE", PATH).json() == [{"fault": "slow down", "times": 3, "match": []}]
    assert aws.call("GET", "/archive/a", b"", **OF_S3).status_code == 200


def test_a_header_beyond_ascii_passes(aws: Aws) -> None:
    headers = {"content-type": "\xe9/\xe9".encode("latin-1")}
    assert aws.call("POST", "/path", b"content", **headers).content == b"content"  # type: ignore[arg-type]


def test_an_unknown_fault_is_rejected(aws: Aws) -> None:
    assert aws.inject("earthquake") == 400


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_happen(name: str, aws: Aws) -> None:
    fault = FAULTS[name]
    aws.inject(name)
    if fault.operations:
        answer = aws.call("POST", "/", x_amz_target=fault.operations[-1])
    else:
        answer = aws.call(fault.methods[0], "/archive/a", b"", if_match="x", **OF_S3)
    assert (answer.status_code, code_of(_error_of(answer))) == (fault.status, fault.code)
