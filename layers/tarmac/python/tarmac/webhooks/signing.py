"""Callbacks: where they may go, how they are signed (Standard Webhooks), and when they are tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac


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
