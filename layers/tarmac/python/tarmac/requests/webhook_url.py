"""Checks the URL of a webhook in a request."""

from __future__ import annotations

from urllib.parse import urlsplit

from tarmac.requests.media import LONGEST_URL, BadMedia, check_url


def check_webhook_url(value: str, named_origins: frozenset[str]) -> None:
    """Raise BadMedia if a webhook must not be sent to this URL.

    The URL must be https to a domain name, without credentials, in ASCII, with at most 2048 characters. named_origins:
    the only origins that the operator allows (`https://host`), if any; these may be on the loopback interface. The
    addresses of the host are checked when the webhook is sent.
    """
    if len(value) > LONGEST_URL:
        raise BadMedia(f"a URL must have at most {LONGEST_URL} characters")
    if not value.isascii() or any(ord(character) <= 32 or ord(character) == 127 for character in value):
        raise BadMedia("a webhook URL must be ASCII without white space; percent-encode other characters")
    if _origin(value) in named_origins:
        return
    if value[:8].lower() != "https://":
        raise BadMedia("a webhook URL must be an https URL")
    check_url(value)
    if named_origins:
        raise BadMedia("this deployment does not send webhooks to that host (parameter WebhookOrigins)")


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"
