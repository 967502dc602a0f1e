"""Client tokens: made for a page by its server's key, and verified when the page connects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tarmac.characters.kinds import Kind
from tarmac.effects import Effects
from tarmac.requests.spellings import to_contract
from tarmac.requests.validation import InvalidRequest, Issue, check
from tarmac.runway.errors import UpstreamGone, UpstreamUnavailable
from tarmac.sessions.client_tokens import LONGEST_SECONDS, BadToken, ClientToken, signed, signing_key, verified
from tarmac.sessions.requests import PRESETS, TOKEN


def make_token(
    wanted: Mapping[str, Any], client: str, origins: Collection[str], effects: Effects
) -> tuple[str, ClientToken]:
    """The token as text, and what it says. origins: the deployment's; the only one need not be named.

    Raises InvalidRequest.
    """
    told = to_contract({name: value for name, value in wanted.items() if value is not None}, TOKEN)
    body, issues = told.body, told.issues + check(told.body, TOKEN).issues
    avatar, origin = body.get("avatarId"), body.get("origin", next(iter(origins)) if len(origins) == 1 else None)
    if not issues and origin not in origins:
        issues = [
            Issue("invalid_enum_value", ("origin",), f"Expected one of this deployment's: {', '.join(sorted(origins))}")
        ]
    if not issues and avatar is not None and avatar not in PRESETS and not _is_there(avatar, client, effects):
        issues = [Issue("custom", ("avatarId",), Kind.AVATAR.not_found)]
    if issues:
        raise InvalidRequest(told.as_sent(issues))
    expires_at = int(effects.clock.now()) + int(body.get("expiresIn", LONGEST_SECONDS))
    max_sessions = int(body.get("maxSessions", 1))
    token = ClientToken(effects.new_id(), client, str(origin), max_sessions, expires_at, avatar)
    return signed(token, signing_key(effects.signing_root())), token


def _is_there(avatar_id: str, client: str, effects: Effects) -> bool:
    """Whether a session with it may be made: better said to the server that asks than to the page, minutes later."""
    owned = effects.owners.find(Kind.AVATAR, avatar_id)
    if owned is not None:
        return owned.belongs_to(client)
    try:
        effects.characters.read(Kind.AVATAR.path, avatar_id)
    except UpstreamGone:
        return False
    except UpstreamUnavailable:
        # The token is good all the same once Runway answers again.
        return True
    return True


def read_token(text: str | None, origin: str | None, effects: Effects) -> ClientToken:
    """Return the claims of a page's token. Its uses are counted when a session is created. Raises BadToken.

    text: None where the request has no token. origin: the header of the page's request.
    """
    if text is None:
        raise BadToken("Send a client token (?clientToken=…), or from a server a client key (Authorization: Bearer …)")
    return verified(text, signing_key(effects.signing_root()), effects.clock.now(), origin)
