"""The route table: every call of the API, once.

Functions dispatch by it (`tarmac.http.handler`). The OpenAPI document is generated from it (`tarmac.openapi`). A test
compares it with the events in template.yaml. Models are named, not imported: a function loads those of its own routes.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

BODIES = {
    "ChangeAvatar": "characters.specs:CHANGES.avatar",
    "ChangeDocument": "characters.specs:CHANGES.document",
    "ChangeVoice": "characters.specs:CHANGES.voice",
    "ConnectAvatar": "sessions.requests:CONNECT",
    "CreateAvatar": "characters.specs:CREATES.avatar",
    "CreateClientToken": "sessions.requests:TOKEN",
    "CreateDocument": "characters.specs:CREATES.document",
    "CreateSession": "sessions.requests:CREATE",
    "CreateUpload": "requests.contract:CreateUpload",
    "CreateVoice": "characters.specs:CREATES.voice",
    "NewRouter": "requests.contract:NewRouter",
    "RouterChange": "requests.contract:RouterChange",
    "UsageSpan": "requests.contract:UsageSpan",
    "VoiceDesign": "characters.specs:VOICE_DESIGN",
}
"""Where the bodies are described, below `tarmac`: `module:name`, or `module:name.key` of a mapping.

A pydantic model is checked before the route's function runs; parameters in the words of the catalogue are checked by
the feature itself.
"""

CREATE_TASK = "CreateTask"
"""The body of a create: an operation of the catalogue, which describes it by model."""

SESSION_SCOPES = ("sessions", "avatars")
"""Either is enough: a client that manages avatars may also talk to them."""


class Route(NamedTuple):
    """One call of the API.

    key: `METHOD /path/{template}`, as in template.yaml. name, summary: of the call in the OpenAPI document; in those
    of a create, `{operation}` stands for the operation. answer: the model of a 200 (`tarmac.openapi`), None for a 204.
    body: a name in BODIES or CREATE_TASK. empty_body: an empty body stands for `{}`. idempotent: takes an
    `Idempotency-Key`. query: the list of its query parameters (`tarmac.openapi.queries`). errors: statuses beside those
    that follow from the other fields.
    function: the folder. scopes: any of them is enough; empty on a route without authorizer, whose function checks
    `security` itself.
    """

    key: str
    name: str
    summary: str
    answer: str | None
    body: str | None = None
    query: str | None = None
    errors: tuple[int, ...] = ()
    empty_body: bool = False
    idempotent: bool = False
    security: tuple[str, ...] = ()
    function: str = ""
    tag: str = ""
    scopes: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.key.partition(" ")[2]


def _group(function: str, tag: str, scopes: tuple[str, ...], *routes: Route) -> tuple[Route, ...]:
    return tuple(route._replace(function=function, tag=tag, scopes=scopes) for route in routes)


_CREATE = "create_{operation}", "{operation}", "TaskAccepted", CREATE_TASK

ROUTES = (
    *_group(
        *("create_task", "Tasks", ("tasks",)),
        Route("POST /v1/{operation}", *_CREATE, idempotent=True),
        Route("POST /v1/generate/{kind}", *_CREATE, idempotent=True),
        Route("POST /v1/recipes/{recipe}", *_CREATE, idempotent=True),
        # All inputs of a workflow's nodes may have defaults.
        Route("POST /v1/workflows/{id}", *_CREATE, empty_body=True, idempotent=True),
    ),
    *_group(
        *("create_task", "CometAPI", ("tasks",)),
        Route(
            *("POST /runwayml/v1/{operation}", "create_as_at_cometapi", "Same as /v1/{operation}"),
            *("TaskAccepted", CREATE_TASK),
            idempotent=True,
        ),
    ),
    *_group(
        *("read_tasks", "Tasks", ("tasks",)),
        Route("GET /v1/tasks", "list_tasks", "List your tasks, newest first", "TaskList", query="tasks"),
        Route("GET /v1/tasks/{id}", "get_task", "Get a task", "Task"),
        Route("DELETE /v1/tasks/{id}", "delete_task", "Cancel a task, or delete one that has ended", None),
    ),
    *_group(
        *("read_tasks", "Workflows", ("tasks",)),
        Route(
            *("GET /v1/workflow_invocations/{id}", "get_workflow_invocation", "Get a run of a workflow"),
            "WorkflowInvocation",
        ),
    ),
    *_group(
        *("read_tasks", "CometAPI", ("tasks",)),
        Route("GET /runwayml/v1/tasks/{id}", "get_task_as_at_cometapi", "Same as /v1/tasks/{id}", "Task"),
    ),
    *_group(
        *("create_upload", "Uploads", ("uploads",)),
        Route("POST /v1/uploads", "create_upload", "Create an upload slot for one file", "UploadSlot", "CreateUpload"),
    ),
    *_group(
        *("manage_characters", "Avatars", ("avatars", "admin")),
        Route("GET /v1/avatars", "list_avatars", "List your avatars, then shared ones", "AvatarList", query="avatars"),
        Route(
            *("POST /v1/avatars", "create_avatar", "Create an avatar", "Avatar", "CreateAvatar"),
            errors=(409, 502),
            idempotent=True,
        ),
        Route("GET /v1/avatars/{id}", "get_avatar", "Get an avatar", "Avatar"),
        Route(
            *("PATCH /v1/avatars/{id}", "change_avatar", "Change your avatar", "Avatar", "ChangeAvatar"),
            errors=(409, 502),
        ),
        Route("DELETE /v1/avatars/{id}", "delete_avatar", "Delete your avatar", None),
        Route(
            *("GET /v1/documents", "list_documents", "List your documents, then shared ones", "DocumentList"),
            query="documents",
        ),
        Route(
            *("POST /v1/documents", "create_document", "Create a document", "Document", "CreateDocument"),
            errors=(409, 502),
            idempotent=True,
        ),
        Route("GET /v1/documents/{id}", "get_document", "Get a document", "Document"),
        Route(
            *("PATCH /v1/documents/{id}", "change_document", "Change your document", None, "ChangeDocument"),
            errors=(409, 502),
        ),
        Route("DELETE /v1/documents/{id}", "delete_document", "Delete your document", None),
        Route("GET /v1/voices", "list_voices", "List your voices, then shared ones", "VoiceList", query="voices"),
        Route(
            *("POST /v1/voices", "create_voice", "Create a voice", "VoiceMade", "CreateVoice"),
            errors=(409, 502),
            idempotent=True,
        ),
        Route("GET /v1/voices/{id}", "get_voice", "Get a voice", "Voice"),
        Route(
            *("PATCH /v1/voices/{id}", "change_voice", "Change your voice", "Voice", "ChangeVoice"),
            errors=(409, 502),
        ),
        Route("DELETE /v1/voices/{id}", "delete_voice", "Delete your voice", None),
        Route(
            *("POST /v1/voices/preview", "preview_voice", "Preview a voice", "VoicePreview", "VoiceDesign"),
            errors=(409, 502),
        ),
        Route(
            *("GET /v1/avatar_conversations", "list_avatar_conversations"),
            *("List your conversations, then shared ones", "ConversationList"),
            query="conversations",
        ),
        Route(
            *("GET /v1/avatar_conversations/{id}", "get_conversation", "Get a conversation", "Conversation"),
        ),
        Route("DELETE /v1/avatar_conversations/{id}", "delete_conversation", "Delete your conversation", None),
    ),
    # The usage of all clients together.
    *_group(
        *("manage_characters", "Avatars", ("account",)),
        Route(
            *("GET /v1/avatar_usage", "get_avatar_usage", "Get conversations by day, of all clients", "AvatarUsage"),
            query="moments",
            errors=(502,),
        ),
    ),
    *_group(
        *("create_session", "Sessions", SESSION_SCOPES),
        Route(
            *("POST /v1/realtime_sessions", "create_realtime_session", "Create a live session with an avatar"),
            *("SessionCreated", "CreateSession"),
            errors=(409, 502),
            idempotent=True,
        ),
        Route("GET /v1/realtime_sessions/{id}", "get_realtime_session", "Get a session", "LiveSession"),
        Route("DELETE /v1/realtime_sessions/{id}", "cancel_realtime_session", "End a session", None),
        Route(
            *("POST /v1/realtime_sessions/{id}/connect_backend", "connect_backend"),
            *("Get credentials for a participant without audio or video", "RoomCredentials"),
            errors=(409, 502),
        ),
        Route(
            *("POST /v1/client_tokens", "create_client_token", "Create a token for one page"),
            *("ClientToken", "CreateClientToken"),
            empty_body=True,
        ),
    ),
    # Browsers call these without a client key.
    *_group(
        *("create_session", "Sessions", ()),
        Route(
            *("POST /v1/realtime_sessions/{id}/consume", "consume_realtime_session"),
            *("Get the credentials of a session, once", "RoomCredentials"),
            errors=(409, 410, 502),
            security=("sessionKey",),
        ),
        *(
            Route(
                *(f"POST /api/avatar/{name}", f"connect_avatar_{name}"),
                *("Create a session and get its credentials, for a page", "Connected", "ConnectAvatar"),
                errors=(404, 410, 502, 504),
                empty_body=True,
                security=("clientToken", "clientKey"),
            )
            for name in ("connect", "session")
        ),
    ),
    *_group(
        *("read_account", "Account", ("account",)),
        Route(
            *("GET /v1/organization", "get_organization", "Get Runway's limits and balance", "Organization"),
            errors=(502,),
        ),
        Route(
            *("POST /v1/organization/usage", "get_organization_usage"),
            *("Get credits by day and model, of all clients", "OrganizationUsage", "UsageSpan"),
            errors=(502,),
            empty_body=True,
        ),
        Route("GET /v1/usage", "get_usage", "Get your own usage", "Usage", query="days"),
    ),
    *_group(
        *("ask_runway", "Workflows", ("tasks",)),
        Route("GET /v1/workflows", "list_workflows", "List published workflows", "WorkflowList", errors=(502,)),
        Route("GET /v1/workflows/{id}", "get_workflow", "Get a workflow", "Workflow", errors=(502,)),
    ),
    # Routers are shared by all clients: every client may read them, `admin` may change them.
    *_group(
        *("ask_runway", "Routers", ("account",)),
        Route("GET /v1/routers", "list_routers", "List routers", "RouterList", query="page", errors=(502,)),
        Route("GET /v1/routers/{id}", "get_router", "Get a router", "Router", errors=(400, 502)),
        Route(
            *("GET /v1/routers/{id}/requests", "list_router_requests", "List a router's decisions"),
            "RouterRequestList",
            query="page",
            errors=(502,),
        ),
    ),
    *_group(
        *("ask_runway", "Routers", ("admin",)),
        Route("POST /v1/routers", "create_router", "Create a router", "Router", "NewRouter", errors=(502,)),
        Route(*("PATCH /v1/routers/{id}", "change_router", "Change a router", "Router", "RouterChange"), errors=(502,)),
        Route("DELETE /v1/routers/{id}", "delete_router", "Delete a router", None, errors=(400, 502)),
    ),
    *_group(
        *("ask_runway", "Account", ("account",)),
        Route(
            *("GET /v1/organization/webapp/usage", "list_webapp_usage"),
            *("List credits used in Runway's web application", "WebappUsage"),
            query="webappUsage",
            errors=(502,),
        ),
    ),
    # The audit log holds names and addresses of people.
    *_group(
        *("ask_runway", "Account", ("admin",)),
        Route(
            *("GET /v1/organization/webapp/audit_logs", "list_audit_logs"),
            *("List actions of people in Runway's web application", "AuditLogList"),
            query="auditLogs",
            errors=(502,),
        ),
        Route(
            *("GET /v1/organization/webapp/audit_logs/{id}", "get_audit_log", "Get an entry of the audit log"),
            "AuditLogEntry",
            query="auditLog",
            errors=(502,),
        ),
    ),
    *_group(
        *("describe_api", "About", ()),
        Route("GET /health", "get_health", "Check that the API responds", "Health"),
        Route("GET /openapi.json", "get_openapi", "Get this document", "OpenApi"),
        Route("GET /docs", "get_docs", "Read this document as a page", "Page"),
    ),
)


def routes_of(function: str) -> dict[str, Route]:
    """Return the routes that a function serves, by key."""
    return {route.key: route for route in ROUTES if route.function == function}


def body_of(route: Route) -> Any:
    """Return what describes the route's body: a pydantic model or a mapping; None for none or a create's."""
    return None if route.body in (None, CREATE_TASK) else described(str(route.body))


@cache
def described(body: str) -> Any:
    """Return what BODIES names."""
    module, _, place = BODIES[body].partition(":")
    name, *keys = place.split(".")
    found = getattr(import_module(f"tarmac.{module}"), name)
    for key in keys:
        found = found[key]
    return found
