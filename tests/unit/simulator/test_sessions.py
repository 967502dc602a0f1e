"""Live sessions on a clock that the tests set."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request

from local.simulator.server import running_simulator

PRESET = {"type": "runway-preset", "presetId": "cat-character"}
T0 = 1_800_000_000.0


@dataclass
class Stage:
    """An empty simulator and its clock."""

    http: httpx.Client
    clock: list[float]

    def create(self, directives: str = "", **changes: Any) -> str:
        body = {"model": "gwm1_avatars", "avatar": PRESET, "personality": f"kind [[sim: {directives}]]"} | changes
        answer = self.http.post("/v1/realtime_sessions", json=body)
        assert answer.status_code == 200, answer.text
        session_id: str = answer.json()["id"]
        return session_id

    def wait(self, seconds: float) -> None:
        self.clock[0] += seconds

    def read(self, session_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(f"/v1/realtime_sessions/{session_id}").json()
        return answer

    def status(self, session_id: str) -> str:
        return str(self.read(session_id)["status"])

    def consume(self, session_id: str, key: str | None = None) -> httpx.Response:
        """As the browser's client does: no version, a content type, no body."""
        key = self.read(session_id).get("sessionKey", "none") if key is None else key
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Origin": "https://page.test"}
        return httpx.post(f"{self.http.base_url}/v1/realtime_sessions/{session_id}/consume", headers=headers)

    def running(self, directives: str = "", **changes: Any) -> str:
        """A session with consumed credentials."""
        session_id = self.create(f"ready=0, {directives}", **changes)
        assert self.consume(session_id).status_code == 200
        return session_id


@pytest.fixture(scope="module")
def stage(headers: dict[str, str]) -> Iterator[Stage]:
    clock = [T0]
    with (
        running_simulator(clock=lambda: clock[0]) as running,
        httpx.Client(base_url=running.base_url, headers=headers, timeout=20) as client,
    ):
        yield Stage(client, clock)


def test_a_session_from_the_queue_to_its_end(stage: Stage) -> None:
    """NOT_READY, queued and not; READY with a key; RUNNING; COMPLETED after maxDuration."""
    session_id = stage.create("queued=10, ready=3", maxDuration=60)
    common = {"id": session_id, "createdAt": stage.read(session_id)["createdAt"]}
    assert stage.read(session_id) == common | {"status": "NOT_READY", "queued": True}
    stage.wait(10)
    assert stage.read(session_id) == common | {"status": "NOT_READY", "queued": False}
    stage.wait(3)
    ready = stage.read(session_id)
    assert set(ready) == {*common, "status", "sessionKey", "expiresAt"}
    assert ready["status"] == "READY"
    assert stage.consume(session_id).status_code == 200
    stage.wait(59)
    assert stage.read(session_id) == common | {"status": "RUNNING"}
    stage.wait(1)
    assert stage.read(session_id) == common | {"status": "COMPLETED", "duration": 60}


def test_a_session_that_is_not_consumed_fails(stage: Stage) -> None:
    session_id = stage.create("ready=1, expires=20")
    stage.wait(20.9)
    key = stage.read(session_id)["sessionKey"]
    stage.wait(0.1)
    failed = stage.read(session_id)
    assert (failed["status"], failed["failureCode"]) == ("FAILED", "SESSION.EXPIRED")
    assert failed["failure"]
    assert stage.consume(session_id, key).status_code == 410


@pytest.mark.parametrize(
    ("fail_in", "before", "claimed"),
    [("NOT_READY", "NOT_READY", False), ("READY", "READY", False), ("RUNNING", "RUNNING", True)],
)
def test_a_session_fails_in_the_status_of_the_scenario(stage: Stage, fail_in: str, before: str, claimed: bool) -> None:
    ready = 5 if fail_in == "NOT_READY" else 0
    session_id = stage.create(f"ready={ready}, expires=5, runs=5, fail=INTERNAL, fail_in={fail_in}")
    if claimed:
        stage.consume(session_id)
    assert stage.status(session_id) == before
    stage.wait(5)
    failed = stage.read(session_id)
    assert (failed["status"], failed["failureCode"]) == ("FAILED", "INTERNAL")


def test_a_session_can_be_cancelled_at_any_time(stage: Stage) -> None:
    """Also by its scenario. Afterwards its key is invalid."""
    waiting, ready, running = stage.create("ready=100"), stage.create("ready=0"), stage.running()
    key = stage.read(ready)["sessionKey"]
    for session_id in (waiting, ready, running):
        for _ in range(2):
            assert stage.http.delete(f"/v1/realtime_sessions/{session_id}").status_code == 204
        assert stage.status(session_id) == "CANCELLED"
    assert stage.consume(ready, key).status_code == 410
    stage.wait(1000)
    assert stage.status(running) == "CANCELLED"
    assert stage.status(stage.create("ready=0, cancelled=1")) == "CANCELLED"
    assert stage.http.delete("/v1/realtime_sessions/none").status_code == 404


def test_credentials_are_given_once(stage: Stage) -> None:
    """For the right key, to a browser of any origin."""
    session_id = stage.create("ready=0")
    key = stage.read(session_id)["sessionKey"]
    assert stage.consume(session_id, "wrong").status_code == 401
    assert stage.consume("none", key).status_code == 404
    answer = stage.consume(session_id, key)
    assert answer.headers["access-control-allow-origin"] == "*"
    given = answer.json()
    assert given["url"] == str(stage.http.base_url).replace("http", "ws").rstrip("/") + "/rtc"
    assert given["roomName"] == f"room-{session_id}"
    assert given["token"].count(".") == 2
    again = stage.consume(session_id, key)
    assert (again.status_code, "token" in again.text) == (409, False)
    assert stage.consume(stage.create("ready=5"), key).status_code == 401
    backend = stage.http.post(f"/v1/realtime_sessions/{session_id}/connect_backend").json()
    assert backend["token"] != given["token"]
    assert stage.http.post(f"/v1/realtime_sessions/{stage.create()}/connect_backend").status_code == 409


def test_preflights_of_browsers_are_allowed(stage: Stage) -> None:
    url = f"/v1/realtime_sessions/{stage.create()}/consume"
    asked = {"Origin": "https://page.test", "Access-Control-Request-Method": "POST"}
    answer = stage.http.options(url, headers=asked)
    assert answer.status_code == 204
    assert "authorization" in answer.headers["access-control-allow-headers"]
    refused = httpx.post(f"{stage.http.base_url}{url}")
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")
    assert "access-control-allow-origin" not in stage.http.get("/v1/organization").headers


@pytest.mark.parametrize(
    ("fault", "status", "burnt"), [("500", 500, True), ("429", 429, False), ("401", 401, False), ("403", 403, False)]
)
def test_a_consume_that_fails(stage: Stage, fault: str, status: int, burnt: bool) -> None:
    """After a consume that may have taken effect, a second one is rejected. A rejected one can be retried."""
    session_id = stage.create(f"ready=0, consume={fault}, consumes=1")
    key = stage.read(session_id)["sessionKey"]
    assert stage.consume(session_id, key).status_code == status
    assert stage.consume(session_id, key).status_code == (409 if burnt else 200)


def test_a_consume_with_a_lost_response(stage: Stage) -> None:
    session_id = stage.create("ready=0, consume=lost")
    key = stage.read(session_id)["sessionKey"]
    with pytest.raises(httpx.RemoteProtocolError):
        stage.consume(session_id, key)
    assert stage.status(session_id) == "RUNNING"
    assert stage.consume(session_id, key).status_code == 409


def test_creates_and_polls_can_fail(stage: Stage) -> None:
    body = {"model": "gwm1_avatars", "avatar": PRESET, "startScript": "[[sim: create=lost]]"}
    before = len(stage.http.get("/_simulator/sessions").json()["sessions"])
    with pytest.raises(httpx.RemoteProtocolError):
        stage.http.post("/v1/realtime_sessions", json=body)
    assert len(stage.http.get("/_simulator/sessions").json()["sessions"]) == before + 1
    refused = stage.http.post("/v1/realtime_sessions", json=body | {"startScript": "[[sim: create=429]]"})
    assert refused.status_code == 429
    session_id = stage.create("poll=503, polls=1")
    reads = [stage.http.get(f"/v1/realtime_sessions/{session_id}").status_code for _ in range(2)]
    assert reads == [503, 200]
    assert len(stage.http.get("/_simulator/sessions").json()["sessions"]) == before + 2


def test_a_control_request_ends_a_session(stage: Stage) -> None:
    over, failed = stage.running(), stage.running()
    stage.wait(12)
    assert stage.http.post(f"/_simulator/sessions/{over}/end").status_code == 204
    assert stage.http.post(f"/_simulator/sessions/{over}/end").status_code == 409
    assert stage.read(over)["duration"] == 12
    stage.http.post(f"/_simulator/sessions/{failed}/end", json={"failureCode": "THIRD_PARTY.UNAVAILABLE"})
    assert stage.read(failed)["failureCode"] == "THIRD_PARTY.UNAVAILABLE"
    detail = stage.http.get(f"/v1/avatar_conversations/{failed}").json()
    assert (detail["status"], detail["failureCode"]) == ("failed", "THIRD_PARTY.UNAVAILABLE")
    assert stage.http.post("/_simulator/sessions/none/end").status_code == 404


def test_a_conversation_grows_with_its_session(stage: Stage) -> None:
    tool = {"type": "backend_rpc", "name": "look", "description": "Look it up", "timeoutSeconds": 5}
    unclaimed = stage.create("ready=0")
    session_id = stage.running("runs=30", tools=[tool], startScript="Welcome!")

    def read() -> dict[str, Any]:
        detail: dict[str, Any] = stage.http.get(f"/v1/avatar_conversations/{session_id}").json()
        return detail

    assert stage.http.get(f"/v1/avatar_conversations/{unclaimed}").status_code == 404
    begun = read()
    assert (begun["status"], begun["duration"], begun["recordingUrl"]) == ("in_progress", 0, None)
    assert [entry["content"] for entry in begun["transcript"]] == ["Welcome!"]
    stage.wait(3)
    assert read()["transcript"][-1]["toolResults"][0]["name"] == "look"
    stage.wait(27)
    ended = read()
    assert (ended["status"], ended["duration"], ended["maxDuration"]) == ("ended", 30, 300)
    assert ended["tools"] == [{name: tool[name] for name in ("type", "name", "description")}]
    assert httpx.get(ended["recordingUrl"], timeout=20).status_code == 200

    listed = stage.http.get("/v1/avatar_conversations", params={"limit": 100}).json()
    [item] = [each for each in listed["data"] if each["id"] == session_id]
    assert item["hasTools"] is True
    assert item["avatar"] == {
        "type": "runway-preset",
        "presetId": "cat-character",
        "name": "Cat Character",
    }
    assert stage.http.delete(f"/v1/avatar_conversations/{session_id}").status_code == 204
    assert stage.http.delete(f"/v1/avatar_conversations/{session_id}").status_code == 404
    assert httpx.get(ended["recordingUrl"], timeout=20).status_code == 404
    assert stage.status(session_id) == "COMPLETED"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"model": "gwm2"}, ["model"]),
        ({"avatar": {"type": "runway-preset", "presetId": "unknown"}}, ["avatar", "presetId"]),
        ({"avatar": {"avatarId": "x"}}, ["avatar", "type"]),
        ({"maxDuration": 9}, ["maxDuration"]),
        ({"maxDuration": 1801}, ["maxDuration"]),
        ({"startScript": "x" * 2001}, ["startScript"]),
        ({"tools": [{"type": "client_event", "name": "1st", "description": "d"}]}, ["tools", 0, "name"]),
        (
            {"tools": [{"type": "backend_rpc", "name": "a", "description": "d", "timeoutSeconds": 9}]},
            ["tools", 0, "timeoutSeconds"],
        ),
        ({"integration": {"type": "zoom"}}, ["integration", "type"]),
    ],
)
def test_bad_sessions(stage: Stage, changes: dict[str, Any], where: list[str | int]) -> None:
    body = {"model": "gwm1_avatars", "avatar": PRESET} | changes
    answer = stage.http.post("/v1/realtime_sessions", json=body)
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, where)


def test_a_session_of_a_custom_avatar(stage: Stage) -> None:
    """The avatar must exist and be READY."""
    made = {"name": "Nova", "personality": "x", "referenceImage": "https://example.com/a.png"}
    made["voice"] = {"type": "runway-live-preset", "presetId": "clara"}  # type: ignore[assignment]
    body = {"model": "gwm1_avatars", "avatar": {"type": "custom", "avatarId": "nova"}}
    assert stage.http.post("/v1/realtime_sessions", json=body).status_code == 404
    assert stage.http.put("/_simulator/records/avatars/nova", json=made).status_code == 201
    session_id = stage.running(avatar=body["avatar"])
    found = stage.http.get("/v1/avatar_conversations", params={"avatar": "nova"}).json()["data"]
    assert [(each["id"], each["avatar"]["name"]) for each in found] == [(session_id, "Nova")]
    processing = stage.http.post("/v1/avatars", json=made).json()["id"]
    refused = stage.http.post(
        "/v1/realtime_sessions", json=body | {"avatar": {"type": "custom", "avatarId": processing}}
    )
    assert (refused.status_code, "PROCESSING" in refused.json()["error"]) == (400, True)


def test_a_viewer_arrives(stage: Stage) -> None:
    """The room accepts a WebSocket and records its token."""
    session_id = stage.create("ready=0")
    given = stage.consume(session_id).json()
    url = httpx.URL(given["url"])
    with socket.create_connection((url.host, url.port or 80), timeout=5) as connection:
        viewer = WSConnection(ConnectionType.CLIENT)
        target = f"{url.path}/v1?access_token={given['token']}"
        connection.sendall(viewer.send(Request(host=url.host, target=target)))
        viewer.receive_data(connection.recv(4096))
        assert isinstance(next(viewer.events()), AcceptConnection)
        visits = stage.http.get("/_simulator/visits").json()["visits"]
        assert visits[-1] | {"at": ""} == {
            "at": "",
            "path": "/rtc/v1",
            "token": given["token"],
            "sessionId": session_id,
            "open": True,
        }
        connection.sendall(viewer.send(CloseConnection(code=1000)))
        viewer.receive_data(connection.recv(4096))
    assert stage.http.get("/_simulator/visits").json()["visits"][-1]["open"] is False
    assert stage.http.get("/rtc/validate").text == "success"


def test_the_room_can_be_elsewhere(headers: dict[str, str]) -> None:
    """The room's URL can be configured."""
    with (
        running_simulator(rtc_url="ws://127.0.0.1:9/room", time_scale=0.01) as running,
        httpx.Client(base_url=running.base_url, headers=headers, timeout=20) as client,
    ):
        stage = Stage(client, [0])
        session_id = stage.create("ready=0, runs=20")
        assert stage.consume(session_id).json()["url"] == "ws://127.0.0.1:9/room"
        while stage.status(session_id) == "RUNNING":
            pass
        assert stage.read(session_id)["duration"] == 20, "as long as asked, though the clock is a hundred times faster"


def test_a_session_without_a_viewer_expires(stage: Stage) -> None:
    """Its credentials are consumed all the same, and its conversation is not found."""
    session_id = stage.create("ready=0, expires=20, absent=1")
    key = stage.read(session_id)["sessionKey"]
    assert stage.consume(session_id, key).status_code == 200
    assert stage.status(session_id) == "READY"
    assert stage.consume(session_id, key).status_code == 409
    assert stage.http.get(f"/v1/avatar_conversations/{session_id}").status_code == 404
    stage.wait(20)
    assert stage.read(session_id)["failureCode"] == "SESSION.EXPIRED"
