"""Lambda authorizer: identifies the client of a key; each function checks scopes.

An unknown key passes the authorizer without a client; the function returns 401 (`ApiRequest.client`). A denial here
would be a 403 in API Gateway's words, where Runway's SDKs expect a 401 in Runway's.
"""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.settings import AuthorizeRequestSettings
from tarmac.telemetry import logger

effects = AwsEffects(AuthorizeRequestSettings.from_environment())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """REQUEST event (payload 2.0) in; `{isAuthorized, context: {client, scopes}}` out, scopes separated by spaces.

    The context is empty for an unknown key.
    """
    scheme, _, key = event.get("headers", {}).get("authorization", "").partition(" ")
    client = effects.clients.identify(key.strip()) if scheme.lower() == "bearer" else None
    logger.info("request identified", client=client and client.id, route=event.get("routeKey"))
    if client is None:
        return {"isAuthorized": True, "context": {}}
    return {"isAuthorized": True, "context": {"client": client.id, "scopes": " ".join(client.scopes)}}
