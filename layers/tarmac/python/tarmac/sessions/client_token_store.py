"""Store of the use counts of client tokens. Everything else about a token is in its signed claims."""

from __future__ import annotations

from tarmac.ports import Add, Table
from tarmac.sessions.client_tokens import ClientToken

_KEPT_SECONDS = 24 * 3600
"""Time for which a count is stored after its token has expired."""


class ClientTokenStore:
    """Use counts in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def use(self, token: ClientToken) -> Add:
        """Return the write that counts one more session. It fails if the token allows no more."""
        about = {"clientId": token.client, "ttl": token.expires_at + _KEPT_SECONDS}
        return Add(_pk(token.id), "client-token", "sessions", 1, token.max_sessions, about)

    def release(self, token_id: str) -> Add:
        """Return the write that takes back the count of a session that Runway rejected."""
        return Add(_pk(token_id), "client-token", "sessions", -1)

    def is_spent(self, token: ClientToken) -> bool:
        """Return whether the token allows no more sessions."""
        row = self._table.get(_pk(token.id), "client-token")
        return row is not None and int(row["sessions"]) >= token.max_sessions


def _pk(token_id: str) -> str:
    return f"client-token#{token_id}"
