"""Tarmac's API as one client calls it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tarmac.http.clients import DEFAULT_SCOPES, ClientStore
from tests.e2e.deployment import Deployment
from tests.e2e.waiting import eventually

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class Api:
    """`client` is the id that the key belongs to."""

    client: str
    key: str
    http: httpx.Client

    @classmethod
    @contextmanager
    def of_new_client(
        cls, deployment: Deployment, name: str | None = None, scopes: tuple[str, ...] = DEFAULT_SCOPES
    ) -> Iterator[Api]:
        name = name or f"test-{uuid.uuid4().hex[:12]}"
        key = ClientStore(deployment.table).create_key(name, scopes, time.time())
        headers = {"Authorization": f"Bearer {key}", "X-Runway-Version": "2024-11-06"}
        # trust_env: a proxy of the developer's shell does not know our loopback.
        with httpx.Client(base_url=deployment.info.api_url, headers=headers, timeout=60, trust_env=False) as http:
            yield cls(name, key, http)

    def post(self, operation: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        """`idempotency_key="…"` becomes the header Idempotency-Key."""
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"/v1/{operation}", json=body, headers=spelled)

    def create(self, operation: str, body: Mapping[str, Any], **headers: str) -> str:
        """The id of an accepted task."""
        answer = self.post(operation, body, **headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def read(self, task_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/v1/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def delete(self, task_id: str) -> int:
        """Return the status of the response."""
        return self.http.delete(f"/v1/tasks/{task_id}").status_code

    def seen(self, task_id: str, *statuses: str) -> dict[str, Any]:
        """Return the task once its status is one of these."""
        what = f"task {task_id} to show {' or '.join(statuses)}"
        return eventually(lambda: self.read(task_id), lambda task: task["status"] in statuses, what)

    def ended(self, task_id: str) -> dict[str, Any]:
        """Return the task once it has ended, with any status."""
        return self.seen(task_id, *ENDED)

    def ids(self, **query: str) -> list[str]:
        """The ids of all the client's tasks, as its list shows them."""
        answer = self.http.get("/v1/tasks", params={"limit": "100"} | query)
        assert answer.status_code == 200, answer.text
        return [task["id"] for task in answer.json()["data"]]
