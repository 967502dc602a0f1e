"""Client for avatars, documents, voices and conversations of the Runway API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tarmac.runway.connection import RunwayConnection, document_of
from tarmac.runway.errors import CreateAmbiguous, UpstreamUnavailable
from tarmac.runway.ports import UpstreamPage


class RunwayCharacters:
    """Implements `ports.Characters`."""

    def __init__(self, connection: RunwayConnection) -> None:
        self._connection = connection

    def create(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        made = _made(self._connection.send_once(f"/v1/{collection}", body))
        if not isinstance(made.get("id"), str) or not made["id"]:
            raise CreateAmbiguous("Runway's response to the create has no id")
        return made

    def preview(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return _made(self._connection.send_once("/v1/voices/preview", body))

    def read(self, collection: str, item_id: str) -> dict[str, Any]:
        return document_of(self._connection.read("GET", f"/v1/{collection}/{item_id}"))

    def page(self, collection: str, query: Mapping[str, str]) -> UpstreamPage:
        answer = document_of(self._connection.read("GET", f"/v1/{collection}", query=query))
        items, cursor = answer.get("data"), answer.get("nextCursor")
        if not isinstance(items, list) or not all(isinstance(item, dict) and _has_id(item) for item in items):
            raise UpstreamUnavailable("Runway returned an invalid list")
        return UpstreamPage(items, cursor if isinstance(cursor, str) and cursor else None)

    def change(self, collection: str, item_id: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        response = self._connection.send_once(f"/v1/{collection}/{item_id}", body, method="PATCH")
        return _made(response) if response.content else None

    def delete(self, collection: str, item_id: str) -> None:
        self._connection.read("DELETE", f"/v1/{collection}/{item_id}")

    def usage(self, query: Mapping[str, str]) -> dict[str, Any]:
        return document_of(self._connection.read("GET", "/v1/avatar_usage", query=query))


def _made(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in the response to a change. If it is invalid, the result of the change is unknown."""
    try:
        return document_of(response)
    except UpstreamUnavailable as error:
        raise CreateAmbiguous(str(error)) from error


def _has_id(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("id"), str)
