"""Workflows and routers through the official SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from runwayml import BadRequestError, DefaultHttpxClient, NotFoundError, RunwayML

from tarmac.http.clients import SCOPES
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import data_uri, picture
from tests.e2e.requests import QUICK, marker, prompt
from tests.e2e.simulator import Simulator


@pytest.fixture
def api(deployment: Deployment) -> Iterator[Api]:
    """A client that may change shared items and read the account's records."""
    with Api.of_new_client(deployment, scopes=SCOPES) as client:
        yield client


@pytest.fixture
def runway(api: Api) -> Iterator[RunwayML]:
    http = DefaultHttpxClient(trust_env=False)
    with RunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http) as client:
        yield client


def nodes(runway: RunwayML) -> tuple[str, list[Any]]:
    """The newest version of the published workflow, and the ids of its nodes."""
    [published] = runway.workflows.list().data
    workflow = runway.workflows.retrieve(published.versions[0].id)
    assert workflow.version == max(version.version for version in published.versions)
    return workflow.id, [node["id"] for node in workflow.graph.nodes]  # type: ignore[index]


def test_a_run_is_waited_for_and_its_files_are_the_archives(
    runway: RunwayML, deployment: Deployment, simulator: Simulator
) -> None:
    workflow_id, node_ids = nodes(runway)
    run = runway.workflows.run(
        workflow_id,
        node_outputs={
            node_ids[0]: {"prompt": {"type": "primitive", "value": prompt()}},
            node_ids[1]: {"frame": {"type": "image", "uri": data_uri(picture("PNG"), "image/png")}},
        },
        extra_body={"metadata": {"order": "A-17"}},
        extra_headers={"Idempotency-Key": marker()},
    )
    done = runway.workflow_invocations.retrieve(run.id).wait_for_task_output()
    assert done.status == "SUCCEEDED"
    assert done.output.keys() == set(node_ids)
    row = deployment.announced(run.id)
    assert row.upstream_id
    theirs = simulator.http.get(f"/v1/{row.upstream_id}").raise_for_status().json()["output"]
    for node, links in done.output.items():
        for link, original in zip(links, theirs[node], strict=True):
            served = httpx.get(link, trust_env=False, timeout=30)
            assert served.content == simulator.http.get(original).content
    assert {output.key.rpartition(".")[2] for output in row.outputs} == {"png", "mp4", "mp3"}
    assert (row.operation, row.metadata) == (f"workflows/{workflow_id}", {"order": "A-17"})
    assert len(runway.tasks.retrieve(run.id).output) == len(node_ids)


def test_a_cancelled_run_ends_here(api: Api, runway: RunwayML, deployment: Deployment) -> None:
    """The run continues at Runway, which cannot cancel it."""
    workflow_id, node_ids = nodes(runway)
    value = prompt("seconds=900")
    run = runway.workflows.run(
        workflow_id, node_outputs={node_ids[0]: {"prompt": {"type": "primitive", "value": value}}}
    )
    api.seen(run.id, "RUNNING")
    assert runway.workflow_invocations.retrieve(run.id).output == {}
    runway.tasks.delete(run.id)
    assert runway.workflow_invocations.retrieve(run.id).status == "CANCELLED"
    assert deployment.announced(run.id).state == "CANCELLED"


def test_an_unknown_workflow_is_not_found(runway: RunwayML, api: Api) -> None:
    with pytest.raises(NotFoundError):
        runway.workflows.retrieve("00000000-0000-4000-8000-000000000000")
    with pytest.raises(NotFoundError):
        runway.workflow_invocations.retrieve("00000000-0000-4000-8000-000000000000")
    task = api.ended(runway.workflows.run("00000000-0000-4000-8000-000000000000").id)
    assert (task["status"], task["failureCode"]) == ("FAILED", "TARMAC.REJECTED.404")


def test_a_router_is_managed_and_used(api: Api, runway: RunwayML) -> None:
    slug = f"r{marker()[:20]}"
    router = runway.routers.create(slug=slug, settings={"schemaVersion": 1, "optimizeFor": "cost"})  # type: ignore[arg-type]
    assert runway.routers.update(router.id, name="Cheapest").name == "Cheapest"
    assert slug in [each.slug for each in runway.routers.list(limit=100)]
    with pytest.raises(BadRequestError):
        runway.routers.create(slug=slug)
    with pytest.raises(BadRequestError):
        runway.routers.list(limit=0)

    wanted: Any = {"promptText": f"A lamp [[sim:{QUICK}]]", "duration": 4}
    created: Any = runway.generate.video.create(config_id=slug, input=wanted)
    assert (created.routing.config_id, created.routing.model) == (slug, None)
    task = api.ended(created.id)
    assert task["status"] == "SUCCEEDED", task
    [decision] = runway.routers.list_requests(router.id, limit=10)
    assert task["routing"]["model"] == decision.model
    assert task["routing"]["estimatedCost"] == {"credits": decision.estimated_credits}
    assert task["cost"] == {"credits": decision.estimated_credits}

    runway.routers.delete(router.id)
    with pytest.raises(NotFoundError):
        runway.routers.retrieve(router.id)


def test_records_of_the_web_application(runway: RunwayML) -> None:
    entries = list(runway.organization.webapp.audit_logs.list(limit=10))
    found = runway.organization.webapp.audit_logs.retrieve(entries[0].event_id)
    assert found.client_ip_address
    window: dict[str, Any] = {"from_": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    assert [each.type for each in runway.organization.webapp.list_usage(limit=1, **window)]
    with pytest.raises(NotFoundError):
        runway.organization.webapp.audit_logs.retrieve("nothing")
