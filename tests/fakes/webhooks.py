"""Fakes for webhooks: a queue in memory, and a sender with scripted responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class MemoryQueue:
    sent: list[str] = field(default_factory=list)
    postponed: list[tuple[str, int]] = field(default_factory=list)

    def send(self, message: str) -> None:
        self.sent.append(message)

    def send_all(self, messages: Sequence[str]) -> None:
        self.sent.extend(messages)

    def postpone(self, receipt: str, seconds: int) -> None:
        self.postponed.append((receipt, seconds))


@dataclass(frozen=True)
class Posted:
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class FakeWebhookSender:
    """Returns the responses in `script`, status codes or exceptions to raise; after that 204."""

    script: list[int | Exception] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.posted.append(Posted(url, headers, body))
        answer = self.script.pop(0) if self.script else 204
        if isinstance(answer, Exception):
            raise answer
        return answer
