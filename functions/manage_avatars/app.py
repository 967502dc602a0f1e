"""/v1/avatars, /v1/documents, /v1/voices, /v1/avatar_conversations: Runway's own, each client among what it owns."""

from __future__ import annotations

from tarmac.aws.wiring import AwsEffects
from tarmac.characters.kinds import Kind
from tarmac.characters.lists import list_items
from tarmac.characters.manage import Caller, change, create, delete, preview_voice, read
from tarmac.http.api import Answer, ApiError, ApiRequest, api_handler
from tarmac.settings import ManageAvatarsSettings

RUNWAY_TIMEOUT_SECONDS = 12.0
"""A create is sent ten seconds after its request at the latest, and the API waits for thirty."""

KINDS = {kind.path: kind for kind in Kind}

settings = ManageAvatarsSettings.from_environment()
effects = AwsEffects(settings, RUNWAY_TIMEOUT_SECONDS)
input_buckets = settings.input_buckets


@api_handler
def handler(request: ApiRequest) -> Answer:
    """API Gateway's event in, its response out. Another client's is answered as one that does not exist."""
    match request.route:
        case "GET /v1/avatar_usage":
            # About all clients together, as everything behind this scope.
            request.client("account")
            return Answer(200, effects.characters.usage(request.query))
        case "POST /v1/voices/preview":
            request.client("avatars", "admin")
            return Answer(200, preview_voice(request.json_body(), effects))
    method, _, path = request.route.partition(" /v1/")
    collection, _, name = path.partition("/")
    kind = KINDS[collection]
    client = request.client("avatars", "admin")
    caller = Caller(client, is_admin=request.has_scope("admin"))
    item_id = request.path["id"] if name else ""
    match method, name:
        case "GET", "":
            page = list_items(kind, client, request.query, effects)
            return Answer(200, {"data": page.items, "hasMore": page.cursor is not None, "nextCursor": page.cursor})
        case "POST", "":
            return Answer(200, create(kind, request.json_body(), request.repeat(client), input_buckets, effects))
        case "GET", "{id}":
            return Answer(200, read(kind, item_id, client, effects))
        case "PATCH", "{id}":
            changed = change(kind, item_id, request.json_body(), caller, input_buckets, effects)
            return Answer(204) if changed is None else Answer(200, changed)
        case "DELETE", "{id}":
            delete(kind, item_id, caller, effects)
            return Answer(204)
        case _:
            raise ApiError(404, "There is no such path")
