"""Responses of the API as models: for the document, and for tests that check real responses."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

Absent = SkipJsonSchema[None]
"""A field that is left out instead of null."""


class Credits(BaseModel):
    """1 credit is $0.01."""

    credits: float


class Estimate(BaseModel):
    """The maximum cost, where it can be estimated; null without a published price."""

    credits: float | None


class Routing(BaseModel):
    """The choice of a router, as Runway reports it. Null until Runway has accepted the task, except `configId`."""

    configId: str
    model: str | None
    provider: str | None
    resolvedSettings: dict[str, Any] | None
    resolvedInput: dict[str, Any] | None
    estimatedCost: Estimate


class TaskAccepted(BaseModel):
    """An accepted task: poll it, or wait for its notice."""

    id: str
    estimatedCost: Estimate
    routing: Routing | Absent = None


class WebhookRecord(BaseModel):
    """The state of the webhook's delivery."""

    url: str
    state: str
    tries: int
    lastStatus: int | None
    lastTriedAt: datetime | None
    deliveredAt: datetime | None


class Task(BaseModel):
    """A task in Runway's shape. Links in `output` point to the archive; each read returns new ones."""

    id: str
    createdAt: datetime
    status: Literal["PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
    progress: float | Absent = Field(None, ge=0, le=0.99, description="Only while RUNNING")
    output: list[str] | Absent = Field(None, description="Only when SUCCEEDED")
    failure: str | None = Field(None, description="When FAILED: a message for people")
    failureCode: str | None = Field(
        None, description="When FAILED: Runway's code, or a code that starts with `TARMAC.`"
    )
    estimatedCost: Estimate | Absent = Field(None, description="Only until the task has ended")
    cost: Credits | Absent = Field(None, description="Only once the task has ended")
    routing: Routing | Absent = Field(None, description="Only for a create by router")
    metadata: dict[str, str] | Absent = None
    webhook: WebhookRecord | Absent = None


class NodeError(BaseModel):
    message: str | Absent = None
    failureCode: str | Absent = None
    nodeName: str | Absent = None


class WorkflowInvocation(BaseModel):
    """A run of a workflow in Runway's shape; its id is a task's. Links point to the archive, new ones on each read."""

    id: str
    createdAt: datetime
    status: Literal["PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
    progress: float | Absent = Field(None, ge=0, le=0.99, description="Only while RUNNING")
    output: dict[str, list[str]] | Absent = Field(
        None, description="By node. While RUNNING, the outputs archived so far; when SUCCEEDED, all of them"
    )
    nodeErrors: dict[str, NodeError] | Absent = Field(None, description="By node; a run that SUCCEEDED may have some")
    failure: str | None = Field(None, description="When FAILED: a message for people")
    failureCode: str | None = Field(
        None, description="When FAILED: Runway's code, or a code that starts with `TARMAC.`"
    )
    cost: Credits | Absent = Field(None, description="Only once the run has ended, if Runway reports it")
    metadata: dict[str, str] | Absent = None
    webhook: WebhookRecord | Absent = None


class TaskList(BaseModel):
    """A page, newest first. A page before the last may have fewer items than `limit`, or none."""

    data: list[Task]
    hasMore: bool
    nextCursor: str | None


class UploadSlot(BaseModel):
    """Post multipart/form-data to `uploadUrl` within an hour: all `fields`, then the part `file`, 512 bytes to 200 MiB.

    For 24 hours, creates accept the URI wherever they accept media.
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
    """Runway's response: limits, balance and generations of the organization that owns this deployment's API key."""

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
    """Runway's response: the published workflows."""

    data: list[PublishedWorkflow]


class WorkflowGraph(BaseModel):
    nodes: list[Any]
    edges: list[Any]
    version: int


class Workflow(WorkflowVersion):
    """Runway's response: one version of a workflow. The ids of its nodes are the keys of `nodeOutputs`."""

    name: str
    description: str | None = None
    updatedAt: datetime
    graph: WorkflowGraph


class Router(BaseModel):
    """Runway's response. `slug` is the `configId` of a create."""

    id: str
    slug: str
    name: str
    description: str | None = None
    settings: dict[str, Any]
    version: int
    createdAt: datetime
    updatedAt: datetime


class RouterList(BaseModel):
    """Runway's response: a page of routers."""

    data: list[Router]
    hasMore: bool | Absent = None
    nextCursor: str | None


class RouterRequest(BaseModel):
    """A decision of a router. `taskId` is Runway's own id of the task."""

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
    """Runway's response: decisions of a router, for all clients."""

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
    """Runway's response: credits that people used in its web application."""

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
    """Runway's response: actions of people in its web application."""

    data: list[AuditLog]
    hasMore: bool | Absent = None
    nextCursor: str | None


class AuditLogEntry(AuditLog):
    """Runway's response: one entry, with fields that lists leave out."""

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
    """Runway's response: credits of all clients together."""

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
    """Usage of the client's own tasks. If they are too many for one response, the count starts at `countedFrom`."""

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
    """One problem of a request."""

    code: str
    path: list[str | int]
    message: str


class Error(BaseModel):
    """An error in Runway's shape."""

    error: str
    issues: list[Issue] | Absent = None


class GatewayError(BaseModel):
    """An error of API Gateway itself: a missing key, an unknown path, throttling."""

    message: str | None
