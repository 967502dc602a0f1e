"""Clients and their keys. A key is kept as its SHA-256 only: it has 512 random bits, so a slow hash adds nothing."""

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
    """The message names the reason and is meant for the operator."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who calls, and what for."""

    id: str
    scopes: tuple[str, ...]


class ClientStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def create_key(self, name: str, scopes: Sequence[str], now: float) -> str:
        """A new key for a client, told this once: `key_` and 128 hex digits, as tools made for Runway expect.

        A client may have several keys at a time, so that one can be replaced without a gap. Raises InvalidClient.
        """
        if not CLIENT_NAME.fullmatch(name):
            raise InvalidClient(
                f"{name!r} is no client name: use 1 to 63 lower-case letters, digits and hyphens, not a hyphen first"
            )
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise InvalidClient(f"unknown scope {', '.join(unknown)}: choose from {', '.join(SCOPES)}")
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
        """Whose key this is; None for a key that never was or is revoked."""
        row = self._table.get(_key_row(key), "key")
        return Client(row["clientId"], tuple(row["scopes"])) if row else None

    def revoke(self, key: str) -> bool:
        """Whether there was such a key. Takes effect when the authorizer's cached answers run out."""
        if self.identify(key) is None:
            return False
        self._table.delete(_key_row(key), "key")
        return True


def _key_row(key: str) -> str:
    return f"key#{hashlib.sha256(key.encode()).hexdigest()}"
