"""What is answered about live sessions: Runway's own shapes, and those of its samples' servers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from tarmac.openapi.answers import Absent


class SessionCreated(BaseModel):
    """A session that Runway has taken: wait until it is READY. Its id is later that of the conversation."""

    id: str


class LiveSession(BaseModel):
    """A session in Runway's shape."""

    id: str
    createdAt: datetime
    status: Literal["NOT_READY", "READY", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]
    queued: bool | Absent = Field(None, description="While NOT_READY: whether it waits for capacity")
    sessionKey: str | Absent = Field(None, description="While READY: opens the session, once")
    expiresAt: datetime | Absent = Field(None, description="While READY: of the key")
    duration: float | Absent = Field(None, description="When COMPLETED: seconds")
    failure: str | Absent = Field(None, description="When FAILED, for people")
    failureCode: str | None = Field(None, description="When FAILED")
    metadata: dict[str, str] | Absent = None


class RoomCredentials(BaseModel):
    """What a participant enters the room with."""

    url: str
    token: str
    roomName: str


class Connected(BaseModel):
    """What a page enters its room with, as `@runwayml/avatars-react` reads it."""

    sessionId: str
    serverUrl: str
    token: str
    roomName: str


class ClientToken(BaseModel):
    """A token for one page, and the address that its `AvatarCall` connects to."""

    clientToken: str
    expiresAt: datetime
    connectUrl: str
