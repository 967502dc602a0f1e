"""Client for tasks, uploads and the account of the Runway API. `connection` sends requests and sorts failures.

The run of a workflow is a task whose upstream id is its path, `workflow_invocations/{id}`. Runway cannot cancel it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import httpx

from tarmac.runway.connection import RunwayConnection, document_of
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamGone, UpstreamUnavailable
from tarmac.runway.flavors import RUNWAY, Flavor
from tarmac.runway.ports import Created, UpstreamTask
from tarmac.runway.shapes import credits_of, parse_task, routing_of

_INVOCATIONS = "workflow_invocations/"


class RunwayClient:
    """Implements `ports.Runway`."""

    def __init__(self, connection: RunwayConnection, flavor: Flavor = RUNWAY) -> None:
        self._connection = connection
        self._flavor = flavor

    def create(self, operation: str, body: Mapping[str, Any]) -> Created:
        response = self._connection.send_once(f"/v1/{operation}", body)
        try:
            answer = response.json()
            upstream_id = answer["id"]
        except (ValueError, TypeError, KeyError):
            raise CreateAmbiguous("Runway's response to the create is invalid") from None
        if not isinstance(upstream_id, str) or not upstream_id:
            raise CreateAmbiguous("Runway's response to the create has no id")
        if operation.startswith("workflows/"):
            upstream_id = _INVOCATIONS + upstream_id
        routing = routing_of(answer)
        return Created(upstream_id, credits_of(routing or answer, "estimatedCost"), routing)

    def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
        try:
            slot = self._connection.send_once("/v1/uploads", {"filename": filename, "type": "ephemeral"})
        except CreateAmbiguous as error:
            # An upload slot costs nothing, so a lost response is safe to retry.
            raise CreateRefused(str(error)) from error
        try:
            answer = slot.json()
            upload_url, fields, uri = httpx.URL(answer["uploadUrl"]), dict(answer["fields"]), answer["runwayUri"]
        except (ValueError, TypeError, KeyError, httpx.InvalidURL):
            raise CreateRefused("Runway's response to an upload is invalid") from None
        try:
            # The storage host must not receive Runway's key, so this request has no Authorization header.
            stored = self._connection.http.post(
                upload_url, data=fields, files={"file": (filename, content, content_type)}
            )
        except httpx.RequestError as error:
            raise CreateRefused(f"an input could not be uploaded to Runway ({type(error).__name__})") from error
        if stored.status_code in (400, 413, 415):
            raise CreateRejected("Runway's storage rejected an input", status=400)
        if not stored.is_success:
            raise CreateRefused(f"an input could not be uploaded to Runway (HTTP {stored.status_code})")
        return str(uri)

    def task(self, upstream_id: str) -> UpstreamTask:
        path = upstream_id if upstream_id.startswith(_INVOCATIONS) else f"tasks/{upstream_id}"
        response = self._connection.read("GET", f"/v1/{path}")
        try:
            return parse_task(upstream_id, response.json())
        except ValueError:
            raise UpstreamUnavailable("Runway returned an invalid task") from None

    def cancel(self, upstream_id: str) -> None:
        if not self._flavor.can_cancel or upstream_id.startswith(_INVOCATIONS):
            return
        try:
            self._connection.read("DELETE", f"/v1/tasks/{upstream_id}")
        except UpstreamGone:
            return

    def relay(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        if body is None:
            response = self._connection.read(method, path, query=query)
        else:
            response = self._connection.send_once(path, body, method)
        return None if response.status_code == 204 else document_of(response)

    def organization(self) -> dict[str, Any]:
        return document_of(self._connection.read("GET", "/v1/organization"))

    def organization_usage(self, span: Mapping[str, Any]) -> dict[str, Any]:
        return document_of(self._connection.read("POST", "/v1/organization/usage", span))
