"""The webhook of a task: its URL, its delivery record, and the meaning of a receiver's response."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from tarmac.rows import RowFields, stored_enum

Verdict = Literal["delivered", "gone", "failed"]


def shown_url(url: str) -> str:
    """Return the URL without query and fragment, which may contain a token."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def verdict_of(status: int | None) -> Verdict:
    """Return the verdict for a status code, None for no response. 410 ends the delivery; a redirect has failed."""
    if status is not None and 200 <= status < 300:
        return "delivered"
    return "gone" if status == 410 else "failed"


class WebhookState(StrEnum):
    """DELIVERED after a 2xx response; FAILED after the last try or a 410; PENDING before that."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook URL and its delivery record. The URL may contain a token, so it is never logged.

    last_status: status code of the last response, None if there was none.
    """

    url: str
    state: WebhookState = WebhookState.PENDING
    tries: int = 0
    last_status: int | None = None
    last_tried_at: float | None = None
    delivered_at: float | None = None

    @property
    def is_settled(self) -> bool:
        """Whether no further try may follow. After the last try, a redriven message may still deliver it."""
        return self.state is WebhookState.DELIVERED or (self.state is WebhookState.FAILED and self.last_status == 410)


WEBHOOK = RowFields(Webhook, stored={"state": stored_enum(WebhookState)})
