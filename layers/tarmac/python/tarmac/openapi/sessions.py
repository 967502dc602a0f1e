"""Responses about live sessions: in Runway's shapes, and in those of its samples' servers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from tarmac.openapi.answers import Absent


class SessionCreated(BaseModel):
    """A session that Runway has accepted: wait until it is READY. The id is also that of its conversation."""

    id: str


class LiveSession(BaseModel):
    """A session in Runway's shape."""

    id: str
    createdAt: datetime
    status: Literal["NOT_READY", "READY", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]
    queued: bool | Absent = Field(None, description="Only while NOT_READY: whether the session waits for capacity")
    sessionKey: str | Absent = Field(None, description="Only while READY: the key that opens the session, once")
    expiresAt: datetime | Absent = Field(None, description="Only while READY: when the key expires")
    duration: float | Absent = Field(None, description="Only when COMPLETED: seconds")
    failure: str | Absent = Field(None, description="When FAILED: a message for people")
    failureCode: str | None = Field(None, description="When FAILED: Runway's code")
    metadata: dict[str, str] | Absent = None


class RoomCredentials(BaseModel):
    """Credentials of a participant for the room."""

    url: str
    token: str
    roomName: str


class Connected(BaseModel):
    """A session and its credentials for a page, as `@runwayml/avatars-react` reads them."""

    sessionId: str
    serverUrl: str
    token: str
    roomName: str


class ClientToken(BaseModel):
    """A token for one page, and the URL that its `AvatarCall` connects to."""

    clientToken: str
    expiresAt: datetime
    connectUrl: str
