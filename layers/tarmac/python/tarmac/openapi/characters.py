"""Responses about avatars, documents, voices and conversations, in Runway's shapes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from tarmac.openapi.answers import Absent

Status = Literal["PROCESSING", "READY", "FAILED"]


class VoiceOfAvatar(BaseModel):
    type: Literal["runway-live-preset", "custom"]
    presetId: str | Absent = Field(None, description="Only for a preset")
    id: str | Absent = Field(None, description="Only for a custom voice")
    deleted: bool | Absent = None
    name: str | Absent = None
    description: str | Absent = None


class Avatar(BaseModel):
    """An avatar. Sessions and videos can use it once it is READY. Links are Runway's and expire within two days."""

    id: str
    name: str
    personality: str
    startScript: str | None
    voice: VoiceOfAvatar
    referenceImageUri: str | None
    processedImageUri: str | None
    documentIds: list[str]
    createdAt: datetime
    updatedAt: datetime
    status: Status
    failureReason: str | Absent = Field(None, description="When FAILED: a message for people")


class AvatarList(BaseModel):
    """Your own, newest first, then those created in Runway's portal."""

    data: list[Avatar]
    hasMore: bool
    nextCursor: str | None


class UserOfDocument(BaseModel):
    id: str
    name: str
    imageUrl: str | None


class ListedDocument(BaseModel):
    id: str
    name: str
    type: Literal["text", "file"]
    usedBy: list[UserOfDocument] = Field(description="Your own and shared avatars that use it")
    createdAt: datetime
    updatedAt: datetime


class Document(ListedDocument):
    """A document that avatars can use."""

    content: str


class DocumentList(BaseModel):
    """Your own in the requested order, then those created in Runway's portal."""

    data: list[ListedDocument]
    hasMore: bool
    nextCursor: str | None


class VoiceMade(BaseModel):
    """A voice that is being created."""

    id: str


class Voice(BaseModel):
    """A voice. Avatars can use it once it is READY."""

    id: str
    name: str
    description: str | None
    createdAt: datetime
    status: Status
    previewUrl: str | None = Field(None, description="When READY: a link to a sample")
    failureReason: str | Absent = Field(None, description="When FAILED: a message for people")


class VoiceList(BaseModel):
    """Your own, newest first, then those created in Runway's portal."""

    data: list[Voice]
    hasMore: bool
    nextCursor: str | None


class VoicePreview(BaseModel):
    """A sample of a voice; the link expires after 24 hours."""

    url: str
    durationSecs: float


class AvatarOfConversation(BaseModel):
    type: Literal["runway-preset", "custom"]
    presetId: str | Absent = None
    id: str | None = None
    name: str | None = None
    imageUrl: str | None = None


class ConversationBase(BaseModel):
    id: str = Field(description="The id of its session")
    name: str
    status: Literal["in_progress", "ended", "failed"]
    avatar: AvatarOfConversation | None
    createdAt: datetime
    duration: float | None = Field(description="Seconds")


class ListedConversation(ConversationBase):
    hasTools: bool


class ToolOfConversation(BaseModel):
    type: str
    name: str
    description: str


class Conversation(ConversationBase):
    """A conversation of a session. The link to its recording is Runway's and expires within two days."""

    maxDuration: float | None
    startedAt: datetime | None
    endedAt: datetime | None = None
    recordingUrl: str | None
    tools: list[ToolOfConversation]
    transcript: list[dict[str, object]]
    failure: str | Absent = None
    failureCode: str | None = None


class ConversationList(BaseModel):
    """Those of your sessions, newest first, then those from Runway's portal."""

    data: list[ListedConversation]
    hasMore: bool
    nextCursor: str | None


class DayOfAvatars(BaseModel):
    date: date
    sessions: int
    seconds: float


class AvatarUsage(BaseModel):
    """Runway's response: conversations of all clients together."""

    totalSeconds: float
    totalSessions: int
    avgDurationSeconds: float
    byDay: list[DayOfAvatars]
