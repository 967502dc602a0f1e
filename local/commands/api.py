"""A stack's HTTP API as one client of it, for the commands that make and follow tasks."""

from __future__ import annotations

import json
import mimetypes
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from local.commands.target import find_target
from local.errors import LocalError, Refused, Troubled, Unreachable

if TYPE_CHECKING:
    import httpx

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="TARMAC_API_KEY",
        help="A client's key (`tarmac clients create`). Without it: that of the local stack.",
        show_default=False,
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="TARMAC_API_URL",
        help="Address of an API, in the place of a stack: for who has a key and no AWS credentials.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
RUNWAY_VERSION = "2024-11-06"
_TRIES = 4
_LONGEST_PAUSE_SECONDS = 20.0


@dataclass(frozen=True)
class Api:
    """`pace_seconds` is how often a task is looked at while somebody waits for it."""

    http: httpx.Client
    pace_seconds: float

    def create(self, operation: str, body: Mapping[str, Any], idempotency_key: str | None = None) -> dict[str, Any]:
        """`{id, estimatedCost}`. With a key of its own where none is given: what is sent again buys nothing again."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._call("POST", f"/v1/{operation}", json=body, headers=headers)

    def task(self, task_id: str) -> dict[str, Any]:
        """The task in Runway's shape. Raises Refused where the client has none of this id."""
        return self._call("GET", f"/v1/tasks/{quote(task_id, safe='')}")

    def tasks(self, limit: int, status: str | None = None) -> list[dict[str, Any]]:
        """The newest ones, as many pages as it takes."""
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
        """Raises LocalError for a task that has ended: there, the API's DELETE would hide it."""
        status = self.task(task_id)["status"]
        if status in ENDED:
            raise LocalError(f"the task {task_id} has ended: {status}")
        self._call("DELETE", f"/v1/tasks/{quote(task_id, safe='')}")

    def upload(self, path: Path) -> str:
        """The URI to name a file by in creates of the next 24 hours. Raises Refused for what is no media file."""
        import httpx

        if not path.is_file():
            raise Refused(f"{path}: there is no such file")
        slot = self._call("POST", "/v1/uploads", json={"filename": path.name, "type": "ephemeral"})
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        # The form is its own permission: the key stays away from it.
        with path.open("rb") as content, _client(slot["uploadUrl"], timeout_seconds=600) as http:
            try:
                answer = http.post(
                    slot["uploadUrl"], data=slot["fields"], files={"file": (path.name, content, content_type)}
                )
            except httpx.TransportError as error:
                raise Unreachable(f"{path} could not be uploaded: {type(error).__name__}") from error
        if answer.status_code >= 400:
            raise Refused(f"{path} was not taken: {_reason_of_s3(answer.text)}")
        return str(slot["uri"])

    def download(self, link: str, path: Path) -> None:
        """Put an output into a file, whole or not at all."""
        import httpx

        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + ".part")
        try:
            with _client(link, timeout_seconds=120) as http, http.stream("GET", link) as answer:
                if answer.status_code != 200:
                    raise LocalError(f"{path.name} could not be fetched: {answer.status_code}")
                with scratch.open("wb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
            scratch.replace(path)
        except httpx.TransportError as error:
            raise Unreachable(f"{path.name} could not be fetched: {type(error).__name__}") from error
        finally:
            scratch.unlink(missing_ok=True)

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer's JSON, {} where it has none. Everything here may be sent again: creates have their key."""
        import httpx

        for number in range(1, _TRIES + 1):
            try:
                answer = self.http.request(method, path, **request)
            except httpx.TransportError as error:
                if number == _TRIES or isinstance(error, httpx.ConnectError):
                    raise Unreachable(
                        f"{self.http.base_url} does not answer ({type(error).__name__}): is the stack up?"
                    ) from error
                answer = None
            if answer is not None and ((answer.status_code < 500 and answer.status_code != 429) or number == _TRIES):
                break
            time.sleep(_pause(number, answer))
        assert answer is not None
        return _judged(answer)


@contextmanager
def open_api(stack: str | None, url: str | None, key: str | None) -> Iterator[Api]:
    """The API of a stack on AWS, of an address, or of the local stack. Raises Unreachable, Refused."""
    if stack and url:
        raise Refused("name a stack or an address, not both (TARMAC_STACK, TARMAC_API_URL)")
    pace_seconds = 3.0
    if url is None:
        target = find_target(stack)
        url = target.outputs["ApiUrl"]
        if target.is_local:
            from local.stack import Stack

            info = Stack.from_environment().info()
            key, pace_seconds = key or info.api_key, max(0.2, 2 * info.time_scale)
    if not key:
        raise Refused("a key is needed: TARMAC_API_KEY or --key; `tarmac clients create NAME` makes one")
    headers = {"Authorization": f"Bearer {key}", "X-Runway-Version": RUNWAY_VERSION}
    with _client(url, timeout_seconds=60, base_url=url.rstrip("/"), headers=headers) as http:
        yield Api(http, pace_seconds)


def _client(url: str, timeout_seconds: float, **settings: Any) -> httpx.Client:
    import httpx

    try:
        # A proxy of the developer's shell does not know our loopback.
        is_loopback = urlsplit(url).hostname in ("127.0.0.1", "localhost")
        return httpx.Client(timeout=httpx.Timeout(timeout_seconds, connect=10), trust_env=not is_loopback, **settings)
    except (ValueError, httpx.InvalidURL) as error:
        raise Refused(f"{url} is no address: {error}") from error


def _pause(number: int, answer: httpx.Response | None) -> float:
    said = "" if answer is None else answer.headers.get("retry-after", "")
    return min(_LONGEST_PAUSE_SECONDS, float(said) if said.isdigit() else 0.5 * 2**number)


def _judged(answer: httpx.Response) -> dict[str, Any]:
    status = answer.status_code
    if status < 300:
        try:
            content = answer.json() if answer.content else {}
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise Unreachable(f"{answer.url.host} does not answer as Tarmac does: is this the address of its API?")
        return content
    words, issues = _words_of(answer)
    if status in (401, 403):
        raise Unreachable(f"the key was not accepted: {words}")
    if status < 500 and status != 429:
        raise Refused(words, issues)
    raise Troubled(f"the API is in trouble ({status}): {words}", issues)


def _words_of(answer: httpx.Response) -> tuple[str, list[dict[str, Any]]]:
    """The message and the issues in an error of the API, or of what stands before it."""
    try:
        said = answer.json()
        issues = [{"path": list(issue["path"]), "message": str(issue["message"])} for issue in said.get("issues") or ()]
        return str(said.get("error") or said.get("message") or answer.reason_phrase), issues
    except (ValueError, AttributeError, KeyError, TypeError):
        return answer.text[:200] or answer.reason_phrase, []


def _reason_of_s3(text: str) -> str:
    """The message in S3's XML."""
    _, found, rest = text.partition("<Message>")
    return rest.partition("</Message>")[0] if found else text[:200]


def print_json(value: Any) -> None:
    """One line of it, at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)
