"""Sends requests to Runway with one key: decides what is retried, and what each failure means for money.

It does not use the official SDK, which retries a create after a lost response and so may buy a second generation
(docs/decisions/0005-httpx-instead-of-the-sdk.md). Requests that change something are sent once; only reads are retried.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tarmac.backoff import backoff
from tarmac.clock import Clock
from tarmac.runway.errors import (
    CreateAmbiguous,
    CreateRefused,
    CreateRejected,
    KeyUnavailable,
    UpstreamGone,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tarmac.tls import tls_context

API_VERSION = "2024-11-06"
READ_TRIES = 3
READ_TIMEOUT = httpx.Timeout(6.0, connect=3.0)
LONGEST_PAUSE_SECONDS = 4.0
"""All attempts and pauses of a read must fit into the 30 s timeout of the functions that read."""

LONGEST_MESSAGE = 1000
"""Characters of Runway's message that are kept, because it goes to rows, notices and executions."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""The transport errors after which nothing was bought. All other errors count as ambiguous."""

_REFUSING = frozenset({401, 409, 425, 429, 503})
_MAYBE_BOUGHT = frozenset({408})


def new_http(timeout_seconds: float = 60.0) -> httpx.Client:
    """An HTTP client that opens a new connection for each request.

    If the server has closed a kept-alive connection, a request fails after it was written, and a create becomes
    ambiguous. After a Lambda function was frozen, all its kept-alive connections are like that.
    """
    return httpx.Client(
        timeout=httpx.Timeout(timeout_seconds, connect=5.0),
        verify=tls_context(),
        limits=httpx.Limits(max_keepalive_connections=0),
        follow_redirects=False,
        trust_env=False,
    )


class RunwayConnection:
    """Requests to Runway with one key. `key(fresh)` returns the key; if `fresh`, it is read from its store again."""

    def __init__(
        self,
        base_url: str,
        key: Callable[[bool], str],
        clock: Clock,
        http: httpx.Client | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._clock = clock
        self.http = http or new_http()
        self._chance = chance or random.Random()

    def send_once(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        method: str = "POST",
        *,
        bearer: str | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx.Response:
        """Send a request that changes something, without retries.

        The exception is a 401, which buys nothing: the request is sent once more with a key that is read again.
        bearer: the caller's token to send instead of the key; 401 and 409 are then errors of the caller. Raises
        CreateRefused, CreateRejected, CreateAmbiguous.
        """
        response = self._send(method, path, body, False, bearer, timeout_seconds)
        if response.status_code == 401 and bearer is None:
            response = self._send(method, path, body, True, bearer, timeout_seconds)
        status = response.status_code
        if response.is_success:
            return response
        if status in (_REFUSING if bearer is None else _REFUSING - {401, 409}):
            raise CreateRefused(
                _message(response), status=status, retry_after_seconds=_retry_after(response, self._clock)
            )
        if 400 <= status < 500 and status not in _MAYBE_BOUGHT:
            raise CreateRejected(_in_words(response), status=status, issues=_issues(response))
        raise CreateAmbiguous(f"Runway answered HTTP {status} to the create")

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        fresh_key: bool,
        bearer: str | None,
        timeout_seconds: float | None,
    ) -> httpx.Response:
        try:
            headers = self._headers(fresh_key, bearer)
        except KeyUnavailable as error:
            raise CreateRefused(str(error), status=401) from error
        timeout = self.http.timeout if timeout_seconds is None else _short(timeout_seconds)
        try:
            return self.http.request(method, self._base_url + path, json=body, headers=headers, timeout=timeout)
        except NEVER_SENT as error:
            raise CreateRefused(f"Runway could not be reached ({type(error).__name__})") from error
        except httpx.RequestError as error:
            raise CreateAmbiguous(f"Runway's response was lost ({type(error).__name__})") from error

    def read(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx.Response:
        """Send a read or a delete, with retries. Raises UpstreamGone, UpstreamUnavailable, and UpstreamRejected if the
        request has a body or a query.

        timeout_seconds: if set, there is a single attempt with this timeout, because a caller waits for the response.
        """
        fresh_key = False
        problem = UpstreamUnavailable("Runway could not be read")
        timeout = READ_TIMEOUT if timeout_seconds is None else _short(timeout_seconds)
        for attempt in range(1, 1 + (READ_TRIES if timeout_seconds is None else 1)):
            if attempt > 1:
                pause = backoff(attempt - 1, self._chance.random(), first_seconds=1.0)
                self._clock.sleep(min(max(pause, problem.retry_after_seconds or 0.0), LONGEST_PAUSE_SECONDS))
            try:
                url, headers = self._base_url + path, self._headers(fresh_key)
                response = self.http.request(method, url, headers=headers, json=body, params=query, timeout=timeout)
            except KeyUnavailable as error:
                raise UpstreamUnavailable(str(error)) from error
            except httpx.RequestError as error:
                problem = UpstreamUnavailable(f"Runway could not be read ({type(error).__name__})")
                continue
            if response.is_success:
                return response
            if response.status_code == 404 or _says_not_exist(response):
                raise UpstreamGone("not found at Runway")
            if response.status_code == 400 and (body is not None or query is not None):
                raise UpstreamRejected(_in_words(response), issues=_issues(response))
            fresh_key = response.status_code == 401
            problem = UpstreamUnavailable(
                f"Runway answered HTTP {response.status_code}",
                status=response.status_code,
                retry_after_seconds=_retry_after(response, self._clock),
            )
        raise problem

    def _headers(self, fresh_key: bool, bearer: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {bearer or self._key(fresh_key)}", "X-Runway-Version": API_VERSION}


def _short(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(1.0, seconds))


def document_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in a response. Raises UpstreamUnavailable if it is not a JSON object."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UpstreamUnavailable("Runway's response is not a JSON object")
    return answer


def _message(response: httpx.Response) -> str:
    """The error message of a response: Runway's `error`, or a reseller's `message`, which may be inside `error`."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    message = answer.get("error") or answer.get("message") if isinstance(answer, dict) else None
    if isinstance(message, dict):
        message = message.get("message")
    return str(message)[:LONGEST_MESSAGE] if message else f"Runway answered HTTP {response.status_code}"


def _in_words(response: httpx.Response) -> str:
    """The error message of a response with its issues and their fields, so that the caller can fix the request."""
    named = [
        f"{'.'.join(map(str, issue.get('path') or ()))}: {issue.get('message')}"
        for issue in _issues(response)
        if isinstance(issue, dict)
    ]
    return "; ".join([_message(response), *named])[:LONGEST_MESSAGE]


def _says_not_exist(response: httpx.Response) -> bool:
    """Whether CometAPI reports that a task does not exist, either any more or yet."""
    try:
        return bool(response.json()["code"] == "task_not_exist")
    except (ValueError, TypeError, KeyError):
        return False


def _issues(response: httpx.Response) -> list[Any]:
    try:
        issues = response.json()["issues"]
    except (ValueError, TypeError, KeyError):
        return []
    return issues if isinstance(issues, list) else []


def _retry_after(response: httpx.Response, clock: Clock) -> float | None:
    """The seconds in a `Retry-After` header, which is a number or an HTTP date; None if there is none."""
    value = response.headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(clock.now(), UTC)).total_seconds())
