"""DynamoDB, Secrets Manager, Step Functions, SQS and SNS over httpx: all that most functions need of AWS.

A service is called as boto3's client of it is (`service.get_item(TableName=…)`) and answers with the same documents, so
either can be handed to an adapter. boto3 and its clients would be more than half of a cold start; S3, with its streams,
signed links and forms, is left to boto3 (`s3`). docs/decisions.md, "AWS with and without boto3".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from tarmac.tls import tls_context

TRIES = 4
TIMEOUT = httpx.Timeout(6.0, connect=2.0)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""What is worth another try though it is a 4xx: of AWS's SDK reference, "Retry behavior", mode `standard`."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a service is spoken to. host: its name in addresses and signatures.

    target: what stands before an operation in `X-Amz-Target`; None for a service that takes forms and answers in XML.
    version: of JSON there, of the API here.
    """

    host: str
    target: str | None
    version: str


DIALECTS = {
    "dynamodb": Dialect("dynamodb", "DynamoDB_20120810", "1.0"),
    "secretsmanager": Dialect("secretsmanager", "secretsmanager", "1.1"),
    "sns": Dialect("sns", None, "2010-03-31"),
    "sqs": Dialect("sqs", "AmazonSQS", "1.0"),
    "stepfunctions": Dialect("states", "AWSStepFunctions", "1.0"),
}


class ServiceError(Exception):
    """A refusal. `response` is as that of botocore's ClientError, so that `code_of` reads both."""

    def __init__(self, code: str, message: str = "", document: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.response: dict[str, Any] = {**(document or {}), "Error": {"Code": code, "Message": message}}


def code_of(error: Exception) -> str:
    """The service's own name of what is wrong; empty for an error that is no answer of a service."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A function's environment holds them; they live as long as it does."""

    access_key: str
    secret_key: str
    session_token: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Credentials:
        """Raises KeyError."""
        token = environment.get("AWS_SESSION_TOKEN") or None
        return cls(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], token)


@cache
def service(name: str) -> Service:
    """One of DIALECTS, with the region, endpoint and credentials of the environment; made once a process."""
    region = os.environ.get("AWS_REGION") or os.environ["AWS_DEFAULT_REGION"]
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = os.environ.get("AWS_ENDPOINT_URL") or f"https://{DIALECTS[name].host}.{region}.{domain}"
    return Service(DIALECTS[name], url, region, Credentials.from_environment, _http())


@cache
def _http() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT, verify=tls_context(), follow_redirects=False, trust_env=False)


class Service:
    """Its operations are its methods, named as boto3 names them: `get_item` sends GetItem.

    What got no answer is sent again, as boto3 does: a conditional write may then meet its own result, which moves and
    stores know. Raises ServiceError, and httpx.TransportError where all tries came to nothing.
    """

    def __init__(
        self,
        dialect: Dialect,
        url: str,
        region: str,
        credentials: Callable[[], Credentials],
        http: httpx.Client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dialect = dialect
        self._url = url.rstrip("/") + "/"
        self._scope = (region, dialect.host)
        self._credentials = credentials
        self._http = http
        self._sleep = sleep

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        if name.startswith("_"):
            raise AttributeError(name)
        operation = "".join(word.title() for word in name.split("_"))
        return lambda **request: self._call(operation, request)

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        headers, body = self._message(operation, request)
        problem: Exception
        for attempt in range(TRIES):
            if attempt:
                longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
                self._sleep(random.random() * longest)
            # Signed anew for each try: a signature is good for five minutes.
            complete = signed(self._url, headers, body, self._scope, self._credentials(), datetime.now(UTC))
            try:
                response = self._http.post(self._url, content=body, headers=complete)
            except httpx.TransportError as error:
                problem = error
                continue
            if response.is_success:
                return self._answer(response)
            problem = _error_of(response)
            if response.status_code < 500 and response.status_code != 429 and code_of(problem) not in THROTTLED:
                break
        raise problem

    def _message(self, operation: str, request: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        if self._dialect.target is None:
            form = {"Action": operation, "Version": self._dialect.version} | dict(_fields(request))
            return {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, urlencode(form).encode()
        if operation == "TransactWriteItems":
            # By it DynamoDB knows the second send of a transaction whose answer was lost.
            request = {"ClientRequestToken": str(uuid.uuid4()), **request}
        headers = {
            "content-type": f"application/x-amz-json-{self._dialect.version}",
            "x-amz-target": f"{self._dialect.target}.{operation}",
        }
        return headers, json.dumps(request, separators=(",", ":")).encode()

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if self._dialect.target is None or not response.content:
            return {}
        answer: dict[str, Any] = response.json()
        return answer


def signed(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    scope: tuple[str, str],
    credentials: Credentials,
    now: datetime,
) -> dict[str, str]:
    """These headers (names in lower case) and those that sign a POST with them: AWS Signature Version 4.

    scope: region and service. url: without a query.
    """
    at = urlsplit(url)
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    known = {**headers, "host": at.netloc, "x-amz-date": moment}
    if credentials.session_token:
        known["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(known))
    lines = "".join(f"{name}:{known[name]}\n" for name in sorted(known))
    request = f"POST\n{at.path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    within = (moment[:8], *scope, "aws4_request")
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{'/'.join(within)}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in within:
        key = hmac.digest(key, part.encode(), "sha256")
    known["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{'/'.join(within)}, SignedHeaders={names}, "
        f"Signature={hmac.digest(key, to_sign.encode(), 'sha256').hex()}"
    )
    return known


def _fields(request: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """A request as the fields of a form: below a map of SNS stand entries, each with a name and a value."""
    for name, value in request.items():
        if not isinstance(value, Mapping):
            yield above + name, value
        elif not above:
            for number, (key, entry) in enumerate(value.items(), start=1):
                yield f"{name}.entry.{number}.Name", key
                yield from _fields(entry, f"{name}.entry.{number}.Value.")
        else:
            raise TypeError(f"a form has no place for {above}{name}")


def _error_of(response: httpx.Response) -> ServiceError:
    """JSON says `{"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": …}`."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if isinstance(document, dict):
        name = str(document.get("__type", "")).rpartition("#")[2].partition(":")[0]
        message = document.get("message") or document.get("Message") or ""
        return ServiceError(name or f"HTTP {response.status_code}", str(message), document)
    code = re.search(r"<Code>([^<]*)</Code>", response.text)
    message = re.search(r"<Message>([^<]*)</Message>", response.text)
    return ServiceError(code[1] if code else f"HTTP {response.status_code}", message[1] if message else "")
