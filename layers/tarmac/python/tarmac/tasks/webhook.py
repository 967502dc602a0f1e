"""The webhook of a task: its URL, its delivery record and what a receiver's answer means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from tarmac.clock import from_iso, to_iso

Verdict = Literal["delivered", "gone", "failed"]


def shown_url(url: str) -> str:
    """The URL without query and fragment, where a token may be."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def verdict_of(status: int | None) -> Verdict:
    """What an answer means; None is no answer. 410: the receiver wants no more. A redirect is not followed."""
    if status is not None and 200 <= status < 300:
        return "delivered"
    return "gone" if status == 410 else "failed"


class WebhookState(StrEnum):
    """PENDING until the receiver has taken the callback, or all tries are spent (or it said 410: no more)."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a task's ending is posted to, and what has come of it. The URL may hold a token: it is never logged.

    last_status: of the last answer, None where there was none.
    """

    url: str
    state: WebhookState = WebhookState.PENDING
    tries: int = 0
    last_status: int | None = None
    last_tried_at: float | None = None
    delivered_at: float | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be sent. Given up is not settled: a redriven message tries again."""
        return self.state is WebhookState.DELIVERED or (self.state is WebhookState.FAILED and self.last_status == 410)


def _webhook_to_row(webhook: Webhook) -> dict[str, Any]:
    row = {
        "url": webhook.url,
        "state": webhook.state.value,
        "tries": webhook.tries,
        "lastStatus": webhook.last_status,
        "lastTriedAt": None if webhook.last_tried_at is None else to_iso(webhook.last_tried_at),
        "deliveredAt": None if webhook.delivered_at is None else to_iso(webhook.delivered_at),
    }
    return {name: value for name, value in row.items() if value is not None}


def _webhook_from_row(row: Mapping[str, Any]) -> Webhook:
    tried_at, delivered_at = row.get("lastTriedAt"), row.get("deliveredAt")
    return Webhook(
        row["url"],
        WebhookState(row["state"]),
        row["tries"],
        row.get("lastStatus"),
        None if tried_at is None else from_iso(tried_at),
        None if delivered_at is None else from_iso(delivered_at),
    )
