"""CometAPI under /runwayml."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from runwayml import RunwayML

from local.simulator.server import RunningSimulator, running_simulator

T0 = 1_800_000_000.0
TEXT = {"model": "gen4.5", "ratio": "1280:720", "duration": 2}
TURBO = {"model": "gen4_turbo", "ratio": "1280:720", "promptImage": "https://example.com/a.png"}
ACT_TWO = {
    "model": "act_two",
    "character": {"type": "video", "uri": "https://example.com/a.mp4"},
    "reference": {"type": "video", "uri": "https://example.com/a.mp4"},
}


@pytest.fixture(scope="module")
def clock() -> list[float]:
    return [T0]


@pytest.fixture(scope="module")
def running(clock: list[float]) -> Iterator[RunningSimulator]:
    with running_simulator(clock=lambda: clock[0]) as simulator:
        yield simulator


@pytest.fixture
def comet(running: RunningSimulator, clock: list[float]) -> Iterator[httpx.Client]:
    """A client of CometAPI, with an empty simulator."""
    clock[0] = T0
    httpx.post(f"{running.base_url}/_simulator/reset")
    headers = {"Authorization": "Bearer sk-anything", "X-Runway-Version": "2024-11-06"}
    with httpx.Client(base_url=f"{running.base_url}/runwayml", headers=headers, timeout=20) as client:
        yield client


def test_a_task_in_its_envelope(comet: httpx.Client, clock: list[float]) -> None:
    """Not found at first, then an envelope with Runway's own response inside."""
    body = TEXT | {"promptText": "[[sim: unseen=4, pending=5, seconds=10]]"}
    created = comet.post("/v1/text_to_video", json=body).json()
    assert set(created) == {"id"}

    def read() -> tuple[int, dict[str, Any]]:
        answer = comet.get(f"/v1/tasks/{created['id']}", headers={"X-Runway-Version": ""})
        return answer.status_code, answer.json()

    assert read() == (400, {"code": "task_not_exist", "message": "task_not_exist", "data": None})
    clock[0] += 4
    status, queued = read()
    assert (status, queued["code"], queued["data"]["task_id"]) == (200, "success", created["id"])
    assert (queued["data"]["status"], queued["data"]["progress"]) == ("QUEUED", "0%")
    assert queued["data"]["data"]["status"] == "PENDING"
    clock[0] += 6
    running = read()[1]["data"]
    assert (running["status"], running["progress"], running["action"]) == ("IN_PROGRESS", "50%", "TEXT_TO_VIDEO")
    assert (running["start_time"], running["finish_time"]) == (T0 + 5, 0)
    clock[0] += 100
    done = read()[1]["data"]
    assert (done["status"], done["progress"], done["finish_time"]) == ("SUCCESS", "100%", T0 + 15)
    assert httpx.get(done["data"]["output"][0], timeout=20).status_code == 200


def test_a_bare_task(comet: httpx.Client) -> None:
    body = TEXT | {"promptText": "[[sim: unseen=0, shape=bare]]"}
    task_id = comet.post("/v1/text_to_video", json=body).json()["id"]
    assert comet.get(f"/v1/tasks/{task_id}").json()["status"] == "PENDING"


def test_a_failure_in_an_envelope(comet: httpx.Client, clock: list[float]) -> None:
    body = TEXT | {"promptText": "[[sim: fail=INTERNAL]]"}
    task_id = comet.post("/v1/text_to_video", json=body).json()["id"]
    clock[0] += 10_000
    data = comet.get(f"/v1/tasks/{task_id}").json()["data"]
    assert (data["status"], data["data"]["failureCode"]) == ("FAILURE", "INTERNAL")
    assert data["fail_reason"] == data["data"]["failure"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/character_performance", ACT_TWO, 200),
        ("/v1/character_performance", ACT_TWO | {"model": "runwayml-character-performance"}, 400),
        ("/v1/image_to_video", TURBO, 200),
        ("/v1/image_to_video", TURBO | {"model": "gen3a_turbo", "watermark": False, "duration": 10}, 200),
        ("/v1/image_to_video", TURBO | {"promptImage": "runway://an-upload-to-runway"}, 400),
        (
            "/v1/image_to_video",
            TURBO | {"promptImage": "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n----").decode()},
            400,
        ),
    ],
)
def test_accepted_and_rejected_bodies(comet: httpx.Client, path: str, body: dict[str, Any], status: int) -> None:
    """Media must be https URLs, and models must have Runway's names."""
    assert comet.post(path, json=body).status_code == status


def test_tasks_of_cometapi_and_runway_are_separate(comet: httpx.Client, running: RunningSimulator) -> None:
    body = TEXT | {"promptText": "[[sim: unseen=0]]"}
    theirs = comet.post("/v1/text_to_video", json=body).json()["id"]
    headers = {"Authorization": "Bearer key_a", "X-Runway-Version": "2024-11-06"}
    with httpx.Client(base_url=running.base_url, headers=headers, timeout=20) as runway:
        ours = runway.post("/v1/text_to_video", json=body).json()["id"]
        assert runway.get(f"/v1/tasks/{theirs}").status_code == 404
    assert comet.get(f"/v1/tasks/{ours}").json()["code"] == "task_not_exist"
    assert comet.delete(f"/v1/tasks/{theirs}").status_code == 405


def test_keys_and_versions(comet: httpx.Client) -> None:
    body = TEXT | {"promptText": "x"}
    assert comet.post("/v1/text_to_video", json=body, headers={"Authorization": ""}).status_code == 401
    assert comet.post("/v1/text_to_video", json=body, headers={"X-Runway-Version": ""}).status_code == 400


def test_rules_for_cometapi_need_its_path(comet: httpx.Client, running: RunningSimulator) -> None:
    rule = {"match": {"path": "/runwayml/v1/character_performance"}, "directives": "create=lost", "times": 1}
    httpx.post(f"{running.base_url}/_simulator/faults", json=rule)
    with pytest.raises(httpx.RemoteProtocolError):
        comet.post("/v1/character_performance", json=ACT_TWO)
    assert len(httpx.get(f"{running.base_url}/_simulator/ledger").json()["creates"]) == 1


def test_the_official_sdk_can_be_pointed_at_it(running: RunningSimulator) -> None:
    """RUNWAYML_BASE_URL with CometAPI's base path is enough to create."""
    with RunwayML(api_key="sk-anything", base_url=f"{running.base_url}/runwayml", max_retries=0) as sdk:
        created = sdk.image_to_video.create(
            model="gen4_turbo", prompt_image="https://example.com/a.png", ratio="1280:720"
        )
    assert created.id
