"""Workflows that were published in Runway: listed, run, and archived like a task."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest
from runwayml import NotFoundError

from tests.conformance.cases import Cases, Stage
from tests.conformance.generations import AT_ONCE, IMAGE
from tests.conformance.sdks import Sdk

CASES = Cases()


@CASES.covering("workflows.list", "workflows.retrieve", "workflows.run", "workflow_invocations.retrieve")
async def a_workflow_is_run_and_every_nodes_output_archived(sdk: Sdk, stage: Stage) -> None:
    [listed] = [each for each in (await sdk("workflows.list")).data if each.name == "Lamp study"]
    workflow = await sdk("workflows.retrieve", listed.versions[0].id)
    first: Any = workflow.graph.nodes[0]
    values = {
        first["id"]: {
            "prompt": {"type": "primitive", "value": f"a lamp {AT_ONCE}"},
            "image": {"type": "image", "uri": IMAGE},
        }
    }
    run = await sdk("workflows.run", workflow.id, node_outputs=values)
    ended = await sdk.waited(await sdk("workflow_invocations.retrieve", run.id))
    assert (ended.id, ended.status) == (run.id, "SUCCEEDED")

    announced = await stage.announced(run.id)
    _, _, upstream_id = str(announced.upstream_id).rpartition("/")
    direct = stage.simulator.http.get(f"/v1/workflow_invocations/{upstream_id}").raise_for_status().json()
    archived = {
        node: [_sha256(httpx.get(link, trust_env=False)) for link in ended.output[node]] for node in ended.output
    }
    rendered = {
        node: [_sha256(stage.simulator.http.get(link)) for link in links] for node, links in direct["output"].items()
    }
    assert len(rendered) == len(workflow.graph.nodes) == 3
    assert archived == rendered
    assert all(f"/{stage.deployment.info.archive_bucket}/" in link for links in ended.output.values() for link in links)


@CASES.covering("workflows.retrieve", "workflow_invocations.retrieve")
async def an_unknown_workflow_is_not_found(sdk: Sdk, stage: Stage) -> None:
    for method in ("workflows.retrieve", "workflow_invocations.retrieve"):
        with pytest.raises(NotFoundError):
            await sdk(method, "6e1fe2a7-0000-4000-8000-000000000000")


def _sha256(answer: httpx.Response) -> str:
    return hashlib.sha256(answer.raise_for_status().content).hexdigest()
