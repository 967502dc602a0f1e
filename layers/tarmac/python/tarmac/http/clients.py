"""Clients and their keys.

Only the SHA-256 of a key is stored. It has 512 random bits, so a slow hash would add nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from tarmac.clock import to_iso
from tarmac.ports import Put, Row, Table

SCOPES = ("tasks", "uploads", "avatars", "sessions", "account", "admin")
DEFAULT_SCOPES = ("tasks", "uploads", "avatars", "sessions", "account")
CLIENT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class InvalidClient(ValueError):
    """The message gives the reason, for the operator."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client key's owner and scopes."""

    id: str
    scopes: tuple[str, ...]


class ClientStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def create_key(self, name: str, scopes: Sequence[str], now: float) -> str:
        """Create a key for a client and return it: `key_` and 128 hex digits, as tools for Runway expect.

        It cannot be read again. A client may have several keys, so that one can be replaced without a gap.
        Raises InvalidClient.
        """
        if not CLIENT_NAME.fullmatch(name):
            raise InvalidClient(
                f"Invalid client name {name!r}: use 1 to 63 lower-case letters, digits and hyphens, no hyphen first"
            )
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise InvalidClient(f"Unknown scope {', '.join(unknown)}: choose from {', '.join(SCOPES)}")
        key = f"key_{secrets.token_hex(64)}"
        row: Row = {
            "pk": _key_row(key),
            "sk": "key",
            "version": 1,
            "clientId": name,
            "scopes": sorted(set(scopes)),
            "createdAt": to_iso(now),
        }
        self._table.write(Put(row))
        return key

    def identify(self, key: str) -> Client | None:
        """Return the owner of a key; None for an unknown or revoked key."""
        row = self._table.get(_key_row(key), "key")
        return Client(row["clientId"], tuple(row["scopes"])) if row else None

    def revoke(self, key: str) -> bool:
        """Revoke a key; return whether it existed. Takes effect when the authorizer's cached answers expire."""
        if self.identify(key) is None:
            return False
        self._table.delete(_key_row(key), "key")
        return True


def _key_row(key: str) -> str:
    return f"key#{hashlib.sha256(key.encode()).hexdigest()}"
