"""The state of a simulator across a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from local.simulator import persistence
from local.simulator.config import Config
from local.simulator.directives import parse
from local.simulator.faults import rule_from
from local.simulator.rendering import Clip
from local.simulator.server import running_simulator
from local.simulator.simulator import Simulator

T0 = 1_800_000_000.0
MINE = {"type": "custom", "avatarId": "mine"}
RECORDS: dict[str, Any] = {
    "documents": {"name": "x", "content": "y"},
    "voices": {"name": "v", "from": {"type": "text", "model": "eleven_ttv_v3", "prompt": "a warm steady voice, low"}},
    "avatars": {
        "name": "Nova",
        "personality": "kind",
        "referenceImage": "https://example.com/a.png",
        "voice": {"type": "custom", "id": "mine"},
        "documentIds": ["mine"],
    },
    "routers": {"slug": "mine", "settings": {"optimizeFor": "quality"}},
    "workflows": {"name": "Mine", "nodes": {"a": "mp4", "b": "png"}},
}


def simulator_at(now: list[float], folder: Path) -> Simulator:
    return Simulator(Config(clock=lambda: now[0], concurrency=1, state_dir=folder))


def accept(simulator: Simulator, directives: str) -> str:
    clip = Clip(1280, 720, 5, None, 0)
    return simulator.accept("/v1/text_to_video", "gen4.5", 60, "0" * 64, parse(directives), clip).id


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    """Waiting, running, cancelled and ended tasks continue as without a restart, and so does the queue."""
    now = [T0]
    before = simulator_at(now, tmp_path)
    accept(before, "pending=0, seconds=10")
    accept(before, "pending=5, seconds=100, fail=INTERNAL")
    waiting = accept(before, "pending=1, seconds=10")
    cancelled = accept(before, "pending=0, seconds=10")
    now[0] += 20
    before.delete(cancelled)
    before.open_upload("a.png")
    before.faults.rules.append(rule_from({"directives": "create=lost", "times": 3}))
    before.faults.met["body"] = 2
    now[0] += 1
    persistence.write(tmp_path, persistence.snapshot(before))

    after = simulator_at(now, tmp_path)
    persistence.restore(after, persistence.read(tmp_path) or "")
    assert after.uploads == before.uploads
    assert after.faults.rules == before.faults.rules
    assert after.faults.met == before.faults.met
    assert after.secret == before.secret
    for seconds in (0, 5, 50, 500):
        now[0] += seconds
        assert after.ledger() == before.ledger()
    assert after.tasks == before.tasks
    assert after.tasks[waiting].started_at is not None


def test_the_library_survives(tmp_path: Path, headers: dict[str, str]) -> None:
    """Avatars, documents, voices, routers, runs of workflows, and a live session in the middle of its call."""
    now = [T0]
    options: dict[str, Any] = {"clock": lambda: now[0], "state_dir": tmp_path}
    session = {"model": "gwm1_avatars", "startScript": "[[sim: ready=0, runs=100]]"}
    with (
        running_simulator(**options) as before,
        httpx.Client(base_url=before.base_url, headers=headers, timeout=20) as client,
    ):
        for kind, body in RECORDS.items():
            assert client.put(f"/_simulator/records/{kind}/mine", json=body).status_code == 201
        run = client.post("/v1/workflows/mine", json={}).json()["id"]
        call = client.post("/v1/realtime_sessions", json=session | {"avatar": MINE}).json()["id"]
        key = client.get(f"/v1/realtime_sessions/{call}").json()["sessionKey"]
        headers_of_viewer = {"Authorization": f"Bearer {key}"}
        assert client.post(f"/v1/realtime_sessions/{call}/consume", headers=headers_of_viewer).status_code == 200
        preview = client.post("/v1/voices/preview", json=RECORDS["voices"]["from"]).json()["url"]
        library = before.simulator.library
    now[0] += 60
    with (
        running_simulator(**options) as after,
        httpx.Client(base_url=after.base_url, headers=headers, timeout=20) as client,
    ):
        assert after.simulator.library == library
        assert client.get(f"/v1/realtime_sessions/{call}").json()["status"] == "RUNNING"
        assert client.post(f"/v1/realtime_sessions/{call}/consume", headers=headers_of_viewer).status_code == 409
        assert client.get(f"/v1/workflow_invocations/{run}").status_code == 200
        assert client.get(httpx.URL(preview).raw_path.decode()).status_code == 200


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"format": 1, "secret": "00"}',
        b'{"format": 2, "savedAt": 0, "secret": "00", "paused": false, "tasks": [{"id": "t", "colour": "red"}]}',
    ],
)
def test_an_unreadable_state_is_set_aside(
    tmp_path: Path, headers: dict[str, str], state: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The simulator starts empty and logs it. It renames the unreadable file."""
    (tmp_path / "state.json").write_bytes(state)
    with running_simulator(state_dir=tmp_path) as running:
        assert httpx.get(f"{running.base_url}/v1/workflows", headers=headers).status_code == 200
    assert "unreadable" in caplog.text
    renamed = [path for path in tmp_path.iterdir() if path.name.startswith("state.unreadable")]
    assert [path.read_bytes() for path in renamed] == [state]
    assert '"format": 2' in (persistence.read(tmp_path) or "")
