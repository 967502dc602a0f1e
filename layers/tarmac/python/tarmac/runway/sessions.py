"""Client for live sessions and their conversations of the Runway API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tarmac.ids import is_id
from tarmac.runway.connection import RunwayConnection, document_of
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamGone, UpstreamUnavailable
from tarmac.runway.ports import Credentials, UpstreamSession


class RunwaySessionsClient:
    """Implements `ports.RunwaySessions`."""

    def __init__(self, connection: RunwayConnection) -> None:
        self._connection = connection

    def create(self, body: Mapping[str, Any]) -> str:
        session_id = _readable(self._connection.send_once("/v1/realtime_sessions", body)).get("id")
        if not isinstance(session_id, str) or not is_id(session_id):
            raise CreateAmbiguous("Runway's response to the create has no id")
        return session_id

    def session(self, session_id: str, timeout_seconds: float | None = None) -> UpstreamSession:
        answer = document_of(self._connection.read("GET", _path(session_id), timeout_seconds=timeout_seconds))
        status = answer.get("status")
        if not isinstance(status, str):
            raise UpstreamUnavailable("Runway returned an invalid session")
        return UpstreamSession(
            session_id,
            status,
            _text(answer.get("sessionKey")),
            _number(answer.get("duration")),
            _text(answer.get("failure")),
            _text(answer.get("failureCode")),
            answer,
        )

    def cancel(self, session_id: str, timeout_seconds: float | None = None) -> None:
        try:
            self._connection.read("DELETE", _path(session_id), timeout_seconds=timeout_seconds)
        except UpstreamGone:
            return

    def consume(self, session_id: str, session_key: str, timeout_seconds: float | None = None) -> Credentials:
        path = f"{_path(session_id)}/consume"
        return _credentials(self._connection.send_once(path, None, bearer=session_key, timeout_seconds=timeout_seconds))

    def connect_backend(self, session_id: str) -> Credentials:
        try:
            return _credentials(self._connection.send_once(f"{_path(session_id)}/connect_backend", None))
        except CreateRefused as refusal:
            if refusal.status != 409:
                raise
            # For a create, 409 is temporary. Here it is the state of the session, so a retry is useless.
            raise CreateRejected(str(refusal), status=409) from refusal

    def conversation(self, session_id: str) -> dict[str, Any]:
        return document_of(self._connection.read("GET", f"/v1/avatar_conversations/{session_id}"))


def _path(session_id: str) -> str:
    return f"/v1/realtime_sessions/{session_id}"


def _credentials(response: httpx.Response) -> Credentials:
    answer = _readable(response)
    url, token, room_name = answer.get("url"), answer.get("token"), answer.get("roomName")
    if not (isinstance(url, str) and isinstance(token, str) and isinstance(room_name, str)):
        raise CreateAmbiguous("Runway's response has no credentials")
    return Credentials(url, token, room_name)


def _readable(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in the response to a change. An invalid response counts as lost."""
    try:
        return document_of(response)
    except UpstreamUnavailable as error:
        raise CreateAmbiguous(str(error)) from None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
