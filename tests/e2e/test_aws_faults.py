"""Errors that only AWS shows, injected into the local AWS: tasks and sessions end as without them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from local.aws.faults import PATH
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import mark_of, text_to_video
from tests.e2e.simulator import Simulator

Inject = Callable[..., None]


@pytest.fixture
def inject(deployment: Deployment) -> Iterator[Inject]:
    """Make the next requests fail that contain texts of this test's own. At the end all of them must have failed."""
    url = deployment.info.aws_endpoint_url + PATH
    injected = []

    def post(fault: str, times: int, *match: str) -> None:
        injected.append(list(match))
        wanted = {"fault": fault, "times": times, "match": match}
        httpx.post(url, json=wanted, trust_env=False).raise_for_status()

    yield post
    left = httpx.get(url, trust_env=False).json()
    assert [each for each in left if each["match"] in injected] == []


@pytest.mark.parametrize("fault", ["transaction conflict", "transaction throttled"])
def test_a_create_survives_cancelled_transactions(
    fault: str, api: Api, deployment: Deployment, simulator: Simulator, inject: Inject
) -> None:
    inject(fault, 3, api.client)
    body = text_to_video()
    task_id = api.create("text_to_video", body)
    assert api.ended(task_id)["status"] == "SUCCEEDED"
    assert api.ids() == [task_id]
    assert len(simulator.creates(mark_of(body))) == 1


@pytest.mark.parametrize(
    ("fault", "times", "prefix"),
    [
        ("write conflict", 4, ""),
        ("object conflict", 2, "/"),
        ("slow down", 2, "/"),
        ("credentials expired", 1, ""),
        ("clock skew", 1, ""),
    ],
)
def test_a_task_survives_errors_of_aws(
    fault: str, times: int, prefix: str, api: Api, deployment: Deployment, simulator: Simulator, inject: Inject
) -> None:
    body = text_to_video("seconds=120")
    task_id = api.create("text_to_video", body)
    api.seen(task_id, "RUNNING")
    inject(fault, times, f"{prefix}{task_id}")
    assert api.ended(task_id)["status"] == "SUCCEEDED"
    row = deployment.announced(task_id)
    assert deployment.archived(task_id) == [output.key for output in row.outputs]
    assert len(simulator.creates(mark_of(body))) == 1


def test_rejected_sessions_release_their_minutes(api: Api, deployment: Deployment, inject: Inject) -> None:
    """Each release of the minutes meets three other transactions."""
    scene = {"avatarId": "cat-character", "personality": "Kind [[sim: create=429]]"}
    for _ in range(3):
        inject("transaction conflict", 3, f"session-minutes#{api.client}", "REFUSED")
        assert api.http.post("/api/avatar/connect", json=scene).status_code == 429
    today = time.strftime("%Y-%m-%d", time.gmtime())
    minutes = deployment.table.get(f"session-minutes#{api.client}", today)
    assert minutes is not None
    assert minutes["seconds"] == 0
