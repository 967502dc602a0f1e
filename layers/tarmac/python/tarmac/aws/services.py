"""Clients of DynamoDB, Secrets Manager, Step Functions, SQS and SNS over httpx.

Methods, parameters and results are those of boto3's clients, so an adapter accepts either. Importing boto3 takes more
than half of a cold start, so only S3, with its streams, signed links and forms, uses it (`s3`). See
docs/decisions/0006-boto3-for-s3-only.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, urlencode, urlsplit

import httpx

from tarmac.partitions import dns_suffix
from tarmac.tls import tls_context

if TYPE_CHECKING:
    from typing import Unpack

    from tarmac.aws import request_types as requests

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
"""4xx errors that are retried. Source: AWS SDKs reference guide, "Retry behavior", mode `standard`."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The protocol of a service.

    host: its name in addresses and signatures. target: the prefix of an operation in `X-Amz-Target`; None for a service
    that receives forms and responds in XML. version: the version of JSON, or of the API for a service with forms.
    """

    host: str
    target: str | None
    version: str


class ServiceError(Exception):
    """An error response of a service. `response` has the shape of botocore's ClientError, so `code_of` reads both."""

    def __init__(self, code: str, message: str = "", document: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.response: dict[str, Any] = {**(document or {}), "Error": {"Code": code, "Message": message}}


def code_of(error: Exception) -> str:
    """The error code of a service's response; empty for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials in a function's environment, which stay valid as long as the environment exists."""

    access_key: str
    secret_key: str
    session_token: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Credentials:
        """Raises KeyError if the access key or the secret key is not set."""
        token = environment.get("AWS_SESSION_TOKEN") or None
        return cls(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], token)


@cache
def _http() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT, verify=tls_context(), follow_redirects=False, trust_env=False)


class Service:
    """Sends the operations of one service, and retries as boto3 does.

    A request without a response is retried, so a conditional write may find its own earlier result; moves and stores
    handle that. Raises ServiceError, and httpx.TransportError if all attempts failed without a response.
    """

    dialect: ClassVar[Dialect]

    def __init__(
        self,
        url: str,
        region: str,
        credentials: Callable[[], Credentials],
        http: httpx.Client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/") + "/"
        self._scope = (region, self.dialect.host)
        self._credentials = credentials
        self._http = http
        self._sleep = sleep

    @classmethod
    def from_environment(cls) -> Self:
        """The service with the region, endpoint and credentials of the environment."""
        region = os.environ.get("AWS_REGION") or os.environ["AWS_DEFAULT_REGION"]
        url = os.environ.get("AWS_ENDPOINT_URL") or f"https://{cls.dialect.host}.{region}.{dns_suffix(region)}"
        return cls(url, region, Credentials.from_environment, _http())

    def _call(self, operation: str, request: Mapping[str, Any], retry_throttled: bool = True) -> dict[str, Any]:
        headers, body = self._message(operation, request)
        problem: Exception
        for attempt in range(TRIES):
            if attempt:
                longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
                self._sleep(random.random() * longest)
            # Each attempt is signed again, because a signature is valid for five minutes.
            complete = signed(self.url, headers, body, self._scope, self._credentials(), datetime.now(UTC))
            complete |= trace_header()
            try:
                response = self._http.post(self.url, content=body, headers=complete)
            except httpx.TransportError as error:
                problem = error
                continue
            if response.is_success:
                return self._answer(response)
            problem = _error_of(response)
            is_throttled = response.status_code == 429 or code_of(problem) in THROTTLED
            if (is_throttled and not retry_throttled) or (response.status_code < 500 and not is_throttled):
                break
        raise problem

    def _message(self, operation: str, request: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        """The headers and the body of a request."""
        if self.dialect.target is None:
            form = {"Action": operation, "Version": self.dialect.version} | dict(_fields(request))
            return {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, urlencode(form).encode()
        headers = {
            "content-type": f"application/x-amz-json-{self.dialect.version}",
            "x-amz-target": f"{self.dialect.target}.{operation}",
        }
        return headers, json.dumps(request, separators=(",", ":")).encode()

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if self.dialect.target is None or not response.content:
            return {}
        answer: dict[str, Any] = response.json()
        return answer


class DynamoDb(Service):
    dialect = Dialect("dynamodb", "DynamoDB_20120810", "1.0")

    def get_item(self, **request: Unpack[requests.GetItem]) -> dict[str, Any]:
        return self._call("GetItem", request)

    def put_item(self, **request: Unpack[requests.PutItem]) -> dict[str, Any]:
        return self._call("PutItem", request)

    def update_item(self, **request: Unpack[requests.UpdateItem]) -> dict[str, Any]:
        return self._call("UpdateItem", request)

    def delete_item(self, **request: Unpack[requests.DeleteItem]) -> dict[str, Any]:
        return self._call("DeleteItem", request)

    def query(self, **request: Unpack[requests.Query]) -> dict[str, Any]:
        return self._call("Query", request)

    def transact_write_items(self, **request: Unpack[requests.TransactWriteItems]) -> dict[str, Any]:
        return self._call("TransactWriteItems", request)


class SecretsManager(Service):
    dialect = Dialect("secretsmanager", "secretsmanager", "1.1")

    def get_secret_value(self, **request: Unpack[requests.GetSecretValue]) -> dict[str, Any]:
        return self._call("GetSecretValue", request)


class StepFunctions(Service):
    dialect = Dialect("states", "AWSStepFunctions", "1.0")

    def start_execution(self, **request: Unpack[requests.StartExecution]) -> dict[str, Any]:
        return self._call("StartExecution", request)

    def describe_execution(self, **request: Unpack[requests.DescribeExecution]) -> dict[str, Any]:
        # Its calls are limited for the whole account, and the sweeper calls again a minute later.
        return self._call("DescribeExecution", request, retry_throttled=False)


class Sqs(Service):
    dialect = Dialect("sqs", "AmazonSQS", "1.0")

    def send_message(self, **request: Unpack[requests.SendMessage]) -> dict[str, Any]:
        return self._call("SendMessage", request)

    def send_message_batch(self, **request: Unpack[requests.SendMessageBatch]) -> dict[str, Any]:
        return self._call("SendMessageBatch", request)

    def change_message_visibility(self, **request: Unpack[requests.ChangeMessageVisibility]) -> dict[str, Any]:
        return self._call("ChangeMessageVisibility", request)


class Sns(Service):
    dialect = Dialect("sns", None, "2010-03-31")

    def publish(self, **request: Unpack[requests.Publish]) -> dict[str, Any]:
        return self._call("Publish", request)


def trace_header(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The header that continues Lambda's trace and lets Lambda detect recursion, as botocore sends it; not signed."""
    trace = environment.get("_X_AMZN_TRACE_ID")
    if not trace or "AWS_LAMBDA_FUNCTION_NAME" not in environment:
        return {}
    return {"x-amzn-trace-id": quote(trace, safe="-=;:+&[]{}\"',")}


def signed(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    scope: tuple[str, str],
    credentials: Credentials,
    now: datetime,
) -> dict[str, str]:
    """The headers of a POST (names in lower case), completed with those of AWS Signature Version 4.

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
    """The fields of a form. SNS expects each entry of a map as a numbered pair of name and value."""
    for name, value in request.items():
        if not isinstance(value, Mapping):
            yield above + name, value
        elif not above:
            for number, (key, entry) in enumerate(value.items(), start=1):
                yield f"{name}.entry.{number}.Name", key
                yield from _fields(entry, f"{name}.entry.{number}.Value.")
        else:
            raise TypeError(f"a form cannot hold the nested map {above}{name}")


def _error_of(response: httpx.Response) -> ServiceError:
    """The error in a response: XML with `<Code>` and `<Message>`, or a JSON object.

    `{"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": …}`
    """
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
