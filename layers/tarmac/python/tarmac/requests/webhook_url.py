"""Which URLs a caller may name as webhook."""

from __future__ import annotations

from urllib.parse import urlsplit

from tarmac.requests.media import LONGEST_URL, BadMedia, check_url


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


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"
