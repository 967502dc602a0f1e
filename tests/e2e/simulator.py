"""Runway's side: requests that the simulator received, tasks that it would bill, and its outputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.stack import SIMULATOR_KEY, StackInfo

HEADERS = {"Authorization": f"Bearer {SIMULATOR_KEY}", "X-Runway-Version": "2024-11-06"}


@dataclass(frozen=True)
class Simulator:
    http: httpx.Client
    _bodies: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def of(cls, stack: StackInfo) -> Iterator[Simulator]:
        with httpx.Client(base_url=stack.runway_base_url, headers=HEADERS, timeout=30, trust_env=False) as http:
            yield cls(http)

    def creates(self, marker: str) -> list[dict[str, Any]]:
        """The ledger's entries with the marker in the body: what was bought, also where the response was lost."""
        ledger = self.http.get("/_simulator/ledger").raise_for_status().json()
        return [entry for entry in ledger["creates"] if marker in self.body_text(entry["id"])]

    def billed(self, upstream_id: str) -> dict[str, Any]:
        """The ledger's entry of one of Runway's tasks."""
        ledger = self.http.get("/_simulator/ledger").raise_for_status().json()
        found: dict[str, Any] = next(entry for entry in ledger["creates"] if entry["id"] == upstream_id)
        return found

    def body_text(self, upstream_id: str) -> str:
        """The create's body exactly as it came."""
        if upstream_id not in self._bodies:
            answer = self.http.get(f"/_simulator/tasks/{upstream_id}/body").raise_for_status()
            self._bodies[upstream_id] = answer.text
        return self._bodies[upstream_id]

    def task(self, upstream_id: str) -> dict[str, Any]:
        """Runway's own response to a GET, with links to its outputs."""
        answer: dict[str, Any] = self.http.get(f"/v1/tasks/{upstream_id}").raise_for_status().json()
        return answer

    def output(self, upstream_id: str, number: int = 0) -> bytes:
        """The bytes of one of Runway's outputs."""
        return self.http.get(self.task(upstream_id)["output"][number]).raise_for_status().content

    def put_record(self, kind: str, record_id: str, body: dict[str, Any]) -> None:
        """Put something into Runway's account under this id, ready at once: a router, a workflow, an avatar, …"""
        self.http.put(f"/_simulator/records/{kind}/{record_id}", json=body).raise_for_status()

    def rule(self, marker: str, directives: str, times: int) -> None:
        """The next `times` creates with this marker run under these directives."""
        wanted = {"match": {"contains": marker}, "directives": directives, "times": times}
        self.http.post("/_simulator/faults", json=wanted).raise_for_status()
