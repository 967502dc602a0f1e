"""What the API answers, as models: for the document, and for the tests that hold real answers against it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

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


class Routing(BaseModel):
    """What a router has chosen, as Runway tells it. Null until Runway has taken the task, but for the router's name."""

    configId: str
    model: str | None
    provider: str | None
    resolvedSettings: dict[str, Any] | None
    resolvedInput: dict[str, Any] | None
    estimatedCost: Estimate


class TaskAccepted(BaseModel):
    """A task that is kept: poll it, or wait for its notice."""

    id: str
    estimatedCost: Estimate
    routing: Routing | Absent = None


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
    routing: Routing | Absent = Field(None, description="Of a create by router")
    metadata: dict[str, str] | Absent = None
    webhook: WebhookRecord | Absent = None


class NodeError(BaseModel):
    message: str | Absent = None
    failureCode: str | Absent = None
    nodeName: str | Absent = None


class WorkflowInvocation(BaseModel):
    """A run of a workflow in Runway's shape; its id is a task's. Links lead into the archive, anew on each read."""

    id: str
    createdAt: datetime
    status: Literal["PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
    progress: float | Absent = Field(None, ge=0, le=0.99, description="While RUNNING")
    output: dict[str, list[str]] | Absent = Field(
        None, description="By node. While RUNNING what is archived already; all of it when SUCCEEDED"
    )
    nodeErrors: dict[str, NodeError] | Absent = Field(None, description="By node, also of runs that SUCCEEDED")
    failure: str | None = Field(None, description="When FAILED, for people")
    failureCode: str | None = Field(None, description="When FAILED: Runway's code, or one that begins with TARMAC.")
    cost: Credits | Absent = Field(None, description="Once ended, where Runway tells it")
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


class WorkflowVersion(BaseModel):
    id: str
    createdAt: datetime
    version: int


class PublishedWorkflow(BaseModel):
    name: str
    versions: list[WorkflowVersion]


class WorkflowList(BaseModel):
    """Runway's answer: the published workflows."""

    data: list[PublishedWorkflow]


class WorkflowGraph(BaseModel):
    nodes: list[Any]
    edges: list[Any]
    version: int


class Workflow(WorkflowVersion):
    """Runway's answer: one version of a workflow. The ids of its nodes are the keys of `nodeOutputs`."""

    name: str
    description: str | None = None
    updatedAt: datetime
    graph: WorkflowGraph


class Router(BaseModel):
    """Runway's answer. `slug` is what a create names as `configId`."""

    id: str
    slug: str
    name: str
    description: str | None = None
    settings: dict[str, Any]
    version: int
    createdAt: datetime
    updatedAt: datetime


class RouterList(BaseModel):
    """Runway's answer: a page of routers."""

    data: list[Router]
    hasMore: bool | Absent = None
    nextCursor: str | None


class RouterRequest(BaseModel):
    """`taskId` is Runway's own id of a task."""

    id: str
    requestId: str
    createdAt: datetime
    status: str
    model: str | None = None
    provider: str | None = None
    taskId: str | None = None
    estimatedCredits: float | None = None
    reason: str | None = None
    reasonCode: str | None = None
    pipeline: list[dict[str, Any]]
    emptiedBy: list[str]


class RouterRequestList(BaseModel):
    """Runway's answer: what a router has decided, of all clients."""

    data: list[RouterRequest]
    hasMore: bool | Absent = None
    nextCursor: str | None


class WebappCharge(BaseModel):
    credits: float
    email: str
    timestamp: datetime
    tool: str
    type: Literal["charge", "refund"]
    workspaceId: int
    workspaceName: str


class WebappUsage(BaseModel):
    """Runway's answer: credits that people have used in its web application."""

    data: list[WebappCharge]
    hasMore: bool | Absent = None
    nextCursor: str | None


class AuditLog(BaseModel):
    action: str
    eventId: str
    timestamp: datetime
    actorDeleted: bool
    actorEmail: str | None = None
    actorUsername: str | None = None
    workspaceId: int
    workspaceName: str


class AuditLogList(BaseModel):
    """Runway's answer: what people have done in its web application."""

    data: list[AuditLog]
    hasMore: bool | Absent = None
    nextCursor: str | None


class AuditLogEntry(AuditLog):
    """Runway's answer: one entry, with what lists leave out."""

    clientIpAddress: str
    userAgent: str | None = None
    requestId: str | None = None
    resourceType: str | None = None
    resourceId: str | None = None
    metadata: dict[str, Any]


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
