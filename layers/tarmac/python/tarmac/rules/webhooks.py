"""Callbacks: where they may go, how they are signed (Standard Webhooks), and when they are tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from tarmac.rules.media import LONGEST_URL, BadMedia, check_url

WAITS_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 4 * 3600.0, 10 * 3600.0)
"""After the first try, the second, and so on; 15 hours in all. SQS hides a message for 12 hours at most."""

MAX_TRIES = len(WAITS_SECONDS) + 1
"""WebhookQueue in template.yaml gives a message up after so many receives."""

Verdict = Literal["delivered", "gone", "failed"]


def check_webhook_url(value: str, named_origins: frozenset[str]) -> None:
    """Raise BadMedia unless a callback may go to this URL: https, a name and no address, no credentials, ≤ 2048, ASCII.

    named_origins: those that the operator has named (`https://host`), and then the only ones; one of a loopback is
    fine there. What the name resolves to is looked at when the callback is sent.
    """
    if len(value) > LONGEST_URL:
        raise BadMedia(f"a URL has at most {LONGEST_URL} characters")
    if not value.isascii() or any(ord(character) <= 32 or ord(character) == 127 for character in value):
        raise BadMedia("a webhook URL is ASCII without white space: percent-encode the rest")
    if _origin(value) in named_origins:
        return
    if value[:8].lower() != "https://":
        raise BadMedia("a webhook URL must be an https URL")
    check_url(value)
    if named_origins:
        raise BadMedia("this deployment sends no callbacks to that host")


def shown_url(url: str) -> str:
    """The URL without query and fragment, where a token may be."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def secret_of(root: str, client: str) -> str:
    """The client's signing secret, `whsec_` and base64 of 32 bytes: derived, so that nothing of it is stored."""
    derived = hmac.digest(root.encode(), b"tarmac webhook secret v1\0" + client.encode(), "sha256")
    return "whsec_" + base64.b64encode(derived).decode()


def signed_headers(secret: str, event_id: str, now: float, body: bytes) -> dict[str, str]:
    """The headers that Standard Webhooks asks for. now: epoch seconds; receivers refuse a timestamp that is minutes
    old, so every try is signed anew."""
    timestamp = str(int(now))
    signature = hmac.new(
        base64.b64decode(secret.removeprefix("whsec_")), f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256
    )
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(signature.digest()).decode(),
    }


def verdict_of(status: int | None) -> Verdict:
    """What an answer means; None is no answer. 410: the receiver wants no more. A redirect is not followed."""
    if status is not None and 200 <= status < 300:
        return "delivered"
    return "gone" if status == 410 else "failed"


def wait_after(tries: int, jitter: float) -> float | None:
    """Seconds to wait after the `tries`-th failure (1, 2, …), a tenth longer by a jitter of 1. None: give up."""
    return WAITS_SECONDS[tries - 1] * (1 + 0.1 * jitter) if tries < MAX_TRIES else None


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"
