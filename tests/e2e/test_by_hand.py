"""StartExecution with a request, as a person does in the console: accepted by the machine itself, then as any other."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.notices import Notices
from tests.e2e.requests import mark_of, text_to_video
from tests.e2e.simulator import Simulator
from tests.fakes.samples import event


@pytest.fixture
def console(deployment: Deployment) -> Iterator[Api]:
    """The built-in client that owns what is started by hand."""
    with Api.of_new_client(deployment, "console") as client:
        yield client


def test_an_execution_started_by_hand_ends_like_any_other(
    console: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """Its name is the task's id; the client `console` owns it."""
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    body = text_to_video()
    deployment.start(name, {"operation": "text_to_video", "request": body, "metadata": {"order": "A-18"}})

    execution = deployment.execution(name)

    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"])["taskId"] == name
    assert deployment.visited(name)[:4] == ["Enter", "Accept", "Submit", "Route"]
    row = deployment.announced(name)
    assert (row.client, row.source) == ("console", {"kind": "console", "execution": name})
    task = console.read(name)
    assert (task["status"], task["metadata"]) == ("SUCCEEDED", {"order": "A-18"})
    assert [notice.body["client"] for notice in notices.of(name)] == ["console"]
    assert len(simulator.creates(mark_of(body))) == 1


def test_the_sample_input_works_as_it_stands(deployment: Deployment) -> None:
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    deployment.start(name, event("execution-input-by-hand"))
    assert deployment.execution(name)["status"] == "SUCCEEDED"
    assert deployment.row(name).metadata == {"order": "A-18"}


@pytest.mark.parametrize(
    ("execution_input", "words"),
    [
        ({"operation": "text_to_video", "request": {"model": "gen4.5", "ratio": "1:1"}}, "promptText: Required"),
        ({"operation": "text_to_video", "request": {"model": "gen4.5", "ratio": "1:1"}}, "ratio: Expected one of"),
        ({"operation": "text_to_video", "request": {"promptText": "no model"}}, "model: Required"),
        ({"operation": "text_to_gold", "request": {"model": "gen4.5"}}, "There is no operation 'text_to_gold'"),
        ({"request": {"model": "gen4.5"}}, "operation: Required"),
        ({"operation": "text_to_video"}, "request: Required"),
        ({"operation": "text_to_video", "request": "a string"}, "request: Required"),
        ({"operation": "text_to_video", "request": {}, "metadata": {"order": 7}}, "metadata.order"),
        ({}, "operation: Required"),
    ],
)
def test_a_bad_request_by_hand_ends_red_and_says_why(
    deployment: Deployment, execution_input: dict[str, Any], words: str
) -> None:
    """Red at Accept, with the field in the cause; no row, nothing bought."""
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    deployment.start(name, execution_input)

    execution = deployment.execution(name)

    assert execution["status"] == "FAILED"
    assert words in execution["cause"]
    assert deployment.visited(name) == ["Enter", "Accept"]
    assert name not in [row.id for row in deployment.rows_of("console")]
