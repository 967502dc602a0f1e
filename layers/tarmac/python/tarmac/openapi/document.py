"""The OpenAPI document: every operation of the catalogue as a path of its own, and the few other calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from tarmac import VERSION
from tarmac.catalogue import Model, Operation, operation, operations
from tarmac.characters.descriptions import CHANGES, CREATES, VOICE_DESIGN
from tarmac.characters.kinds import Kind
from tarmac.characters.lists import DEFAULT_LIMITS, ORDERS, SORTS
from tarmac.http.api import MAX_BODY_BYTES, MAX_KEY_LENGTH
from tarmac.openapi import answers, characters, sessions
from tarmac.openapi.schemas import Schema, media_name, of_media, of_models, of_parameters, ref
from tarmac.requests.conditions import in_words
from tarmac.requests.contract import CreateTask, CreateUpload, NewRouter, RouterChange, UsageSpan
from tarmac.sessions import requests as session_requests
from tarmac.tasks.read import DEFAULT_LIMIT, MAX_LIMIT
from tarmac.tasks.responses import STATUSES

_ABOUT = """Runway's API, with durable tasks. Point an official Runway SDK here (`RUNWAYML_BASE_URL`) and it works \
unchanged: every create is kept until it has ended, every output is archived, every ending is announced.

Beyond Runway: `Idempotency-Key`, `metadata` and `webhookUrl` on any create, a list of tasks, your own usage. \
Models that are not described here are passed on to Runway unchecked; so are parameters, unless a schema is closed."""

_ERRORS = {
    400: "The request has problems; `issues` names each with its field",
    401: "No key, or one that is not known",
    403: "The key has not the scope",
    404: "There is none, or it is another client's, or it was deleted",
    409: "What stands in the way passes by: a first send is under way, an avatar is being processed. Credentials of a "
    "session that were handed out stay so",
    410: "The credentials were lost: create a new session",
    413: f"The body has more than {MAX_BODY_BYTES} bytes; without the content type application/json, more than 4.5 MB",
    422: "The Idempotency-Key was used before with another body",
    429: "Too many requests at once, or the minutes of live sessions for today are used up",
    500: "An error of Tarmac's own",
    502: "Runway refuses the key of this deployment, or its answer was lost",
    503: "Runway cannot be used just now; Retry-After says when to try again",
    504: "The session was not ready in time, and has been cancelled",
}
_OF_ANYBODY = (429, 500, 503)
_OF_CREATES = (400, 409, 413, 502)
_OF_CLIENTS = (401, 403, *_OF_ANYBODY)
_TAGS = ("Tasks", "Uploads", "Avatars", "Sessions", "Routers", "Account", "CometAPI", "About")
_OUTPUTS = {"video": "Video", "image": "Image", "audio": "Audio", "any": "Workflows"}


def describe() -> dict[str, Any]:
    """The whole document. Some tenths of a second of work: keep it."""
    models = [operation(name) for name in operations()]
    paths = {f"/v1/{at.name}": {"post": _create(at)} for at in models} | _characters() | _sessions() | _others()
    for path, calls in _answered_by_runway().items():
        paths[path] = paths.get(path, {}) | calls
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tarmac", "version": VERSION, "description": _ABOUT},
        # Beside this document, wherever it was read from.
        "servers": [{"url": "./"}],
        "security": [{"clientKey": []}],
        "tags": [{"name": name} for name in (*_OUTPUTS.values(), *_TAGS)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "clientKey": {"type": "http", "scheme": "bearer", "description": "A key of this deployment"},
                "clientToken": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "clientToken",
                    "description": "From POST /v1/client_tokens, for a page",
                },
                "sessionKey": {"type": "http", "scheme": "bearer", "description": "The sessionKey of a READY session"},
            },
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "responses": {str(status): _error(status) for status in _ERRORS},
            "schemas": _schemas(models),
        },
    }


def _create(at: Operation) -> dict[str, Any]:
    words = at.name.replace("/", " ").replace("_", " ")
    known = [ref(_schema_name(model)) for model in at.models.values()]
    return {
        "tags": [_OUTPUTS[at.output]],
        "operationId": "create_" + at.name.removesuffix("/{id}").replace("/", "_"),
        "summary": words[0].upper() + words[1:].removesuffix(" {id}"),
        "parameters": [*([_ID] if "{id}" in at.name else ()), _shared("Idempotency-Key"), _shared("X-Runway-Version")],
        "requestBody": _json_body({"anyOf": known if at.sole_model else [*known, ref("AnotherModel")]}),
        "responses": _responses(answers.TaskAccepted, 400, 413, 422, *_OF_CLIENTS),
    }


def _characters() -> dict[str, Any]:
    """Avatars, documents, voices and conversations: what can be done with one kind is done with each alike."""
    paths: dict[str, Any] = {}
    for kind, (one, listed, made) in _ANSWERS.items():
        # A changed document is not shown.
        changed = None if kind is Kind.DOCUMENT else one
        at_all = {
            "get": _call(
                "Avatars", f"list_{kind.path}", f"Your {kind}s, then shared ones", listed, 400, query=_list_of(kind)
            )
        }
        at_one = {
            "parameters": [_ID],
            "get": _call("Avatars", f"get_{kind}", f"One {kind}", one, 404),
            "delete": _call("Avatars", f"delete_{kind}", f"Delete your {kind}", None, 404),
        }
        if made is not None:
            create = _call(
                "Avatars", f"create_{kind}", f"Make a new {kind}", made, *_OF_CREATES, 422, body=f"Create{kind.noun}"
            )
            create["parameters"].insert(0, _shared("Idempotency-Key"))
            at_all["post"] = create
            at_one["patch"] = _call(
                "Avatars",
                f"change_{kind}",
                f"Change your {kind}",
                changed,
                *_OF_CREATES,
                404,
                body=f"Change{kind.noun}",
            )
        paths |= {f"/v1/{kind.path}": at_all, f"/v1/{kind.path}/{{id}}": at_one}
    preview = _call(
        "Avatars", "preview_voice", "Hear a voice", characters.VoicePreview, *_OF_CREATES, body="VoiceDesign"
    )
    usage = _call(
        "Avatars",
        "get_avatar_usage",
        "Conversations by day, of all clients",
        characters.AvatarUsage,
        400,
        502,
        query=_MOMENTS,
    )
    return paths | {"/v1/voices/preview": {"post": preview}, "/v1/avatar_usage": {"get": usage}}


def _list_of(kind: Kind) -> list[dict[str, Any]]:
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMITS[kind]}
    query = [_query("limit", "How many at most", limit), _CURSOR]
    if kind is Kind.DOCUMENT:
        query += [
            _query("sort", "By what", {"enum": list(SORTS)}),
            _query("order", "Which way", {"enum": list(ORDERS)}),
        ]
    if kind is Kind.CONVERSATION:
        query += [_query("avatar", "Only those with this avatar", {"type": "string"}), *_MOMENTS]
    return query


def _create_as_at_cometapi() -> dict[str, Any]:
    names = [name for name in operations() if "/" not in name]
    where = {"name": "operation", "in": "path", "required": True, "schema": {"enum": names}}
    return {
        "tags": ["CometAPI"],
        "operationId": "create_as_at_cometapi",
        "summary": "As /v1/{operation}",
        "parameters": [where, _shared("Idempotency-Key"), _shared("X-Runway-Version")],
        "requestBody": _json_body({"type": "object", "description": "The body of that operation"}),
        "responses": _responses(answers.TaskAccepted, 400, 404, 413, 422, *_OF_CLIENTS),
    }


def _sessions() -> dict[str, Any]:
    create = _call(
        *("Sessions", "create_realtime_session", "A live session with an avatar", sessions.SessionCreated),
        *(400, 409, 413, 422, 502),
        body="CreateSession",
    )
    create["parameters"].insert(0, _shared("Idempotency-Key"))
    consume = _call(
        *("Sessions", "consume_realtime_session", "The credentials of a session, once", sessions.RoomCredentials),
        *(404, 409, 410, 502),
    )
    connect = {
        name: _call(
            *("Sessions", f"connect_avatar_{name}", "From an avatar to credentials, for a page", sessions.Connected),
            *(400, 404, 410, 413, 502, 504),
            body="ConnectAvatar",
        )
        | {"security": [{"clientToken": []}, {"clientKey": []}]}
        for name in ("connect", "session")
    }
    backend = _call(
        *("Sessions", "connect_backend", "Credentials for a participant that nobody sees", sessions.RoomCredentials),
        *(404, 409, 502),
    )
    token = _call(
        *("Sessions", "create_client_token", "A token for one page", sessions.ClientToken, 400, 413),
        body="CreateClientToken",
        body_required=False,
    )
    return {
        "/v1/realtime_sessions": {"post": create},
        "/v1/realtime_sessions/{id}": {
            "parameters": [_ID],
            "get": _call("Sessions", "get_realtime_session", "A session", sessions.LiveSession, 404),
            "delete": _call("Sessions", "cancel_realtime_session", "End a session", None, 404),
        },
        "/v1/realtime_sessions/{id}/consume": {
            "parameters": [_ID],
            "post": consume | {"security": [{"sessionKey": []}]},
        },
        "/v1/realtime_sessions/{id}/connect_backend": {"parameters": [_ID], "post": backend},
        "/v1/client_tokens": {"post": token},
        **{f"/api/avatar/{name}": {"post": call} for name, call in connect.items()},
    }


def _others() -> dict[str, Any]:
    return {
        "/v1/tasks": {
            "get": _call("Tasks", "list_tasks", "Your tasks, newest first", answers.TaskList, 400, query=_LIST)
        },
        "/v1/tasks/{id}": {
            "parameters": [_ID],
            "get": _call("Tasks", "get_task", "A task", answers.Task, 404),
            "delete": _call("Tasks", "delete_task", "Cancel a task, or forget one that has ended", None, 404),
        },
        "/v1/workflow_invocations/{id}": {
            "parameters": [_ID],
            "get": _call("Workflows", "get_workflow_invocation", "A run", answers.WorkflowInvocation, 404),
        },
        "/v1/uploads": {
            "post": _call(
                "Uploads", "create_upload", "A slot for one file", answers.UploadSlot, 400, 413, body=CreateUpload
            )
        },
        "/v1/organization": {
            "get": _call("Account", "get_organization", "Runway's limits and balance", answers.Organization, 502)
        },
        "/v1/organization/usage": {
            "post": _call(
                "Account",
                "get_organization_usage",
                "Credits by day and model, of all clients",
                answers.OrganizationUsage,
                *(400, 413, 502),
                body=UsageSpan,
                body_required=False,
            )
        },
        "/v1/usage": {"get": _call("Account", "get_usage", "Your own usage", answers.Usage, 400, query=_SPAN)},
        "/runwayml/v1/{operation}": {"post": _create_as_at_cometapi()},
        "/runwayml/v1/tasks/{id}": {
            "parameters": [_ID],
            "get": _call("CometAPI", "get_task_as_at_cometapi", "As /v1/tasks/{id}", answers.Task, 404),
        },
        "/health": {"get": _public("get_health", "Whether it answers", _json_answer(ref("Health")))},
        "/openapi.json": {"get": _public("get_openapi", "This document", _json_answer({"type": "object"}))},
        "/docs": {
            "get": _public(
                "get_docs", "This document, to read", {"content": {"text/html": {"schema": {"type": "string"}}}}
            )
        },
    }


def _answered_by_runway() -> dict[str, Any]:
    """Calls that are passed on, and their answers passed back."""
    return {
        "/v1/workflows": {
            "get": _call("Workflows", "list_workflows", "Published workflows", answers.WorkflowList, 502)
        },
        "/v1/workflows/{id}": {
            "get": _call("Workflows", "get_workflow", "A workflow", answers.Workflow, 404, 502, query=[_ID])
        },
        "/v1/routers": {
            "get": _call("Routers", "list_routers", "Routers", answers.RouterList, 400, 502, query=_PAGE),
            "post": _call("Routers", "create_router", "A new router", answers.Router, 400, 413, 502, body=NewRouter),
        },
        "/v1/routers/{id}": {
            "parameters": [_ID],
            "get": _call("Routers", "get_router", "A router", answers.Router, 400, 404, 502),
            "patch": _call(
                "Routers", "change_router", "Change it", answers.Router, 400, 404, 413, 502, body=RouterChange
            ),
            "delete": _call("Routers", "delete_router", "Delete it", None, 400, 404, 502),
        },
        "/v1/routers/{id}/requests": {
            "get": _call(
                "Routers",
                "list_router_requests",
                "What it has decided",
                answers.RouterRequestList,
                *(400, 404, 502),
                query=[_ID, *_PAGE],
            )
        },
        "/v1/organization/webapp/usage": {
            "get": _call(
                "Account",
                "list_webapp_usage",
                "Credits used in Runway's web application",
                answers.WebappUsage,
                *(400, 502),
                query=[*_window(True), _ORGANIZATION, _WORKSPACES, *_PAGE],
            )
        },
        "/v1/organization/webapp/audit_logs": {
            "get": _call(
                "Account",
                "list_audit_logs",
                "What people did in Runway's web application",
                answers.AuditLogList,
                *(400, 502),
                query=[*_window(False), _ORGANIZATION, _WORKSPACES, *_AUDITED, *_PAGE],
            )
        },
        "/v1/organization/webapp/audit_logs/{id}": {
            "get": _call(
                "Account",
                "get_audit_log",
                "One entry of the audit log",
                answers.AuditLogEntry,
                *(400, 404, 502),
                query=[_ID, _ORGANIZATION],
            )
        },
    }


def _call(
    tag: str,
    name: str,
    summary: str,
    answer: type[BaseModel] | None,
    *errors: int,
    query: list[dict[str, Any]] | None = None,
    body: type[BaseModel] | str | None = None,
    body_required: bool = True,
) -> dict[str, Any]:
    """body: a model, or the name of a schema."""
    call: dict[str, Any] = {
        "tags": [tag],
        "operationId": name,
        "summary": summary,
        "parameters": [*(query or ()), _shared("X-Runway-Version")],
    }
    if body is not None:
        call["requestBody"] = _json_body(ref(body if isinstance(body, str) else body.__name__), body_required)
    return call | {"responses": _responses(answer, *errors, *_OF_CLIENTS)}


def _public(name: str, summary: str, answer: dict[str, Any]) -> dict[str, Any]:
    about = {"tags": ["About"], "operationId": name, "summary": summary, "security": []}
    return about | {"responses": {"200": {"description": "OK"} | answer} | _errors(*_OF_ANYBODY)}


def _responses(answer: type[BaseModel] | None, *errors: int) -> dict[str, Any]:
    if answer is None:
        good = {"204": {"description": "Done", "headers": _request_id()}}
    else:
        described = " ".join((answer.__doc__ or "OK").split())
        good = {"200": {"description": described, "headers": _request_id()} | _json_answer(ref(answer.__name__))}
    return good | _errors(*errors)


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}


def _error(status: int) -> dict[str, Any]:
    headers = _request_id()
    if status == 503:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in ("Retry-After", "x-should-retry")}
    error = _json_answer({"anyOf": [ref("Error"), ref("GatewayError")]})
    return {"description": _ERRORS[status], "headers": headers} | error


def _request_id() -> dict[str, Any]:
    return {"x-request-id": {"$ref": "#/components/headers/x-request-id"}}


def _json_answer(schema: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _json_body(schema: Schema, required: bool = True) -> dict[str, Any]:
    return {"required": required} | _json_answer(schema)


def _shared(parameter: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{parameter}"}


def _schemas(models: list[Operation]) -> dict[str, Schema]:
    schemas = of_models(
        [
            *(CreateTask, CreateUpload, UsageSpan, answers.TaskAccepted, answers.Task, answers.TaskList),
            *(NewRouter, RouterChange, answers.WorkflowInvocation, answers.WorkflowList, answers.Workflow),
            *(answers.Router, answers.RouterList, answers.RouterRequestList),
            *(answers.WebappUsage, answers.AuditLogList, answers.AuditLogEntry),
            *(answers.UploadSlot, answers.Organization, answers.OrganizationUsage, answers.Usage, answers.Health),
            *(answers.Error, answers.GatewayError, characters.VoicePreview, characters.AvatarUsage),
            *(sessions.SessionCreated, sessions.LiveSession, sessions.RoomCredentials),
            *(sessions.Connected, sessions.ClientToken),
            *{model for models_of_kind in _ANSWERS.values() for model in models_of_kind if model is not None},
        ]
    )
    schemas |= {f"Create{kind.noun}": of_parameters(specs) for kind, specs in CREATES.items()}
    schemas |= {f"Change{kind.noun}": of_parameters(specs) for kind, specs in CHANGES.items()}
    schemas["VoiceDesign"] = of_parameters(VOICE_DESIGN)
    schemas["CreateSession"] = of_parameters(session_requests.CREATE)
    schemas["ConnectAvatar"] = of_parameters(session_requests.CONNECT)
    schemas["CreateClientToken"] = of_parameters(session_requests.TOKEN)
    for kinds in sorted({kinds for at in models for model in at.models.values() for kinds in _kinds(model.parameters)}):
        schemas[media_name(kinds)] = of_media(kinds)
    schemas |= {_schema_name(model): _of_model(model, at) for at in models for model in at.models.values()}
    schemas["AnotherModel"] = _another_model(models)
    return dict(sorted(schemas.items()))


def _kinds(described: Any) -> set[tuple[str, ...]]:
    """Every combination of media kinds that a description names."""
    found: set[tuple[str, ...]] = set()
    if isinstance(described, Mapping):
        media = described.get("media")
        if isinstance(media, list):
            found.add(tuple(media))
        described = list(described.values())
    if isinstance(described, list):
        found |= {kinds for part in described for kinds in _kinds(part)}
    return found


def _of_model(model: Model, at: Operation) -> Schema:
    """The body of a create with this model."""
    own = of_parameters(model.parameters or {})
    schema: Schema = {"title": model.name, "type": "object", "required": own.get("required", [])}
    properties = own["properties"] | {name: _addition(name) for name in _ADDITIONS}
    if at.sole_model is None:
        others = [name for name, canonical in at.also_known_as.items() if canonical == model.name]
        schema["required"] = ["model", *schema["required"]]
        properties = {"model": {"enum": [model.name, *others]} if others else {"const": model.name}} | properties
    schema["properties"] = properties
    if model.strict:
        schema["additionalProperties"] = False
    if rules := [sentence for rule in model.rules for sentence in in_words(rule)]:
        schema["description"] = "; ".join(rules)
    if model.legacy:
        schema["deprecated"] = True
    if model.credits is not None:
        schema["x-credits"] = dict(model.credits)
    return schema


def _another_model(models: list[Operation]) -> Schema:
    """A model that the catalogue does not know is passed on, with whatever parameters it has."""
    known = sorted({name for at in models for name in (*at.models, *at.also_known_as)})
    name = {"type": "string", "minLength": 1, "maxLength": 100, "not": {"enum": known}}
    return {
        "title": "another model",
        "description": "One that this deployment does not know. Known models of other operations are refused.",
        "type": "object",
        "required": ["model"],
        "properties": {"model": name} | {addition: _addition(addition) for addition in _ADDITIONS},
    }


def _schema_name(model: Model) -> str:
    return f"{model.operation.removesuffix('/{id}').replace('/', '.')}.{model.name}"


_ADDITIONS = [name for name in CreateTask.model_fields if name != "model"]
"""What Tarmac adds to every create."""


def _addition(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/CreateTask/properties/{name}"}


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(name: str, about: str, schema: Schema, required: bool = False) -> dict[str, Any]:
    must = {"required": True} if required else {}
    return {"name": name, "in": "query", "description": about, "schema": schema} | must


def _window(required: bool) -> list[dict[str, Any]]:
    return [
        _query("from", "Its beginning", _MOMENT, required),
        _query("to", "Its end, which is not in it", _MOMENT, required),
    ]


_CURSOR = _query("cursor", "`nextCursor` of the page before", {"type": "string"})
_LIST = [
    _query(
        "limit", "How many at most", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    ),
    _CURSOR,
    _query("status", "Only those in this status", {"enum": list(STATUSES)}),
]
_PAGE = [
    _query("limit", "How many at most", {"type": "integer", "minimum": 1, "maximum": 100}),
    _CURSOR,
]
_ORGANIZATION = _query("organizationId", "Where the API project belongs to several", {"type": "string"})
_WORKSPACES = _query("workspaceIds", "Only these, separated by commas", {"type": "string"})
_AUDITED = [
    _query("actions", "Only these, separated by commas", {"type": "string"}),
    _query("actorEmails", "Only of these people, separated by commas", {"type": "string"}),
]
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_MOMENTS = [_query("startDate", "From this moment on", _MOMENT), _query("endDate", "Before this moment", _MOMENT)]
_ANSWERS: dict[Kind, tuple[type[BaseModel], type[BaseModel], type[BaseModel] | None]] = {
    Kind.AVATAR: (characters.Avatar, characters.AvatarList, characters.Avatar),
    Kind.DOCUMENT: (characters.Document, characters.DocumentList, characters.Document),
    Kind.VOICE: (characters.Voice, characters.VoiceList, characters.VoiceMade),
    Kind.CONVERSATION: (characters.Conversation, characters.ConversationList, None),
}
"""One of a kind, a list of them, and what a create answers."""

_DAY: Schema = {"type": "string", "format": "date"}
_SPAN = [
    _query("startDate", "First day (UTC); 30 days before the last if not given", _DAY),
    _query("beforeDate", "First day that is not counted, 90 days after startDate at most", _DAY),
]
_PARAMETERS = {
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key and body are one task, however often they are sent. Kept for 30 days.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[ -~]+$"},
    },
    "X-Runway-Version": {
        "name": "X-Runway-Version",
        "in": "header",
        "description": "Sent by Runway's SDKs; not needed here",
        "schema": {"type": "string", "examples": ["2024-11-06"]},
    },
}
_HEADERS = {
    "x-request-id": {
        "description": "Names this call in the logs. What API Gateway answers by itself has apigw-requestid instead",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "x-should-retry": {"description": "For Runway's SDKs", "schema": {"enum": ["true", "false"]}},
}
