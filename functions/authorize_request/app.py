"""Lambda authorizer: whose key is this? It identifies only; each function decides by scope."""

from __future__ import annotations

from typing import Any

from tarmac.effects import AwsEffects
from tarmac.settings import AuthorizeRequestSettings
from tarmac.stores.clients import ClientStore
from tarmac.telemetry import logger

effects = AwsEffects(AuthorizeRequestSettings.from_environment())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """REQUEST event (payload 2.0) in; `{isAuthorized, context: {client, scopes}}` out, scopes separated by spaces."""
    scheme, _, key = event.get("headers", {}).get("authorization", "").partition(" ")
    client = ClientStore(effects.table).identify(key.strip()) if scheme.lower() == "bearer" else None
    logger.info("request identified", client=client and client.id, route=event.get("routeKey"))
    if client is None:
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {"client": client.id, "scopes": " ".join(client.scopes)}}
