"""/v1/workflows and /v1/workflow_invocations: published workflows, and their runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator.checks import Check, Findings, Path, anything, media, one_of, record, tagged, text
from local.simulator.inputs import resolve
from local.simulator.library import Node, Workflow
from local.simulator.links import task_links
from local.simulator.rendering import Clip, hue_of
from local.simulator.responses import ApiError, invalid
from local.simulator.routes.creating import Create, must_pass, read_create
from local.simulator.routes.generations import check_account
from local.simulator.routes.tasks import poll_fault
from local.simulator.simulator import Simulator
from local.simulator.tasks import Status, Task, iso, outputs_at, status_at, task_json

CREDITS_PER_NODE: Final = 10
# The model whose limits apply to a run: the account has no model "workflow".
LIMITS_MODEL: Final = "gen4_image"
_SIZE: Final = (1280, 720)
_SECONDS: Final = 5
_VALUE: Final = tagged(
    "type",
    {
        "primitive": record({"value": anything}, ("value",)),
        "image": record({"uri": media("image")}, ("uri",)),
        "video": record({"uri": media("video")}, ("uri",)),
        "audio": record({"uri": media("audio")}, ("uri",)),
    },
)


async def list_workflows(_request: Request, simulator: Simulator) -> Response:
    """`{"data": [{"name", "versions"}]}`, the newest version first."""
    by_name: dict[str, list[Workflow]] = {}
    for workflow in sorted(simulator.library.workflows.values(), key=lambda each: -each.version):
        by_name.setdefault(workflow.name, []).append(workflow)
    data = [{"name": name, "versions": list(map(_version_json, versions))} for name, versions in by_name.items()]
    return JSONResponse({"data": data})


def _version_json(workflow: Workflow) -> dict[str, Any]:
    return {"id": workflow.id, "createdAt": iso(workflow.created_at), "version": workflow.version}


async def read_workflow(request: Request, simulator: Simulator) -> Response:
    """200 with the graph: its nodes in a row, each with one input for the prompt."""
    workflow = _workflow(request, simulator)
    return JSONResponse(
        _version_json(workflow)
        | {
            "name": workflow.name,
            "description": workflow.description,
            "updatedAt": iso(workflow.created_at),
            "graph": {"nodes": list(map(_node_json, workflow.nodes)), "edges": _edges(workflow.nodes), "version": 1},
        }
    )


def _node_json(node: Node) -> dict[str, Any]:
    return {"id": node.id, "name": node.name, "inputs": {"prompt": {"type": "primitive"}}}


def _edges(nodes: list[Node]) -> list[dict[str, str]]:
    return [{"source": one.id, "target": next_one.id} for one, next_one in itertools.pairwise(nodes)]


async def run_workflow(request: Request, simulator: Simulator) -> Response:
    """200 `{"id"}` of the invocation."""
    workflow, create = _workflow(request, simulator), await read_create(request, simulator, LIMITS_MODEL)
    body = create.body
    nodes: dict[str, Check] = {node.id: _values for node in workflow.nodes}
    findings = must_pass(record({"nodeOutputs": record(nodes, (), strict=True)}, ()), body)
    picture = resolve(findings, simulator)
    if findings.issues:
        raise invalid(*findings.issues)
    credits = CREDITS_PER_NODE * len(workflow.nodes)
    check_account(simulator, LIMITS_MODEL, credits)
    clip = Clip(*_SIZE, _SECONDS, picture, hue_of(workflow.name))
    simulator.storage.keep(create.raw)
    task = _begin(simulator, create, workflow, credits, clip)
    return create.answer({"id": task.id})


def _begin(simulator: Simulator, create: Create, workflow: Workflow, credits: int, clip: Clip) -> Task:
    kinds, nodes = [node.kind for node in workflow.nodes], [node.id for node in workflow.nodes]
    return simulator.accept(create.path, LIMITS_MODEL, credits, create.body_sha256, create.scenario, clip, kinds, nodes)


def _values(value: Any, path: Path, findings: Findings) -> None:
    """Check the outputs of one node, by key, each with a type."""
    if not isinstance(value, dict):
        findings.add("invalid_type", path, "Invalid input: expected object")
        return
    for key, each in value.items():
        _VALUE(each, (*path, key), findings)


async def read_invocation(request: Request, simulator: Simulator) -> Response:
    """200 with the run as a task, except that output and nodeErrors are by node, and a RUNNING one has output."""
    task = simulator.find(request.path_params["invocation_id"])
    if task is None or not task.nodes:
        raise ApiError(404, "Workflow invocation not found")
    if (fault := poll_fault(task)) is not None:
        return fault
    now = simulator.now()
    status, done = status_at(task, now), outputs_at(task, now)
    answer = task_json(task, now, [])
    answer.pop("estimatedCost", None)
    if status in (Status.RUNNING, Status.SUCCEEDED):
        shown = _without_error(task, zip(task.nodes, task_links(request, simulator, task, done), strict=False))
        answer["output"] = {node: [link] for node, link in shown}
    if status is Status.RUNNING:
        answer.setdefault("progress", 0.0)
    if status in (Status.SUCCEEDED, Status.FAILED) and task.scenario.node_error:
        name = next((node.name for node in _nodes(simulator) if node.id == task.nodes[-1]), None)
        error = {"message": "The node failed.", "failureCode": task.scenario.node_error, "nodeName": name}
        answer["nodeErrors"] = {task.nodes[-1]: error}
    if status is Status.CANCELLED:
        del answer["cost"]
    return JSONResponse(answer)


def _without_error(task: Task, shown: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    failed = task.nodes[-1] if task.scenario.node_error else None
    return [(node, link) for node, link in shown if node != failed]


def _nodes(simulator: Simulator) -> list[Node]:
    return [node for workflow in simulator.library.workflows.values() for node in workflow.nodes]


def _workflow(request: Request, simulator: Simulator) -> Workflow:
    workflow = simulator.library.workflows.get(request.path_params["workflow_id"])
    if workflow is None:
        raise ApiError(404, "Workflow not found")
    return workflow


_FORMAT: Final = one_of("png", "jpeg", "webp", "mp4", "mp3", "wav")


def _formats(value: Any, path: Path, findings: Findings) -> None:
    """Check the format of each node's output, by the node's id."""
    if not isinstance(value, dict) or not value:
        findings.add("invalid_type", path, "Invalid input: expected object")
        return
    for node_id, kind in value.items():
        _FORMAT(kind, (*path, node_id), findings)


_PUBLISHED: Final = record({"name": text(1, 255), "nodes": _formats}, ("name", "nodes"))


def add_workflow(simulator: Simulator, body: Any, workflow_id: str) -> Workflow:
    """Publish a workflow, as only the web application can: `{"name", "nodes": {id: format}}`; raises ApiError 400."""
    must_pass(_PUBLISHED, body)
    nodes = [Node(node_id, f"{kind} {number}", kind) for number, (node_id, kind) in enumerate(body["nodes"].items(), 1)]
    versions = [each.version for each in simulator.library.workflows.values() if each.name == body["name"]]
    workflow = Workflow(workflow_id, body["name"], None, max(versions, default=0) + 1, simulator.now(), nodes)
    simulator.library.workflows[workflow_id] = workflow
    return workflow
