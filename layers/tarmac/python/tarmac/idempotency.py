"""Which create was sent before: by its idempotency key, or, without one, by its very bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tarmac.clock import to_iso
from tarmac.ports import Put, Row, Table


class KeyReused(Exception):
    """The idempotency key was used before with another body."""


KEY_KEPT_SECONDS = 30 * 24 * 3600.0
RETRY_WINDOW_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Repeat:
    """What tells two sends of one create from two creates. `path` and `client` are the scope of a key.

    retry: which of its SDK's own retries this send is, 0 for the first send.
    """

    client: str
    path: str
    body_sha256: str
    key: str | None = None
    retry: int = 0

    @property
    def is_retry(self) -> bool:
        return self.retry > 0


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The first use of a key."""

    task_id: str
    body_sha256: str
    version: int
    is_expired: bool


class RepeatStore:
    """TTL deletes old rows some time after they expire, so every reader compares the time itself."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def by_key(self, repeat: Repeat, now: float) -> KeyRecord | None:
        row = self._table.get(_key_pk(repeat), "idempotency")
        if row is None:
            return None
        return KeyRecord(row["taskId"], row["bodySha256"], row["version"], is_expired=row["ttl"] <= now)

    def recent(self, repeat: Repeat, since: float) -> list[str]:
        """Tasks that the same bytes have made since then, newest first."""
        page = self._table.query("primary", _body_pk(repeat), descending=True, limit=50)
        return [row["taskId"] for row in page.rows if row["sk"] >= to_iso(since)]

    def put(self, repeat: Repeat, task_id: str, now: float, over: KeyRecord | None) -> Put:
        """The row to write together with the task. `over`: an expired record of the same key."""
        if repeat.key is None:
            row: Row = {"pk": _body_pk(repeat), "sk": f"{to_iso(now)}#{task_id}", "version": 1, "taskId": task_id}
            return Put(row | {"ttl": int(now + 2 * RETRY_WINDOW_SECONDS)})
        row = {
            "pk": _key_pk(repeat),
            "sk": "idempotency",
            "version": over.version + 1 if over else 1,
            "taskId": task_id,
            "bodySha256": repeat.body_sha256,
            "ttl": int(now + KEY_KEPT_SECONDS),
        }
        return Put(row, over=over.version if over else None)


def _key_pk(repeat: Repeat) -> str:
    return f"idempotency#{digest(repeat.client, repeat.path, repeat.key or '')}"


def _body_pk(repeat: Repeat) -> str:
    return f"retry#{digest(repeat.client, repeat.path, repeat.body_sha256)}"


def digest(*parts: str) -> str:
    """A name for what several texts say together."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
