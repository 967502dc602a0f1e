"""Client tokens: short-lived credentials that a page uses instead of a client key.

A token is valid for one origin and a limited number of sessions. It consists of its claims and an HMAC over them; the
table stores only how often it was used.
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
"""Longer than any valid token: an avatar id takes up to six bytes per character in JSON, and Base64 adds a third."""


class BadToken(Exception):
    """The client token is invalid. The message gives the reason and is meant for the developer of the page."""


@dataclass(frozen=True, slots=True)
class ClientToken:
    """The claims of a token. expires_at: epoch seconds.

    avatar_id: the only avatar or preset that it allows; None allows each that the client may use.
    """

    id: str
    client: str
    origin: str
    max_sessions: int
    expires_at: int
    avatar_id: str | None = None


def signing_key(root: str) -> bytes:
    """Return the signing key of client tokens, derived from the root secret.

    It differs from all webhook secrets, which are derived from the same root: no client name starts like this label.
    """
    return hmac.digest(root.encode(), b"tarmac client token v1", "sha256")


def signed(token: ClientToken, key: bytes) -> str:
    """Return the token as text, which needs no encoding in a URL."""
    claims = [token.id, token.client, token.origin, token.max_sessions, token.expires_at, token.avatar_id]
    payload = _text(json.dumps(claims, separators=(",", ":")).encode())
    return f"{_PREFIX}{payload}.{_signature(payload, key)}"


def verified(text: str, key: bytes, now: float, origin: str | None) -> ClientToken:
    """Return the claims of a token after checking signature, expiry and origin. Raises BadToken.

    origin: the header of the request, which browsers send with every POST and a page cannot change.
    """
    payload, dot, signature = text.removeprefix(_PREFIX).partition(".")
    known = text.startswith(_PREFIX) and bool(dot) and len(text) <= _LONGEST_TOKEN and text.isascii()
    if not known or not hmac.compare_digest(signature, _signature(payload, key)):
        raise BadToken("This client token was not issued by this deployment")
    token = _claims(payload)
    if now >= token.expires_at:
        raise BadToken("This client token has expired: request a new one from your server (POST /v1/client_tokens)")
    if origin != token.origin:
        raise BadToken(f"This client token is valid for pages of {token.origin} only")
    return token


def _claims(payload: str) -> ClientToken:
    try:
        # Python ignores excess padding.
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        token_id, client, origin, max_sessions, expires_at, avatar_id = claims
    except (ValueError, TypeError, binascii.Error):
        raise BadToken("This client token has another version: request a new one from your server") from None
    return ClientToken(token_id, client, origin, max_sessions, expires_at, avatar_id)


def _signature(payload: str, key: bytes) -> str:
    return _text(hmac.digest(key, payload.encode(), "sha256"))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
