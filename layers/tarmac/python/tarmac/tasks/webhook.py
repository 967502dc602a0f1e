"""The webhook of a task: its URL, its delivery record and what a receiver's answer means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from tarmac.rows import RowFields, stored_enum

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


WEBHOOK = RowFields(Webhook, stored={"state": stored_enum(WebhookState)})
