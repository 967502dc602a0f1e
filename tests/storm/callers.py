"""Clients that lose responses and retry each create until they have the id of its task."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import httpx

from local.stack import StackInfo
from tests.storm.rig import PATIENCE_SECONDS


class Style(Enum):
    """How a client retries."""

    KEY = "the same Idempotency-Key on every request"
    SDK = "no key; X-Stainless-Retry-Count on every retry, as the official SDKs do"


class Loss(Enum):
    """What happens to the first request."""

    NONE = "the client gets a response"
    DROPPED = "its response is lost"
    HUNG_UP = "the client closes the connection after sending the request"
    TIMED_OUT = "the client gives up before the response"
    NEVER_ARRIVED = "the request is lost"


@dataclass(frozen=True)
class Order:
    """One generation that a client requests, with as many retries as it needs."""

    operation: str
    body: Mapping[str, Any]
    style: Style
    loss: Loss
    key: str
    cancel: bool = False
    read: bool = False


@dataclass
class Tally:
    """Counts from many threads, and the ids that clients received."""

    counts: Counter[str] = field(default_factory=Counter)
    ids: list[tuple[Order, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self.counts[name] += count

    def answered(self, order: Order, task_id: str) -> None:
        with self._lock:
            self.ids.append((order, task_id))


class Caller:
    """A client of the API. Safe to use from several threads; gives up only when it is `over`."""

    def __init__(self, info: StackInfo, tally: Tally, over: threading.Event) -> None:
        self._tally = tally
        self._over = over
        self._url = info.api_url
        self._headers = {"Authorization": f"Bearer {info.api_key}", "Content-Type": "application/json"}
        self._http = httpx.Client(base_url=info.api_url, headers=self._headers, trust_env=False, timeout=60)

    def close(self) -> None:
        self._http.close()

    def _pause(self, seconds: float) -> None:
        if self._over.wait(seconds):
            raise RuntimeError("the storm is over before a response came")

    def place(self, order: Order) -> str:
        """Retry until there is an id; then read or cancel the task, as the order requires."""
        task_id = self._create(order)
        self._tally.answered(order, task_id)
        if order.cancel:
            # 404: cancelled by an earlier DELETE with a lost response.
            self._insist("DELETE", f"/v1/tasks/{task_id}", (204, 404))
            self._tally.add("cancels")
        elif order.read:
            self._insist("GET", f"/v1/tasks/{task_id}", (200,))
        return task_id

    def _create(self, order: Order) -> str:
        content = json.dumps(order.body).encode()
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        for number in range(1_000_000):
            headers = {"Idempotency-Key": order.key} if order.style is Style.KEY else {}
            if order.style is Style.SDK and number:
                headers["X-Stainless-Retry-Count"] = str(number)
            self._tally.add("requests")
            answer = self._send(order, content, headers, order.loss if number == 0 else Loss.NONE)
            if answer is not None and answer.status_code == 200:
                return str(answer.json()["id"])
            assert answer is None or _is_retryable(answer), answer.text
            assert time.monotonic() < give_up_at, f"no response to {order} after {number + 1} requests"
            self._tally.add("lost" if answer is None else f"answered {answer.status_code}")
            self._tally.add(f"retries by {order.style.name}")
            self._pause(0.4)
        raise AssertionError

    def _send(self, order: Order, content: bytes, headers: Mapping[str, str], loss: Loss) -> httpx.Response | None:
        """Return the response, or None if it was lost."""
        path = f"/v1/{order.operation}"
        try:
            match loss:
                case Loss.NEVER_ARRIVED:
                    return None
                case Loss.HUNG_UP:
                    self._send_and_hang_up(path, content, headers)
                    return None
                case Loss.TIMED_OUT:
                    self._http.post(path, content=content, headers=headers, timeout=httpx.Timeout(5, read=0.005))
                    return None
                case Loss.DROPPED:
                    self._http.post(path, content=content, headers=headers)
                    return None
            return self._http.post(path, content=content, headers=headers)
        except (httpx.TransportError, OSError):
            return None

    def _send_and_hang_up(self, path: str, content: bytes, headers: Mapping[str, str]) -> None:
        target = urlsplit(self._url + path)
        assert target.hostname is not None
        lines = {"Host": target.netloc, "Content-Length": str(len(content)), **self._headers, **headers}
        head = f"POST {target.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        with socket.create_connection((target.hostname, target.port), timeout=5) as connection:
            connection.sendall(head.encode() + b"\r\n" + content)

    def _insist(self, method: str, path: str, wanted: tuple[int, ...]) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._http.request(method, path)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code in wanted:
                return
            assert answer is None or _is_retryable(answer), f"{method} {path}: {answer.status_code} {answer.text}"
            assert time.monotonic() < give_up_at, f"no response to {method} {path}"
            self._pause(0.2)


def _is_retryable(answer: httpx.Response) -> bool:
    """Whether the official SDKs retry after this response."""
    return answer.status_code in (408, 409, 429) or answer.status_code >= 500
