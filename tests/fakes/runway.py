"""Runway in memory: it bills what it accepts, and fails when set to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from tarmac.media.downloads import CountingStream, Download, LinkExpired
from tarmac.runway.errors import UpstreamGone
from tarmac.runway.ports import Created, UpstreamTask

MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 16


@dataclass
class FakeRunway:
    """Responses come from `script` first: an exception is raised, with `bills` on it after the task was made."""

    tasks: dict[str, UpstreamTask] = field(default_factory=dict)
    bodies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    refuse: list[Exception] = field(default_factory=list)
    lose: list[Exception] = field(default_factory=list)
    unreadable: list[Exception] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    refuse_uploads: list[Exception] = field(default_factory=list)
    refuse_cancels: list[Exception] = field(default_factory=list)
    account: dict[str, Any] = field(default_factory=dict)
    asked_for_usage: list[Mapping[str, Any]] = field(default_factory=list)
    relayed: list[tuple[str, str, Mapping[str, str], Mapping[str, Any] | None]] = field(default_factory=list)
    answer: dict[str, Any] | None = field(default_factory=dict)

    def create(self, operation: str, body: Mapping[str, Any]) -> Created:
        if self.refuse:
            raise self.refuse.pop(0)
        upstream_id = f"up-{len(self.tasks) + 1}"
        self.tasks[upstream_id] = UpstreamTask(upstream_id, "PENDING")
        self.bodies[upstream_id] = body
        if self.lose:
            raise self.lose.pop(0)
        return Created(upstream_id, 25.0)

    def task(self, upstream_id: str) -> UpstreamTask:
        if self.unreadable:
            raise self.unreadable.pop(0)
        if upstream_id not in self.tasks:
            raise UpstreamGone("Runway does not know the task")
        return self.tasks[upstream_id]

    def cancel(self, upstream_id: str) -> None:
        if self.refuse_cancels:
            raise self.refuse_cancels.pop(0)
        self.cancelled.append(upstream_id)
        self.tasks.pop(upstream_id, None)

    def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
        if self.refuse_uploads:
            raise self.refuse_uploads.pop(0)
        uri = f"runway://upload-{len(self.uploads) + 1}"
        self.uploads[uri] = content.read()
        return uri

    def organization(self) -> dict[str, Any]:
        if self.unreadable:
            raise self.unreadable.pop(0)
        return self.account

    def organization_usage(self, span: Mapping[str, Any]) -> dict[str, Any]:
        self.asked_for_usage.append(span)
        return self.organization()

    def relay(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        self.relayed.append((method, path, dict(query), body))
        if self.unreadable:
            raise self.unreadable.pop(0)
        return self.answer

    def now(self, upstream_id: str, status: str, **fields: Any) -> None:
        """Set the status of a task."""
        self.tasks[upstream_id] = replace(self.tasks[upstream_id], status=status, **fields)


@dataclass
class FakeDownloads:
    """Outputs by link."""

    contents: dict[str, bytes] = field(default_factory=dict)
    problems: list[Exception] = field(default_factory=list)

    @contextmanager
    def open(self, url: str) -> Iterator[Download]:
        if self.problems:
            raise self.problems.pop(0)
        if url not in self.contents:
            raise LinkExpired("the output's link answered HTTP 403")
        content = self.contents[url]
        yield Download(CountingStream(iter([content]), len(content), float("inf")), len(content))
