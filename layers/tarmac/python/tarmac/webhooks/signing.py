"""Signatures of webhooks, by the Standard Webhooks specification (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac


def secret_of(root: str, client: str) -> str:
    """Return the client's signing secret: `whsec_` and base64 of 32 bytes, derived from the root and not stored."""
    derived = hmac.digest(root.encode(), b"tarmac webhook secret v1\0" + client.encode(), "sha256")
    return "whsec_" + base64.b64encode(derived).decode()


def signed_headers(secret: str, event_id: str, now: float, body: bytes) -> dict[str, str]:
    """Return the headers of the Standard Webhooks specification. now: epoch seconds.

    Receivers reject a timestamp that is minutes old, so each try needs a new signature.
    """
    timestamp = str(int(now))
    signature = hmac.new(
        base64.b64decode(secret.removeprefix("whsec_")), f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256
    )
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(signature.digest()).decode(),
    }
