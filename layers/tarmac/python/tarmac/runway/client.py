"""The Runway API over httpx.

Not the official SDK: that one repeats a create whose answer was lost, which may buy a second generation
(docs/decisions.md, "Raw httpx"). Here a create is one POST; only reads are tried again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

import httpx

from tarmac.clock import Clock
from tarmac.ports import Created, UpstreamTask
from tarmac.rules.pacing import backoff
from tarmac.runway.errors import (
    CreateAmbiguous,
    CreateRefused,
    CreateRejected,
    KeyUnavailable,
    UpstreamGone,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tarmac.runway.shapes import credits_of, parse_task

API_VERSION = "2024-11-06"
READ_TRIES = 3
READ_TIMEOUT = httpx.Timeout(6.0, connect=3.0)
LONGEST_PAUSE_SECONDS = 4.0
"""All tries and the pauses between them fit into the 30 s that functions which read have."""

LONGEST_MESSAGE = 1000
"""Characters of Runway's own words that are passed on: they go to a row, a notice and an execution's cause."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""The only transport errors after which nothing can have been bought. All others fall on the dangerous side."""

_REFUSING = frozenset({401, 409, 425, 429, 503})
_MAYBE_BOUGHT = frozenset({408})


def new_http(timeout_seconds: float = 60.0) -> httpx.Client:
    """A client whose connections serve one request each.

    A kept-alive connection that the other side has just closed fails after the request was written, which would make
    an ambiguous create out of a plain one; a frozen Lambda wakes up with only such connections.
    """
    return httpx.Client(
        timeout=httpx.Timeout(timeout_seconds, connect=5.0),
        limits=httpx.Limits(max_keepalive_connections=0),
        follow_redirects=False,
        trust_env=False,
    )


class RunwayClient:
    """Runway's API for one key. `key(fresh)` gives the key, read anew from its store when `fresh`."""

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
        self._http = http or new_http()
        self._chance = chance or random.Random()

    def create(self, operation: str, body: Mapping[str, Any]) -> Created:
        response = self._send_create(f"/v1/{operation}", body)
        try:
            answer = response.json()
            upstream_id = answer["id"]
        except (ValueError, TypeError, KeyError):
            raise CreateAmbiguous("Runway's answer to the create was unreadable") from None
        if not isinstance(upstream_id, str) or not upstream_id:
            raise CreateAmbiguous("Runway's answer to the create has no id")
        return Created(upstream_id, credits_of(answer, "estimatedCost"))

    def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
        try:
            slot = self._send_create("/v1/uploads", {"filename": filename, "type": "ephemeral"})
        except CreateAmbiguous as error:
            # An upload slot costs nothing: one lost with its answer is simply asked for again.
            raise CreateRefused(str(error)) from error
        try:
            answer = slot.json()
            upload_url, fields, uri = httpx.URL(answer["uploadUrl"]), dict(answer["fields"]), answer["runwayUri"]
        except (ValueError, TypeError, KeyError, httpx.InvalidURL):
            raise CreateRefused("Runway's answer to an upload was unreadable") from None
        try:
            # Runway's key must not travel to the storage host, so this request is built without the usual headers.
            stored = self._http.post(upload_url, data=fields, files={"file": (filename, content, content_type)})
        except httpx.RequestError as error:
            raise CreateRefused(f"an input could not be uploaded to Runway ({type(error).__name__})") from error
        if stored.status_code in (400, 413, 415):
            raise CreateRejected("Runway's storage refused an input", status=400)
        if not stored.is_success:
            raise CreateRefused(f"an input could not be uploaded to Runway (HTTP {stored.status_code})")
        return str(uri)

    def task(self, upstream_id: str) -> UpstreamTask:
        response = self._read("GET", f"/v1/tasks/{upstream_id}")
        try:
            return parse_task(upstream_id, response.json())
        except ValueError:
            raise UpstreamUnavailable("Runway's task was unreadable") from None

    def cancel(self, upstream_id: str) -> None:
        try:
            self._read("DELETE", f"/v1/tasks/{upstream_id}")
        except UpstreamGone:
            return

    def organization(self) -> dict[str, Any]:
        return _document(self._read("GET", "/v1/organization"))

    def organization_usage(self, span: Mapping[str, Any]) -> dict[str, Any]:
        return _document(self._read("POST", "/v1/organization/usage", span))

    def _send_create(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """One POST; a second one only after a 401, once, with the key fetched afresh: a 401 buys nothing."""
        response = self._post_once(path, body, fresh_key=False)
        if response.status_code == 401:
            response = self._post_once(path, body, fresh_key=True)
        status = response.status_code
        if response.is_success:
            return response
        if status in _REFUSING:
            raise CreateRefused(
                _message(response), status=status, retry_after_seconds=_retry_after(response, self._clock)
            )
        if 400 <= status < 500 and status not in _MAYBE_BOUGHT:
            raise CreateRejected(_in_words(response), status=status, issues=_issues(response))
        raise CreateAmbiguous(f"Runway answered HTTP {status} to the create")

    def _post_once(self, path: str, body: Mapping[str, Any], fresh_key: bool) -> httpx.Response:
        try:
            headers = self._headers(fresh_key)
        except KeyUnavailable as error:
            raise CreateRefused(str(error), status=401) from error
        try:
            return self._http.post(self._base_url + path, json=body, headers=headers)
        except NEVER_SENT as error:
            raise CreateRefused(f"Runway could not be reached ({type(error).__name__})") from error
        except httpx.RequestError as error:
            raise CreateAmbiguous(f"Runway's answer was lost ({type(error).__name__})") from error

    def _read(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """A read or a delete, which may be repeated. Raises UpstreamGone, UpstreamUnavailable, and for a read that has
        a body UpstreamRejected."""
        fresh_key = False
        problem = UpstreamUnavailable("Runway could not be read")
        for attempt in range(1, READ_TRIES + 1):
            if attempt > 1:
                pause = backoff(attempt - 1, self._chance.random(), first_seconds=1.0)
                self._clock.sleep(min(max(pause, problem.retry_after_seconds or 0.0), LONGEST_PAUSE_SECONDS))
            try:
                url, headers = self._base_url + path, self._headers(fresh_key)
                response = self._http.request(method, url, headers=headers, json=body, timeout=READ_TIMEOUT)
            except KeyUnavailable as error:
                raise UpstreamUnavailable(str(error)) from error
            except httpx.RequestError as error:
                problem = UpstreamUnavailable(f"Runway could not be read ({type(error).__name__})")
                continue
            if response.is_success:
                return response
            if response.status_code == 404 or _says_not_exist(response):
                raise UpstreamGone("Runway does not know the task")
            if response.status_code == 400 and body is not None:
                raise UpstreamRejected(_message(response), issues=_issues(response))
            fresh_key = response.status_code == 401
            problem = UpstreamUnavailable(
                f"Runway answered HTTP {response.status_code}",
                status=response.status_code,
                retry_after_seconds=_retry_after(response, self._clock),
            )
        raise problem

    def _headers(self, fresh_key: bool) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key(fresh_key)}", "X-Runway-Version": API_VERSION}


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UpstreamUnavailable("Runway's answer was unreadable")
    return answer


def _message(response: httpx.Response) -> str:
    """Runway's own words, where it has any."""
    try:
        message = response.json()["error"]
    except (ValueError, TypeError, KeyError):
        message = None
    return str(message)[:LONGEST_MESSAGE] if message else f"Runway answered HTTP {response.status_code}"


def _in_words(response: httpx.Response) -> str:
    """Runway's message with its issues, each by the field it names: what a caller needs to mend the request."""
    named = [
        f"{'.'.join(map(str, issue.get('path') or ()))}: {issue.get('message')}"
        for issue in _issues(response)
        if isinstance(issue, dict)
    ]
    return "; ".join([_message(response), *named])[:LONGEST_MESSAGE]


def _says_not_exist(response: httpx.Response) -> bool:
    """CometAPI's word for a task that is gone, or so fresh that it is not there yet."""
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
    """Seconds, from either form of the header (a number, an HTTP date)."""
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
