"""A client of a stack's HTTP API, for the commands that create and follow tasks."""

from __future__ import annotations

import json
import mimetypes
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from local.commands.target import find_target
from local.errors import LocalError, Refused, TryLater, Unreachable

if TYPE_CHECKING:
    import httpx

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="TARMAC_API_KEY",
        help="Client key, from `tarmac clients create`. Default: the key of the local stack.",
        show_default=False,
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="TARMAC_API_URL",
        help="API base URL. Use it instead of --stack if you have a client key but no AWS credentials.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
RUNWAY_VERSION = "2024-11-06"
_TRIES = 4
_LONGEST_PAUSE_SECONDS = 20.0


@dataclass(frozen=True)
class Api:
    """An authenticated client of the API. pace_seconds: time between two polls of a task."""

    http: httpx.Client
    pace_seconds: float

    def create(self, operation: str, body: Mapping[str, Any], idempotency_key: str | None = None) -> dict[str, Any]:
        """Create a task; return `{id, estimatedCost}`. An idempotency key makes every retry safe."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._call("POST", f"/v1/{operation}", json=body, headers=headers)

    def task(self, task_id: str) -> dict[str, Any]:
        """Return the task in Runway's shape. Raise Refused if it is not found."""
        return self._call("GET", f"/v1/tasks/{quote(task_id, safe='')}")

    def tasks(self, limit: int, status: str | None = None) -> list[dict[str, Any]]:
        """Return the newest tasks, from as many pages as needed."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query = {"limit": str(min(100, limit - len(found))), "status": status, "cursor": cursor}
            params = {name: value for name, value in query.items() if value is not None}
            page = self._call("GET", "/v1/tasks", params=params)
            found += page["data"]
            cursor = page["nextCursor"]
            if cursor is None or len(found) >= limit:
                return found[:limit]

    def cancel(self, task_id: str) -> None:
        """Cancel a task. Raise LocalError if it has ended, because the API's DELETE would then delete it."""
        status = self.task(task_id)["status"]
        if status in ENDED:
            raise LocalError(f"the task {task_id} has ended: {status}")
        self._call("DELETE", f"/v1/tasks/{quote(task_id, safe='')}")

    def upload(self, path: Path) -> str:
        """Upload a file; return its URI, which creates accept for 24 hours. Raise Refused if it is not a media file."""
        import httpx

        if not path.is_file():
            raise Refused(f"{path}: file not found")
        slot = self._call("POST", "/v1/uploads", json={"filename": path.name, "type": "ephemeral"})
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        # The form contains its own signature, so the client key is not sent.
        with path.open("rb") as content, _client(slot["uploadUrl"], timeout_seconds=600) as http:
            try:
                answer = http.post(
                    slot["uploadUrl"], data=slot["fields"], files={"file": (path.name, content, content_type)}
                )
            except httpx.TransportError as error:
                raise Unreachable(f"{path} could not be uploaded: {type(error).__name__}") from error
        if answer.is_error:
            raise Refused(f"{path} was rejected: {_s3_message(answer.text)}")
        return str(slot["uri"])

    def download(self, link: str, path: Path) -> None:
        """Download an output into a file, completely or not at all. Raise LocalError if it fails."""
        import httpx

        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + ".part")
        try:
            with _client(link, timeout_seconds=120) as http, http.stream("GET", link) as answer:
                if answer.status_code != HTTPStatus.OK:
                    raise LocalError(f"{path.name} could not be downloaded: {answer.status_code}")
                with scratch.open("wb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
            scratch.replace(path)
        except httpx.TransportError as error:
            raise Unreachable(f"{path.name} could not be downloaded: {type(error).__name__}") from error
        finally:
            scratch.unlink(missing_ok=True)

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """Send a request, with retries; return the answer's JSON, or {}. All requests are safe to retry."""
        import httpx

        for number in range(1, _TRIES + 1):
            try:
                answer = self.http.request(method, path, **request)
            except httpx.TransportError as error:
                if number == _TRIES or isinstance(error, httpx.ConnectError):
                    raise Unreachable(
                        f"{self.http.base_url} does not answer ({type(error).__name__}). Check that the stack is up"
                    ) from error
                answer = None
            if answer is not None and (not _is_temporary(answer) or number == _TRIES):
                break
            time.sleep(_pause(number, answer))
        assert answer is not None
        return _content(answer)


@contextmanager
def open_api(stack: str | None, url: str | None, key: str | None) -> Iterator[Api]:
    """Open the API of a stack on AWS, of a URL, or of the local stack. Raise Unreachable or Refused."""
    if stack and url:
        raise Refused("use --stack or --url, not both (TARMAC_STACK, TARMAC_API_URL)")
    pace_seconds = 3.0
    if url is None:
        target = find_target(stack)
        url = target.outputs["ApiUrl"]
        if target.is_local:
            from local.stack import Stack

            info = Stack.from_environment().info()
            key, pace_seconds = key or info.api_key, max(0.2, 2 * info.time_scale)
    if not key:
        raise Refused("a client key is required: set TARMAC_API_KEY or --key; `tarmac clients create NAME` creates one")
    with connected(url, key, pace_seconds) as api:
        yield api


@contextmanager
def connected(url: str, key: str, pace_seconds: float = 3.0) -> Iterator[Api]:
    """Open the API at a URL with a client key. Raise Refused if the URL is invalid."""
    headers = {"Authorization": f"Bearer {key}", "X-Runway-Version": RUNWAY_VERSION}
    with _client(url, timeout_seconds=60, base_url=url.rstrip("/"), headers=headers) as http:
        yield Api(http, pace_seconds)


def _client(url: str, timeout_seconds: float, **settings: Any) -> httpx.Client:
    import httpx

    try:
        # A proxy from the developer's shell cannot reach this machine's loopback addresses.
        is_loopback = urlsplit(url).hostname in ("127.0.0.1", "localhost")
        return httpx.Client(timeout=httpx.Timeout(timeout_seconds, connect=10), trust_env=not is_loopback, **settings)
    except (ValueError, httpx.InvalidURL) as error:
        raise Refused(f"{url} is not a valid URL: {error}") from error


def _is_temporary(answer: httpx.Response) -> bool:
    """Return whether the same request may succeed later."""
    return answer.is_server_error or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS


def _pause(number: int, answer: httpx.Response | None) -> float:
    """Return the seconds to wait before the next attempt: those of Retry-After, or an exponential backoff."""
    header = "" if answer is None else answer.headers.get("retry-after", "")
    return min(_LONGEST_PAUSE_SECONDS, float(header) if header.isdigit() else 0.5 * 2**number)


def _content(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON of a successful answer. Raise Unreachable, Refused or TryLater for any other."""
    status = answer.status_code
    if answer.is_success:
        try:
            content = answer.json() if answer.content else {}
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise Unreachable(f"{answer.url.host} did not answer with JSON. Check that this is the address of the API")
        return content
    message, issues = _error(answer)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise Unreachable(f"the key was rejected: {message}")
    if not _is_temporary(answer):
        raise Refused(message, issues)
    raise TryLater(f"the API failed with {status}: {message}", issues)


def _error(answer: httpx.Response) -> tuple[str, list[dict[str, Any]]]:
    """Return the message and the issues of an error, from the API or from API Gateway."""
    try:
        body = answer.json()
        issues = [{"path": list(issue["path"]), "message": str(issue["message"])} for issue in body.get("issues") or ()]
        return str(body.get("error") or body.get("message") or answer.reason_phrase), issues
    except (ValueError, AttributeError, KeyError, TypeError):
        return answer.text[:200] or answer.reason_phrase, []


def _s3_message(text: str) -> str:
    """Return the message in an error of S3, which is XML."""
    _, found, rest = text.partition("<Message>")
    return rest.partition("</Message>")[0] if found else text[:200]


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    print(json.dumps(value, ensure_ascii=False), flush=True)
