"""Archiving when Runway's links or files are bad: an output is archived whole or not at all."""

from __future__ import annotations

import hashlib

import pytest

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import data_uri, plain_picture, play
from tests.e2e.notices import Notices
from tests.e2e.requests import QUICK, image_to_video, mark_of, text_to_video
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually


@pytest.mark.parametrize(
    "fault",
    [
        "output=truncated, outputs_bad=2",
        "output=gzip, outputs_bad=1",
        "output=expired, outputs_bad=1",
        "output=missing, outputs_bad=1",
        "output=octet",
        "output=nolength",
        "size=3000000",
    ],
)
def test_a_bad_or_odd_download_ends_in_the_whole_file(
    api: Api, deployment: Deployment, simulator: Simulator, fault: str
) -> None:
    """A cut download is retried, an expired link renewed, a wrong type corrected by the bytes, a slow file read to its
    end.
    """
    body = {"model": "gen4.5", "ratio": "720:1280", "duration": 2}
    body["promptText"] = text_to_video(f"{QUICK}, {fault}")["promptText"]
    task_id = api.create("text_to_video", body)

    assert api.ended(task_id)["status"] == "SUCCEEDED"

    row = deployment.announced(task_id)
    (output,) = row.outputs
    assert deployment.archived(task_id) == [output.key]
    content = deployment.archived_bytes(output.key)
    assert output.sha256 == hashlib.sha256(content).hexdigest()
    assert output.size_bytes == len(content)
    assert output.content_type == "video/mp4"
    assert row.upstream_id
    assert content == simulator.output(row.upstream_id)
    assert len(simulator.creates(mark_of(body))) == 1
    assert deployment.execution(task_id)["status"] == "SUCCEEDED"


def test_a_slow_download_is_archived_whole(api: Api, deployment: Deployment) -> None:
    """A kilobyte each half second: no single read takes long, and the download continues to the end."""
    body = image_to_video(f"{QUICK}, output=slow", promptImage=data_uri(plain_picture(), "image/png"))
    task_id = api.create("image_to_video", body)
    assert api.ended(task_id)["status"] == "SUCCEEDED"
    (output,) = deployment.announced(task_id).outputs
    content = deployment.archived_bytes(output.key)
    assert (output.sha256, output.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert abs(play(content).seconds - 2) < 0.1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("output=gzip", "TARMAC.OUTPUT_UNUSABLE"),
        ("output=oversize", "TARMAC.OUTPUT_UNUSABLE"),
        ("output=expired", "TARMAC.OUTPUT_EXPIRED"),
        ("output=missing", "TARMAC.OUTPUT_EXPIRED"),
    ],
)
def test_an_output_that_cannot_be_downloaded_fails_the_task(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices, fault: str, code: str
) -> None:
    """Nothing is visible in the archive, the task reports the cost, and the generation is not bought again."""
    body = text_to_video(f"{QUICK}, {fault}")
    task_id = api.create("text_to_video", body)

    task = api.ended(task_id)

    assert (task["status"], task["failureCode"], task["cost"]) == ("FAILED", code, {"credits": 60})
    assert deployment.archived(task_id) == []
    (notice,) = notices.of(task_id)
    assert (notice.body["failureCode"], notice.body["outputs"]) == (code, [])
    assert deployment.execution(task_id)["error"] == code
    assert len(simulator.creates(mark_of(body))) == 1


def test_a_redirected_output_leaves_the_task_open_until_it_can_be_archived(
    api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    """A redirect is not followed: Finish fails, and the task stays RUNNING to the client, since the file is paid for.

    Once the link is good, the sweeper's execution retries only the archiving.
    """
    # One attempt and six retries in the first execution; the next execution gets a good link.
    body = text_to_video("seconds=150, output=redirect, outputs_bad=7")
    task_id = api.create("text_to_video", body)
    api.seen(task_id, "RUNNING")

    execution = deployment.execution(task_id)

    assert execution["status"] == "FAILED"
    assert "redirects" in execution["cause"]
    assert "127.0.0.1" not in execution["cause"]
    assert deployment.visited(task_id)[-1] == "Finish"
    assert deployment.archived(task_id) == []
    row = deployment.row(task_id)
    if row.run == 1:
        # Otherwise the scheduled sweep was faster than this test.
        assert api.read(task_id)["status"] == "RUNNING"
        assert row.state == "SUBMITTED"

    def swept() -> str:
        deployment.sweep()
        return str(deployment.row(task_id).state)

    eventually(swept, lambda state: state == "SUCCEEDED", f"the sweeper to bring {task_id} to its end")
    assert api.read(task_id)["status"] == "SUCCEEDED"
    row = deployment.announced(task_id)
    assert (row.attempt, len(deployment.archived(task_id))) == (1, 1)
    assert deployment.execution(row.execution_name)["status"] == "SUCCEEDED"
    assert row.execution_name == f"{task_id}-{row.run}"
    assert row.run >= 2
    assert len(notices.of(task_id)) == 1
    assert len(simulator.creates(mark_of(body))) == 1
