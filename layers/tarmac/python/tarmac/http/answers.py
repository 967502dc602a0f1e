"""Answers of the API: a response, an error in Runway's shape, and JSON as it is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.requests.validation import Issue

LONGEST_RETRY_SECONDS = 60
"""Runway's SDKs ignore a longer `retry-after`."""

UNAVAILABLE_RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `body`: None for an empty one, a string is sent as it is, a mapping as JSON."""

    status: int
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An error response in Runway's shape: `{"error", "issues"?}`.

    should_retry: overrides the rule of Runway's SDKs for this status. retry_after_seconds: sent as `retry-after`, at
    most a minute; a 503 always has one.
    """

    def __init__(
        self,
        status: int,
        message: str,
        issues: list[Issue] | None = None,
        *,
        should_retry: bool | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.issues = issues or []
        self.should_retry = should_retry
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        wait = self.retry_after_seconds
        if wait is None and self.status == 503:
            wait = UNAVAILABLE_RETRY_SECONDS
        headers = {} if wait is None else {"retry-after": str(min(LONGEST_RETRY_SECONDS, max(1, round(wait))))}
        if self.should_retry is not None:
            headers["x-should-retry"] = str(self.should_retry).lower()
        return headers

    def as_answer(self) -> Answer:
        body: dict[str, Any] = {"error": self.message}
        if self.issues:
            body["issues"] = [issue.as_json() for issue in self.issues]
        return Answer(self.status, body, self.headers)


def to_json(value: Mapping[str, Any]) -> str:
    """Return the value as compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
