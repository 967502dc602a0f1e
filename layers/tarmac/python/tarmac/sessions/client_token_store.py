"""How often each client token was used: the one thing that the token cannot say itself."""

from __future__ import annotations

from tarmac.ports import Add, Table
from tarmac.sessions.client_tokens import ClientToken

_KEPT_SECONDS = 24 * 3600


class ClientTokenStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def use(self, token: ClientToken) -> Add:
        """One more session, to be written together with it: refused beyond those that the token is good for."""
        about = {"clientId": token.client, "ttl": token.expires_at + _KEPT_SECONDS}
        return Add(_pk(token.id), "client-token", "sessions", 1, token.max_sessions, about)

    def unuse(self, token_id: str) -> Add:
        """A session that came to nothing is not counted."""
        return Add(_pk(token_id), "client-token", "sessions", -1)

    def is_spent(self, token: ClientToken) -> bool:
        row = self._table.get(_pk(token.id), "client-token")
        return row is not None and int(row["sessions"]) >= token.max_sessions


def _pk(token_id: str) -> str:
    return f"client-token#{token_id}"
