"""The API over a socket: keys, tasks, uploads, outputs, the account, restarts."""

from __future__ import annotations

import base64
import io
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import av
import httpx
import pytest
from runwayml import BadRequestError, NotFoundError, RunwayML

from local.simulator import rendering
from local.simulator.server import RunningSimulator, running_simulator

Create = Callable[..., httpx.Response]
Finish = Callable[[str], dict[str, Any]]
QUICK = "[[sim: pending=0, seconds=0]]"


@pytest.fixture
def runway(simulator: RunningSimulator) -> Iterator[RunwayML]:
    """The official SDK, pointed at the simulator."""
    with RunwayML(api_key="key_sdk", base_url=simulator.base_url, max_retries=0) as client:
        yield client


def test_the_official_client_makes_a_video(runway: RunwayML, http: httpx.Client) -> None:
    """Create, poll and download with the SDK, including its polls every six seconds."""
    created = runway.text_to_video.create(model="gen4.5", prompt_text="a lamp", ratio="1280:720", duration=2)
    task = created.wait_for_task_output(timeout=30)
    assert task.status == "SUCCEEDED"
    assert task.cost.credits == 24
    video = http.get(task.output[0])
    assert video.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(video.content), "r") as container:
        assert container.duration == 2_000_000


def test_the_official_client_uploads_a_picture(
    runway: RunwayML, http: httpx.Client, finish: Finish, photo: bytes
) -> None:
    """The video shows the uploaded picture, however it is uploaded."""
    upload = runway.uploads.create_ephemeral(file=("photo.png", photo, "image/png"), file_metadata="note")
    data_uri = "data:image/png;base64," + base64.b64encode(photo).decode()
    for picture in (upload.uri, data_uri):
        created = runway.image_to_video.create(
            model="gen4_turbo", prompt_image=picture, prompt_text=QUICK, ratio="960:960", duration=2
        )
        video = http.get(finish(created.id)["output"][0]).content
        with av.open(io.BytesIO(video), "r") as container:
            image = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
        assert image.size == (960, 960)
        assert image.getpixel((100, 480))[0] > 150
        assert image.getpixel((860, 480))[2] > 150


def test_the_official_client_gets_the_issues(runway: RunwayML) -> None:
    with pytest.raises(BadRequestError) as refused:
        runway.image_to_video.create(model="gen4_turbo", prompt_image="runway://unknown-upload", ratio="1280:720")
    body: Any = refused.value.body
    assert body["error"] == "Validation of body failed"
    assert body["issues"][0]["path"] == ["promptImage"]


def test_the_official_client_cancels_and_deletes(runway: RunwayML) -> None:
    """The first DELETE cancels; afterwards the task is not found."""
    task = runway.text_to_video.create(model="veo3.1", prompt_text="[[sim: seconds=600]]", ratio="1280:720", duration=4)
    runway.tasks.delete(task.id)
    with pytest.raises(NotFoundError):
        runway.tasks.retrieve(task.id)
    with pytest.raises(NotFoundError):
        runway.tasks.delete(task.id)


def test_the_official_client_reads_the_account(runway: RunwayML, create: Create) -> None:
    create()
    account = runway.organization.retrieve()
    assert account.tier.models["gen4.5"].max_concurrent_generations == 1000
    assert account.usage.models["gen4.5"].daily_generations > 0
    usage = runway.organization.retrieve_usage()
    assert {entry.model for entry in usage.results[-1].used_credits} <= set(usage.models)
    assert account.credit_balance < 1_000_000


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Basic key_x"}, 401),
        ({"Authorization": "Bearer secret"}, 401),
        ({"Authorization": "Bearer key_is_revoked"}, 401),
        ({"X-Runway-Version": "2023-01-01"}, 400),
        ({}, 404),
    ],
)
def test_key_and_version_are_checked(http: httpx.Client, changed: dict[str, str], status: int) -> None:
    answer = http.get("/v1/tasks/none", headers=changed)
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"seed": NaN}', b"\xff\xfe\x00", b"[" * 100_000])
def test_invalid_json_is_a_400(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/text_to_video", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_unknown_paths_and_methods_have_runways_error_shape(http: httpx.Client) -> None:
    assert http.get("/v1/lip_sync").json() == {"error": "Not Found"}
    refused = http.delete("/v1/text_to_video")
    assert (refused.status_code, refused.json()) == (405, {"error": "Method Not Allowed"})


def test_a_delete_needs_no_body(http: httpx.Client, create: Create) -> None:
    task_id = create().json()["id"]
    answer = http.delete(f"/v1/tasks/{task_id}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (204, b"")


def post_file(http: httpx.Client, slot: dict[str, Any], file: bytes, **fields: str) -> httpx.Response:
    with httpx.Client() as anonymous:
        return anonymous.post(slot["uploadUrl"], data=slot["fields"] | fields, files={"file": ("a.png", file)})


def test_upload_slots(http: httpx.Client, photo: bytes) -> None:
    """A slot takes one file, of 512 bytes to 200 MB, after exactly its own fields."""
    slot = http.post("/v1/uploads", json={"filename": "a.png", "type": "ephemeral"}).json()
    body = {"model": "gen4_turbo", "promptImage": slot["runwayUri"], "ratio": "1280:720"}
    assert http.post("/v1/image_to_video", json=body).status_code == 400, "nothing is there yet"
    assert post_file(http, slot, photo, policy="forged").status_code == 403
    small = post_file(http, slot, photo[:511])
    assert (small.status_code, "EntityTooSmall" in small.text) == (400, True)
    assert httpx.post(slot["uploadUrl"], data=slot["fields"]).status_code == 400
    assert post_file(http, slot, photo, metadata="note").status_code == 204
    assert post_file(http, slot, photo).status_code == 403
    assert http.post("/v1/image_to_video", json=body).status_code == 200
    as_video = {"model": "gen4_aleph", "videoUri": slot["runwayUri"], "promptText": "snow"}
    assert http.post("/v1/video_to_video", json=as_video).status_code == 400, "a picture is not a video"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filename": "a.png"},
        {"filename": "a.exe", "type": "ephemeral"},
        {"filename": "a.png", "type": "x"},
    ],
)
def test_bad_upload_requests(http: httpx.Client, body: dict[str, str]) -> None:
    assert http.post("/v1/uploads", json=body).status_code == 400


def test_output_links(http: httpx.Client, create: Create, finish: Finish) -> None:
    """Outputs support HEAD and ranges, and their bytes never change. Links cannot be altered and end with the task."""
    task_id = create("[[sim: pending=0, seconds=0, outputs=2, size=500000]]").json()["id"]
    links = finish(task_id)["output"]
    first, second = (http.get(link).content for link in links)
    assert first != second
    assert first == http.get(links[0]).content
    assert len(first) == 500_000
    head = http.head(links[0])
    assert (head.headers["content-length"], head.content) == ("500000", b"")
    part = http.get(links[0], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, first[10:20])
    assert part.headers["content-range"] == "bytes 10-19/500000"
    assert http.get(links[0], headers={"Range": "bytes=-5"}).content == first[-5:]
    assert http.get(links[0], headers={"Range": "bytes=500000-"}).status_code == 416

    for forged in (links[0].replace("/0.mp4", "/1.mp4"), re.sub("expires=1", "expires=2", links[0])):
        refused = http.get(forged)
        assert refused.status_code == 403
        assert "<Code>SignatureDoesNotMatch</Code>" in refused.text
    http.delete(f"/v1/tasks/{task_id}")
    assert http.get(links[0]).status_code == 404


def test_links_and_uploads_last_a_day(headers: dict[str, str], photo: bytes) -> None:
    """An expired link is rejected, and reading the task gives a new one; an expired upload is not found."""
    now = time.time()
    with (
        running_simulator(clock=lambda: now) as running,
        httpx.Client(base_url=running.base_url, headers=headers, timeout=20) as client,
    ):
        slot = client.post("/v1/uploads", json={"filename": "a.png", "type": "ephemeral"}).json()
        assert post_file(client, slot, photo).status_code == 204
        turbo = {"model": "gen4_turbo", "promptImage": slot["runwayUri"], "ratio": "1280:720", "duration": 2}
        day, minute = turbo, turbo | {"promptText": "[[sim: output_ttl=60]]"}
        ids = [client.post("/v1/image_to_video", json=body).json()["id"] for body in (day, minute)]

        now += 3600
        links = [client.get(f"/v1/tasks/{task_id}").json()["output"][0] for task_id in ids]
        assert [client.get(link).status_code for link in links] == [200, 200]
        now += 61
        assert [client.get(link).status_code for link in links] == [200, 403]
        now += 24 * 3600
        assert "Request has expired" in client.get(links[0]).text
        fresh = client.get(f"/v1/tasks/{ids[0]}").json()["output"][0]
        assert client.get(fresh).status_code == 200
        assert client.post("/v1/image_to_video", json=turbo).status_code == 400


def test_equal_clips_are_rendered_once(
    create: Create, finish: Finish, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tasks that share a render still get files of their own."""
    rendered = Mock(side_effect=rendering.render)
    monkeypatch.setattr(rendering, "render", rendered)
    image = {"promptText": QUICK}
    links = [finish(create(**image).json()["id"])["output"][0] for _ in range(2)]
    assert http.get(links[1]).content != http.get(links[0]).content
    assert rendered.call_count == 1


def test_quota_balance_and_keys(headers: dict[str, str]) -> None:
    body = {"model": "gen4.5", "promptText": "x", "ratio": "1280:720", "duration": 2}
    with (
        running_simulator(daily_quota=2, credit_balance=72, keys=frozenset({"key_test"})) as running,
        httpx.Client(base_url=running.base_url, timeout=20) as client,
    ):
        client.headers.update(headers)
        assert [client.post("/v1/text_to_video", json=body).status_code for _ in range(3)] == [200, 200, 429]
        veo = {"model": "veo3.1", "promptText": "x", "ratio": "1280:720"}
        assert "credits" in client.post("/v1/text_to_video", json=veo).json()["error"]
        assert client.get("/v1/organization", headers={"Authorization": "Bearer key_b"}).status_code == 401


@contextmanager
def simulator_process(state: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m local.simulator`, and its base URL."""
    command = [sys.executable, "-m", "local.simulator", "--port", str(port), "--state-dir", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        _wait_for(url)
        yield process, url
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(f"{url}/_simulator/health")
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the simulator does not answer")


def test_state_survives_a_restart(tmp_path: Path, photo: bytes, headers: dict[str, str]) -> None:
    """SIGTERM ends it with exit code 0, even with a waiting client; a restart restores the state."""
    body = {"model": "gen4.5", "promptText": QUICK, "ratio": "1280:720", "duration": 2}
    with (
        simulator_process(tmp_path) as (process, url),
        httpx.Client(base_url=url, headers=headers, timeout=20) as client,
    ):
        done = client.post("/v1/text_to_video", json=body).json()["id"]
        active = client.post("/v1/text_to_video", json=body | {"promptText": "long"}).json()["id"]
        link = client.get(f"/v1/tasks/{done}").json()["output"][0]
        slot = client.post("/v1/uploads", json={"filename": "a.png", "type": "ephemeral"}).json()
        post_file(client, slot, photo)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/text_to_video", json=body | {"promptText": "[[sim: create=stall]]"}, timeout=0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    port = httpx.URL(url).port or 0
    with (
        simulator_process(tmp_path, port) as (_, url),
        httpx.Client(base_url=url, headers=headers, timeout=20) as client,
    ):
        assert client.get(link).status_code == 200
        assert client.get(f"/v1/tasks/{active}").json()["status"] in ("PENDING", "RUNNING")
        creates = client.get("/_simulator/ledger").json()["creates"]
        assert [create["id"] for create in creates[:2]] == [done, active]
        assert len(creates) == 3, "the stalled one was billed"
        again = {"model": "gen4_turbo", "promptImage": slot["runwayUri"], "ratio": "1280:720"}
        assert client.post("/v1/image_to_video", json=again).status_code == 200
        assert client.get(f"/_simulator/tasks/{done}/body").json() == body


def test_a_performance_shows_its_character(http: httpx.Client, finish: Finish, photo: bytes) -> None:
    """The output shows the character for five seconds. The reference video is an output of the simulator."""
    driving = {"model": "gen4.5", "promptText": f"a lamp {QUICK}", "ratio": "1280:720", "duration": 2}
    created = http.post("/v1/text_to_video", json=driving).json()
    video = http.get(finish(created["id"])["output"][0]).content
    uris = []
    for name, file in (("face.png", photo), ("driving.mp4", video)):
        slot = http.post("/v1/uploads", json={"filename": name, "type": "ephemeral"}).json()
        assert post_file(http, slot, file).status_code == 204
        uris.append(slot["runwayUri"])
    at_once = {"match": {"contains": uris[0]}, "directives": "pending=0, seconds=0"}
    http.post("/_simulator/faults", json=at_once)
    performance = {
        "model": "act_two",
        "character": {"type": "image", "uri": uris[0]},
        "reference": {"type": "video", "uri": uris[1]},
        "ratio": "960:960",
    }
    created = http.post("/v1/character_performance", json=performance).json()
    output = http.get(finish(created["id"])["output"][0]).content
    with av.open(io.BytesIO(output), "r") as container:
        assert container.duration == 5_000_000
        image = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
    assert image.getpixel((100, 480))[0] > 150
    assert image.getpixel((860, 480))[2] > 150
