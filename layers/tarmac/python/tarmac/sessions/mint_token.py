"""Mint client tokens for a client's pages, and verify the token of a page's request."""

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


def mint_token(
    wanted: Mapping[str, Any], client: str, origins: Collection[str], effects: Effects
) -> tuple[str, ClientToken]:
    """Return a new token as text, and its claims. Raises InvalidRequest.

    wanted: the request body. origins: the deployment's browser origins; if there is one, it is the default.
    """
    rewritten = to_contract({name: value for name, value in wanted.items() if value is not None}, TOKEN)
    body, issues = rewritten.body, rewritten.issues + check(rewritten.body, TOKEN).issues
    avatar, origin = body.get("avatarId"), body.get("origin", next(iter(origins)) if len(origins) == 1 else None)
    if not issues and origin not in origins:
        issues = [Issue("invalid_enum_value", ("origin",), f"Expected one of {', '.join(sorted(origins))}")]
    if not issues and avatar is not None and avatar not in PRESETS and not _is_usable(avatar, client, effects):
        issues = [Issue("custom", ("avatarId",), Kind.AVATAR.not_found)]
    if issues:
        raise InvalidRequest(rewritten.as_sent(issues))
    expires_at = int(effects.clock.now()) + int(body.get("expiresIn", LONGEST_SECONDS))
    max_sessions = int(body.get("maxSessions", 1))
    token = ClientToken(effects.new_id(), client, str(origin), max_sessions, expires_at, avatar)
    return signed(token, signing_key(effects.signing_root())), token


def _is_usable(avatar_id: str, client: str, effects: Effects) -> bool:
    """Return whether the client may create a session with the avatar.

    Checked here so that the server gets the error, rather than the page when it connects.
    """
    owned = effects.owners.find(Kind.AVATAR, avatar_id)
    if owned is not None:
        return owned.belongs_to(client)
    try:
        effects.characters.read(Kind.AVATAR.path, avatar_id)
    except UpstreamGone:
        return False
    except UpstreamUnavailable:
        # The token is valid; whether the avatar exists is checked again when the session is created.
        return True
    return True


def verify_token(text: str | None, origin: str | None, effects: Effects) -> ClientToken:
    """Return the claims of a page's token. Its uses are counted when a session is created. Raises BadToken.

    text: None where the request has no token. origin: the header of the page's request.
    """
    if text is None:
        raise BadToken("Send a client token (?clientToken=…), or from a server a client key (Authorization: Bearer …)")
    return verified(text, signing_key(effects.signing_root()), effects.clock.now(), origin)
