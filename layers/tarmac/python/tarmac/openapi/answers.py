"""What the API answers, as models: for the document, and for the tests that hold real answers against it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

Absent = SkipJsonSchema[None]
"""A field that is left out rather than null."""


class Credits(BaseModel):
    """1 credit is $0.01."""

    credits: float


class Estimate(BaseModel):
    """At most that, as far as it can be told; null where nobody has published a price."""

    credits: float | None


class TaskAccepted(BaseModel):
    """A task that is kept: poll it, or wait for its notice."""

    id: str
    estimatedCost: Estimate


class WebhookRecord(BaseModel):
    """What has become of the callback."""

    url: str
    state: str
    tries: int
    lastStatus: int | None
    lastTriedAt: datetime | None
    deliveredAt: datetime | None


class Task(BaseModel):
    """A task in Runway's shape. Links in `output` lead into the archive; they are made anew on each read."""

    id: str
    createdAt: datetime
    status: Literal["PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
    progress: float | Absent = Field(None, ge=0, le=0.99, description="While RUNNING")
    output: list[str] | Absent = Field(None, description="When SUCCEEDED")
    failure: str | None = Field(None, description="When FAILED, for people")
    failureCode: str | None = Field(None, description="When FAILED: Runway's code, or one that begins with TARMAC.")
    estimatedCost: Estimate | Absent = Field(None, description="Until it has ended")
    cost: Credits | Absent = Field(None, description="Once ended")
    metadata: dict[str, str] | Absent = None
    webhook: WebhookRecord | Absent = None


class TaskList(BaseModel):
    """A page, newest first. It may be short, or even empty, before the last."""

    data: list[Task]
    hasMore: bool
    nextCursor: str | None


class UploadSlot(BaseModel):
    """Post multipart/form-data to `uploadUrl` within an hour: all `fields`, then the part `file`, 512 bytes to 200 MiB.

    For 24 hours the URI may then stand wherever a create takes media.
    """

    uploadUrl: str
    fields: dict[str, str]
    runwayUri: str
    uri: str = Field(description="The same as runwayUri")


class ModelLimits(BaseModel):
    maxConcurrentGenerations: int | None = None
    maxDailyGenerations: int | None = None


class Tier(BaseModel):
    maxMonthlyCreditSpend: float
    models: dict[str, ModelLimits]


class ModelsToday(BaseModel):
    dailyGenerations: int


class GenerationsToday(BaseModel):
    models: dict[str, ModelsToday]


class Organization(BaseModel):
    """Runway's answer: limits, balance and generations of the organization that this deployment's key belongs to."""

    tier: Tier
    creditBalance: float
    usage: GenerationsToday


class ModelCredits(BaseModel):
    model: str
    amount: float


class DayOfOrganization(BaseModel):
    date: date
    usedCredits: list[ModelCredits]


class OrganizationUsage(BaseModel):
    """Runway's answer: credits of all clients together."""

    results: list[DayOfOrganization]
    models: list[str]


class Sums(BaseModel):
    tasks: int
    estimatedCredits: float
    spentCredits: float


class SumsOfModel(Sums):
    model: str


class Day(BaseModel):
    date: date
    models: list[SumsOfModel]


class Usage(BaseModel):
    """The caller's own tasks. Where they are too many for one answer, `countedFrom` says since when."""

    startDate: date
    beforeDate: date
    total: Sums
    byStatus: dict[str, int]
    results: list[Day]
    isComplete: bool
    countedFrom: datetime | Absent = None


class Health(BaseModel):
    status: Literal["ok"]
    version: str


class Issue(BaseModel):
    """One problem of a body."""

    code: str
    path: list[str | int]
    message: str


class Error(BaseModel):
    """In Runway's shape."""

    error: str
    issues: list[Issue] | Absent = None


class GatewayError(BaseModel):
    """What API Gateway says by itself, of keys, paths and throttling."""

    message: str | None
