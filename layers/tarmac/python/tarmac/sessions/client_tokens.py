"""Client tokens: what a page may carry instead of a key. Signed, short-lived, for one origin and a few sessions.

A token is all that it says and a signature; the table only counts how often it was used.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass

LONGEST_SECONDS = 300
MOST_SESSIONS = 100

_PREFIX = "ct_"
_LONGEST_TOKEN = 4000
"""More than the longest says: an avatar's id may take six bytes a character in JSON, and Base64 adds a third."""


class BadToken(Exception):
    """The message says why, and is meant for whoever opens the page's console."""


@dataclass(frozen=True, slots=True)
class ClientToken:
    """avatar_id: the only avatar or preset that it is good for; None is any that the client may use."""

    id: str
    client: str
    origin: str
    max_sessions: int
    expires_at: int
    avatar_id: str | None = None


def signing_key(root: str) -> bytes:
    """Derived like the secrets of callbacks, and different from them all: no client's name begins like this."""
    return hmac.digest(root.encode(), b"tarmac client token v1", "sha256")


def signed(token: ClientToken, key: bytes) -> str:
    """Safe in a URL as it is."""
    claims = [token.id, token.client, token.origin, token.max_sessions, token.expires_at, token.avatar_id]
    payload = _text(json.dumps(claims, separators=(",", ":")).encode())
    return f"{_PREFIX}{payload}.{_signature(payload, key)}"


def verified(text: str, key: bytes, now: float, origin: str | None) -> ClientToken:
    """The token, if it is ours, alive, and comes from the page that it was made for. Raises BadToken.

    origin: the request's header, which a browser sends with every POST and a page cannot change.
    """
    payload, dot, signature = text.removeprefix(_PREFIX).partition(".")
    known = text.startswith(_PREFIX) and bool(dot) and len(text) <= _LONGEST_TOKEN and text.isascii()
    if not known or not hmac.compare_digest(signature, _signature(payload, key)):
        raise BadToken("This client token is not one of this deployment")
    token = _claims(payload)
    if now >= token.expires_at:
        raise BadToken("This client token has expired: ask your server for a new one (POST /v1/client_tokens)")
    if origin != token.origin:
        raise BadToken(f"This client token is for pages of {token.origin}")
    return token


def _claims(payload: str) -> ClientToken:
    try:
        # Padding that is not needed is ignored.
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        token_id, client, origin, max_sessions, expires_at, avatar_id = claims
    except (ValueError, TypeError, binascii.Error):
        raise BadToken("This client token is of another version: ask your server for a new one") from None
    return ClientToken(token_id, client, origin, max_sessions, expires_at, avatar_id)


def _signature(payload: str, key: bytes) -> str:
    return _text(hmac.digest(key, payload.encode(), "sha256"))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
