"""Live sessions over HTTP, as the official SDK, a page and a page's server use them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from runwayml import NotFoundError, RunwayML

from tarmac.clock import Clock
from tarmac.rows import NoticeState
from tarmac.sessions.session import Session
from tarmac.sessions.store import SessionStore
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.notices import Notices
from tests.e2e.simulator import Simulator
from tests.e2e.waiting import eventually

ORIGIN = "http://localhost:5173"
PRESET = {"type": "runway-preset", "presetId": "cat-character"}
TOOL = {"type": "client_event", "name": "show", "description": "Shows it"}
FIELDS = {"sessionId", "serverUrl", "token", "roomName"}


@pytest.fixture
def runway(api: Api, deployment: Deployment) -> Iterator[RunwayML]:
    """The official client, unchanged, with Tarmac's address and key."""
    with RunwayML(base_url=deployment.info.api_url, api_key=api.key, max_retries=0) as client:
        yield client


def scene(directives: str = "") -> dict[str, Any]:
    return {"avatarId": "cat-character", "personality": f"Kind [[sim: {directives}]]"}


def connect(api: Api, directives: str = "", path: str = "/api/avatar/connect") -> httpx.Response:
    return api.http.post(path, json=scene(directives), headers={"Origin": ORIGIN})


def consume(deployment: Deployment, session_id: str, key: str) -> httpx.Response:
    """As `@runwayml/avatars` does from a page: a content type, no body, no version."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Origin": ORIGIN}
    address = f"{deployment.info.api_url}/v1/realtime_sessions/{session_id}/consume"
    return httpx.post(address, headers=headers, timeout=60, trust_env=False)


def row(deployment: Deployment, session_id: str) -> Session:
    return SessionStore(deployment.table, Clock()).get(session_id)


def announced(deployment: Deployment, session_id: str) -> Session:
    return eventually(
        lambda: row(deployment, session_id),
        lambda session: session.notice_state is NoticeState.SENT,
        f"session {session_id} to end and be announced",
    )


def upstream(simulator: Simulator, session_id: str) -> str:
    return str(simulator.http.get(f"/v1/realtime_sessions/{session_id}").raise_for_status().json()["status"])


def execution(deployment: Deployment, session_id: str) -> tuple[str, list[str]]:
    """Return how the session's execution ended, and the states that it visited."""
    arn = deployment.info.session_state_machine_arn.replace(":stateMachine:", ":execution:") + f":{session_id}"
    states = deployment.clients.states
    ended = eventually(
        lambda: states.describe_execution(executionArn=arn),
        lambda found: found["status"] != "RUNNING",
        f"the execution of {session_id} to end",
    )
    assert json.loads(ended["input"]) == {"sessionId": session_id}
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [event for page in pages for event in page["events"]]
    visited = [each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each]
    return ended["status"], visited


def test_the_official_sdk_holds_a_session_from_create_to_archive(
    runway: RunwayML, api: Api, deployment: Deployment, simulator: Simulator, notices: Notices
) -> None:
    created = runway.realtime_sessions.create(
        model="gwm1_avatars",
        avatar={"type": "runway-preset", "preset_id": "cat-character"},
        max_duration=100,
        personality="Kind [[sim: ready=10]]",
        tools=[TOOL],  # type: ignore[list-item]
        extra_headers={"Idempotency-Key": "a-session"},
    )
    session = eventually(
        lambda: runway.realtime_sessions.retrieve(created.id), lambda found: found.status == "READY", "READY"
    )
    assert session.status == "READY"
    backend = api.http.post(f"/v1/realtime_sessions/{created.id}/connect_backend").json()
    assert backend.keys() == {"url", "token", "roomName"}
    # Many at once: the credentials go to one of them.
    with ThreadPoolExecutor(6) as pages:
        answers = list(pages.map(lambda _: consume(deployment, created.id, session.session_key), range(6)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {ORIGIN}
    [given] = [answer.json() for answer in answers if answer.is_success]
    assert given.keys() == backend.keys()
    assert backend["token"] != given["token"]

    ended = announced(deployment, created.id)
    shown = runway.realtime_sessions.retrieve(created.id)
    assert (shown.status, ended.state, ended.duration_seconds) == ("COMPLETED", "COMPLETED", 100)
    assert upstream(simulator, created.id) == "COMPLETED"
    [notice] = notices.matching(lambda each: each.body.get("sessionId") == created.id, created.id)
    assert (notice.attributes["type"], notice.body["durationSeconds"]) == ("session.ended", 100)
    conversation, recording = (each["key"] for each in notice.body["outputs"])
    said = json.loads(deployment.archived_bytes(conversation))
    assert said["transcript"][2]["toolCalls"][0]["name"] == "show"
    assert "recordingUrl" not in said
    assert deployment.archived_bytes(recording)[4:8] == b"ftyp"
    assert conversation.startswith(f"{api.client}/")
    assert SessionStore(deployment.table, Clock()).used_seconds(api.client, ended.minutes_day) == 100

    status, visited = execution(deployment, created.id)
    assert (status, visited[0], visited[-3:]) == ("SUCCEEDED", "WaitForTheStart", ["Finish", "Ending", "Completed"])


def test_another_clients_session_does_not_exist(runway: RunwayML, api: Api, deployment: Deployment) -> None:
    session_id = connect(api).json()["sessionId"]
    with Api.of_new_client(deployment) as other:
        stranger = RunwayML(base_url=deployment.info.api_url, api_key=other.key, max_retries=0)
        with pytest.raises(NotFoundError):
            stranger.realtime_sessions.retrieve(session_id)
        with pytest.raises(NotFoundError):
            stranger.realtime_sessions.delete(session_id)
        stranger.close()
    assert runway.realtime_sessions.retrieve(session_id).status == "RUNNING"
    runway.realtime_sessions.delete(session_id)
    assert runway.realtime_sessions.retrieve(session_id).status == "CANCELLED"


@pytest.mark.parametrize("path", ["/api/avatar/connect", "/api/avatar/session"])
@pytest.mark.parametrize("body", [{"avatarId": "influencer"}, {"avatar_id": "influencer"}], ids=["React", "FastAPI"])
def test_a_servers_route_is_answered_by_tarmac(path: str, body: dict[str, Any], api: Api) -> None:
    """The routes of Runway's samples for Next.js, Express and FastAPI: the same path, request and fields."""
    answer = api.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == FIELDS
    assert answer.headers["cache-control"] == "no-store"


def test_runway_validates_a_custom_avatar(api: Api, simulator: Simulator) -> None:
    avatar_id = "0d2f8f7e-37a4-4c5b-8ef1-4a4f3a1e7c55"
    missing = api.http.post("/api/avatar/connect", json={"avatarId": avatar_id})
    assert missing.status_code == 404
    body = {"name": "Nova", "personality": "Kind", "voice": {"type": "runway-live-preset", "presetId": "maya"}}
    picture = {"referenceImage": "https://media.example.com/nova.png"}
    simulator.http.put(f"/_simulator/records/avatars/{avatar_id}", json=body | picture).raise_for_status()
    assert api.http.post("/api/avatar/connect", json={"customAvatarId": avatar_id}).status_code == 200


def test_a_page_connects_with_a_client_token(api: Api, deployment: Deployment) -> None:
    minted = api.http.post("/v1/client_tokens", json={"avatarId": "cat-character", "origin": ORIGIN})
    assert minted.status_code == 200, minted.text
    url = minted.json()["connectUrl"]

    def page(origin: str = ORIGIN, address: str = url) -> httpx.Response:
        body, headers = {"avatarId": "cat-character"}, {"Origin": origin}
        return httpx.post(address, json=body, headers=headers, timeout=60, trust_env=False)

    preflight = httpx.options(url, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}, trust_env=False)
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert page("https://evil.example").status_code == 401
    assert page().json().keys() == FIELDS
    # The page can read the reason of a refusal only with CORS headers.
    for refused in (page(), page(address=url + "x"), page(address=f"{deployment.info.api_url}/api/avatar/connect")):
        assert refused.status_code in (401, 403)
        assert refused.headers["access-control-allow-origin"] == ORIGIN
        assert refused.json()["error"]


@pytest.mark.parametrize(
    ("directives", "status", "says"),
    [
        ("fail=SAFETY.INPUT.IMAGE", 502, "The session failed. (SAFETY.INPUT.IMAGE)"),
        ("cancelled=1", 502, "CANCELLED"),
        ("create=429, retry_after=7", 429, "Too many requests"),
        ("create=400", 400, "Validation"),
        ("create=lost", 502, "lost"),
        ("create=500", 502, "500"),
        ("consume=lost", 410, "create a new session"),
        ("consume=500", 410, "create a new session"),
        ("consume=403", 502, "Forbidden"),
    ],
)
def test_a_rejected_session_reports_the_reason_and_leaves_nothing_behind(
    directives: str, status: int, says: str, api: Api, deployment: Deployment, simulator: Simulator
) -> None:
    before = {each["id"] for each in sessions(simulator)}
    answer = connect(api, directives)
    assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    if directives.startswith("consume"):
        mine = eventually(
            lambda: [each for each in sessions(simulator) if each["id"] not in before and each["claimed"] is not None],
            lambda found: any(each["status"] == "CANCELLED" for each in found),
            "the session to be cancelled",
        )
        assert mine


def sessions(simulator: Simulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = simulator.http.get("/_simulator/sessions").json()["sessions"]
    return found


def test_a_session_survives_temporary_errors(api: Api) -> None:
    for directives in ("poll=502, polls=2", "poll=429, polls=2", "consume=503, consumes=2", "queued=100, ready=50"):
        assert connect(api, directives).status_code == 200, directives


@pytest.mark.parametrize(
    ("directives", "enters", "ending", "path"),
    [
        ("runs=60", True, "COMPLETED", "Completed"),
        ("runs=60, fail=INTERNAL, fail_in=RUNNING", True, "FAILED", "Failed"),
        ("absent=1", True, "CANCELLED", "Cancelled"),
        ("", False, "CANCELLED", "Cancelled"),
        ("fail=INTERNAL", False, "FAILED", "Failed"),
    ],
    ids=["a call", "a call that fails", "no caller enters", "no caller claims", "never ready"],
)
def test_an_execution_follows_its_session_to_the_end(
    directives: str, enters: bool, ending: str, path: str, api: Api, deployment: Deployment, simulator: Simulator
) -> None:
    if enters:
        session_id = connect(api, directives).json()["sessionId"]
    else:
        body = {"model": "gwm1_avatars", "avatar": PRESET, "personality": f"[[sim: {directives}]]"}
        session_id = api.create("realtime_sessions", body)
    status, visited = execution(deployment, session_id)
    assert visited[-1] == path
    assert status == ("FAILED" if path == "Failed" else "SUCCEEDED")
    assert (row(deployment, session_id).state, upstream(simulator, session_id)) == (ending, ending)
    assert announced(deployment, session_id).reserved_seconds == 0
