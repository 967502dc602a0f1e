"""Detection of retried creates: by idempotency key, or by the exact body if there is no key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tarmac.clock import to_iso
from tarmac.ports import Put, Row, Table


class KeyReused(Exception):
    """The idempotency key was used before with a different body."""


KEY_LIFETIME_SECONDS = 30 * 24 * 3600.0
RETRY_WINDOW_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """Identifies retries of the same create. Idempotency keys are scoped to a client and a path.

    retry: the number of the retry as sent by the SDK, 0 for the first request.
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
class IdempotencyRecord:
    """The first use of an idempotency key."""

    task_id: str
    body_sha256: str
    version: int
    is_expired: bool


class IdempotencyStore:
    """Records of creates. Readers check the expiry: DynamoDB deletes expired rows with a delay."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def by_key(self, request: RequestIdentity, now: float) -> IdempotencyRecord | None:
        """Return the record of the request's key, which may be expired; None if there is no record."""
        row = self._table.get(_key_pk(request), "idempotency")
        if row is None:
            return None
        return IdempotencyRecord(row["taskId"], row["bodySha256"], row["version"], is_expired=row["ttl"] <= now)

    def recent(self, request: RequestIdentity, since: float) -> list[str]:
        """Return the ids of tasks that the same body has created since then, newest first."""
        page = self._table.query("primary", _body_pk(request), descending=True, limit=50)
        return [row["taskId"] for row in page.rows if row["sk"] >= to_iso(since)]

    def put(self, request: RequestIdentity, task_id: str, now: float, over: IdempotencyRecord | None) -> Put:
        """Return the row to write together with the task. over: the expired record of the same key, to be replaced."""
        if request.key is None:
            row: Row = {"pk": _body_pk(request), "sk": f"{to_iso(now)}#{task_id}", "version": 1, "taskId": task_id}
            return Put(row | {"ttl": int(now + 2 * RETRY_WINDOW_SECONDS)})
        row = {
            "pk": _key_pk(request),
            "sk": "idempotency",
            "version": over.version + 1 if over else 1,
            "taskId": task_id,
            "bodySha256": request.body_sha256,
            "ttl": int(now + KEY_LIFETIME_SECONDS),
        }
        return Put(row, over=over.version if over else None)


def _key_pk(request: RequestIdentity) -> str:
    return f"idempotency#{digest(request.client, request.path, request.key or '')}"


def _body_pk(request: RequestIdentity) -> str:
    return f"retry#{digest(request.client, request.path, request.body_sha256)}"


def digest(*parts: str) -> str:
    """Return the SHA-256 (hex) of several texts, joined by NUL characters."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
