"""The table of all endpoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from local.simulator.contract import OPERATIONS
from local.simulator.routes import (
    characters,
    cometapi,
    control,
    generations,
    organization,
    outputs,
    routers,
    rtc,
    sessions,
    tasks,
    uploads,
    workflows,
)
from local.simulator.simulator import Simulator


class Access(Enum):
    """The credentials that a request needs. ANY_KEY accepts any bearer; NOTHING leaves checks to the endpoint."""

    KEY_AND_VERSION = auto()
    ANY_KEY_AND_VERSION = auto()
    ANY_KEY = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path, with its handler."""

    method: str
    path: str
    handler: Callable[[Request, Simulator], Awaitable[Response]]
    access: Access = Access.KEY_AND_VERSION


CONSUME: Final = "/v1/realtime_sessions/{session_id}/consume"

RUNWAY: Final = (
    *(Endpoint("POST", path, generations.create_task) for path in OPERATIONS),
    *(Endpoint("POST", f"/v1/generate/{kind}", routers.generate) for kind in ("video", "image", "audio")),
    Endpoint("GET", "/v1/tasks/{task_id}", tasks.read_task),
    Endpoint("DELETE", "/v1/tasks/{task_id}", tasks.delete_task),
    Endpoint("POST", "/v1/uploads", uploads.create_upload),
    Endpoint("GET", "/v1/routers", routers.list_routers),
    Endpoint("POST", "/v1/routers", routers.create_router),
    Endpoint("GET", "/v1/routers/{router_id}", routers.read_router),
    Endpoint("PATCH", "/v1/routers/{router_id}", routers.change_router),
    Endpoint("DELETE", "/v1/routers/{router_id}", routers.delete_router),
    Endpoint("GET", "/v1/routers/{router_id}/requests", routers.list_router_requests),
    Endpoint("GET", "/v1/workflows", workflows.list_workflows),
    Endpoint("GET", "/v1/workflows/{workflow_id}", workflows.read_workflow),
    Endpoint("POST", "/v1/workflows/{workflow_id}", workflows.run_workflow),
    Endpoint("GET", "/v1/workflow_invocations/{invocation_id}", workflows.read_invocation),
    Endpoint("GET", "/v1/organization", organization.read_organization),
    Endpoint("POST", "/v1/organization/usage", organization.read_usage),
    Endpoint("GET", "/v1/organization/webapp/usage", organization.list_webapp_usage),
    Endpoint("GET", "/v1/organization/webapp/audit_logs", organization.list_audit_logs),
    Endpoint("GET", "/v1/organization/webapp/audit_logs/{event_id}", organization.read_audit_log),
    Endpoint("GET", "/v1/avatars", characters.list_avatars),
    Endpoint("POST", "/v1/avatars", characters.create_avatar),
    Endpoint("GET", "/v1/avatars/{avatar_id}", characters.read_avatar),
    Endpoint("PATCH", "/v1/avatars/{avatar_id}", characters.change_avatar),
    Endpoint("DELETE", "/v1/avatars/{avatar_id}", characters.delete_avatar),
    Endpoint("GET", "/v1/documents", characters.list_documents),
    Endpoint("POST", "/v1/documents", characters.create_document),
    Endpoint("GET", "/v1/documents/{document_id}", characters.read_document),
    Endpoint("PATCH", "/v1/documents/{document_id}", characters.change_document),
    Endpoint("DELETE", "/v1/documents/{document_id}", characters.delete_document),
    Endpoint("POST", "/v1/voices/preview", characters.preview_voice),
    Endpoint("GET", "/v1/voices", characters.list_voices),
    Endpoint("POST", "/v1/voices", characters.create_voice),
    Endpoint("GET", "/v1/voices/{voice_id}", characters.read_voice),
    Endpoint("PATCH", "/v1/voices/{voice_id}", characters.change_voice),
    Endpoint("DELETE", "/v1/voices/{voice_id}", characters.delete_voice),
    Endpoint("POST", "/v1/realtime_sessions", sessions.create_session),
    Endpoint("GET", "/v1/realtime_sessions/{session_id}", sessions.read_session),
    Endpoint("DELETE", "/v1/realtime_sessions/{session_id}", sessions.cancel_session),
    # Browsers send the session's key instead of an API key here, and no version.
    Endpoint("POST", CONSUME, sessions.consume_session, Access.NOTHING),
    Endpoint("POST", "/v1/realtime_sessions/{session_id}/connect_backend", sessions.connect_backend),
    Endpoint("GET", "/v1/avatar_conversations", sessions.list_conversations),
    Endpoint("GET", "/v1/avatar_conversations/{conversation_id}", sessions.read_conversation),
    Endpoint("DELETE", "/v1/avatar_conversations/{conversation_id}", sessions.delete_conversation),
    Endpoint("GET", "/v1/avatar_usage", sessions.read_avatar_usage),
)
COMETAPI: Final = (
    *(
        Endpoint("POST", cometapi.PREFIX + path, cometapi.create_task, Access.ANY_KEY_AND_VERSION)
        for path in OPERATIONS
        if not path.startswith("/v1/recipes/") and path != "/v1/avatar_videos"
    ),
    Endpoint("GET", f"{cometapi.PREFIX}/v1/tasks/{{task_id}}", cometapi.read_task, Access.ANY_KEY),
)
STORAGE: Final = (
    Endpoint("POST", uploads.STORAGE_PATH, uploads.store_upload, Access.NOTHING),
    Endpoint("GET", "/outputs/{owner_id}/{number:int}.{extension}", outputs.read_output, Access.NOTHING),
)
RTC: Final = (
    Endpoint("GET", rtc.PATH, rtc.validate, Access.NOTHING),
    Endpoint("GET", f"{rtc.PATH}/{{rest:path}}", rtc.validate, Access.NOTHING),
)
CONTROL: Final = (
    Endpoint("GET", "/_simulator/health", control.read_health, Access.NOTHING),
    Endpoint("GET", "/_simulator/ledger", control.read_ledger, Access.NOTHING),
    Endpoint("GET", "/_simulator/requests", control.read_requests, Access.NOTHING),
    Endpoint("GET", "/_simulator/tasks/{task_id}/body", control.read_task_body, Access.NOTHING),
    Endpoint("PUT", "/_simulator/records/{kind}/{record_id}", control.put_record, Access.NOTHING),
    Endpoint("GET", "/_simulator/sessions", control.read_sessions, Access.NOTHING),
    Endpoint("POST", "/_simulator/sessions/{session_id}/end", control.end_session, Access.NOTHING),
    Endpoint("GET", "/_simulator/visits", control.read_visits, Access.NOTHING),
    Endpoint("GET", "/_simulator/faults", control.read_faults, Access.NOTHING),
    Endpoint("POST", "/_simulator/faults", control.add_fault, Access.NOTHING),
    Endpoint("DELETE", "/_simulator/faults", control.clear_faults, Access.NOTHING),
    Endpoint("POST", "/_simulator/pause", control.pause, Access.NOTHING),
    Endpoint("POST", "/_simulator/resume", control.resume, Access.NOTHING),
    Endpoint("POST", "/_simulator/reset", control.reset, Access.NOTHING),
)
ENDPOINTS: Final = (*RUNWAY, *COMETAPI, *STORAGE, *RTC, *CONTROL)
