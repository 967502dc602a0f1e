"""Prompts, keys, signed links and media are planted, tasks driven to every kind of end, and everything searched.

Metadata is not secret: task and notice contain it by design.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tarmac.rows import DUE
from tests.canary.haystack import Canary, Straw, haystack, hits
from tests.canary.malformed import requests as malformed_requests
from tests.canary.test_malformed import send
from tests.storm.requests import create_body, png
from tests.storm.rig import PATIENCE_SECONDS, Rig, Unanswered

pytestmark = pytest.mark.xdist_group("canary")


@dataclass
class Planted:
    """Texts that exist nowhere else. The links' signatures are those that were seen; every link has the markers."""

    prompt: str = field(default_factory=lambda: f"prompt{secrets.token_hex(16)}")
    media_token: str = field(default_factory=lambda: f"token{secrets.token_hex(16)}")
    idempotency_key: str = field(default_factory=lambda: f"idem{secrets.token_hex(16)}")
    media: str = field(default_factory=lambda: f"media{secrets.token_hex(16)}")
    runway_key: str = field(default_factory=lambda: f"key_{secrets.token_hex(64)}")
    client_key: str = ""
    signatures: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)

    def canaries(self) -> list[Canary]:
        accepted = frozenset({"request"})
        return [
            Canary("the prompt", self.prompt, accepted),
            Canary("a token in a media URL", self.media_token, accepted),
            Canary("the idempotency key", self.idempotency_key),
            Canary("inline media", self.media),
            # A part of a key is as bad as all of it.
            Canary("Runway's key", self.runway_key[4:36]),
            Canary("the client's key", self.client_key[4:36]),
            # No link of Runway's or Tarmac's, whatever its signature.
            Canary("a link of Runway's", "/outputs/"),
            Canary("a link of Runway's", "?expires="),
            Canary("a link of ours", "X-Amz-Signature"),
            *(Canary("a signature", signature) for signature in sorted(self.signatures)),
            # The forms of the simulator's links and of Tarmac's.
            Canary("a session's key", "sess_"),
            Canary("a token of a room", "eyJhbGciOiAiSFMyNTYi"),
            Canary("a client token", "ct_Wy"),
            *(Canary("a room", f"room-{session_id}") for session_id in sorted(self.sessions)),
        ]

    @property
    def data_uri(self) -> str:
        """A picture that carries the text in a comment, as text."""
        content = png() + self.media.encode()
        return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def test_nothing_secret_is_written_where_it_does_not_belong(stack: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """0 hits in logs, histories, rows, messages, archive and settings; and the search finds what is there."""
    planted = Planted(client_key=stack.info.api_key)
    stack.store_runway_key(planted.runway_key)
    headers = {"Authorization": f"Bearer {planted.client_key}", "Content-Type": "application/json"}
    with httpx.Client(base_url=stack.info.api_url, headers=headers, trust_env=False, timeout=60) as api:
        answers = _drive(stack, api, planted)
        _drive_sessions(stack, api, planted)
        stack.settle()
        answers += _read_all(api, planted)
        _links_of_runway(stack, planted)
        _break_things(stack, api, planted)
    straws = haystack(stack)

    kinds = Counter(straw.kind for straw in straws)
    for crash in ("Traceback", "request failed", "a task could not be repaired"):
        assert any(straw.kind == "log" and crash in straw.text for straw in straws), f"no function said {crash!r}"
    assert any(straw.kind == "history" and "TaskFailed" in straw.place for straw in straws)
    assert set(kinds) == {"log", "history", "row", "message", "object", "setting"}, kinds
    found = hits(straws, planted.canaries())
    # Callers get their own texts back, never Runway's.
    runways = [canary for canary in planted.canaries() if "Runway" in canary.name]
    found += hits((Straw("answer", "", answer) for answer in answers), runways)
    assert not found, f"{len(found)} hits\n" + "\n".join(found[:40])
    _prove_that_the_search_finds(stack, planted)
    with capsys.disabled():
        print(f"\ncanaries: {len(planted.canaries())} searched for in {dict(kinds)}, 0 hits")


@pytest.mark.parametrize("shift", range(6))
def test_the_search_knows_a_text_in_base64_and_in_a_url(shift: int) -> None:
    """Wherever in a longer text it stands."""
    canary = Canary("the prompt", "prompt 0123456789abcdef/+?")
    welcome = Canary(canary.name, canary.text, frozenset({"request"}))
    longer = "é" * (shift // 3) + "x" * (shift % 3) + canary.text + "y" * shift
    for text in (base64.b64encode(longer.encode()).decode(), quote(longer, safe=""), f'{{"a":"{longer}"}}'):
        assert hits([Straw("log", "here", text)], [canary])
        assert not hits([Straw("log", "here", text[:20])], [canary])
        assert hits([Straw("row", "task#x task", text)], [welcome])
        assert not hits([Straw("row", "task#x request#01", text)], [welcome])
        assert not hits(
            [Straw("row", "task#x request#01", text)], [Canary("the prompt", canary.text, frozenset({"request"}))]
        )


def _drive(rig: Rig, api: httpx.Client, planted: Planted) -> list[str]:
    """Bring tasks to every kind of end and make requests of every kind of refusal. Returns all responses."""
    answers: list[str] = []

    def create(operation: str, body: dict[str, Any], **headers: str) -> str:
        answer = api.post(f"/v1/{operation}", json=body, headers=headers)
        answers.append(answer.text)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def body(directives: str, **more: Any) -> dict[str, Any]:
        made = create_body("text_to_video", 1, f"seconds=2,{directives}")
        return made | {"promptText": f"{planted.prompt} {made['promptText']}", "negativePrompt": planted.prompt} | more

    key = {"Idempotency-Key": planted.idempotency_key}
    create("text_to_video", body(""), **key)
    create("text_to_video", body(""), **key)
    answers.append(api.post("/v1/text_to_video", json=body("", duration=6), headers=key).text)
    create("text_to_video", body(""), **{"X-Stainless-Retry-Count": "1"})
    for faults in (
        *("outputs=2", "create=lost", "create=garbage", "create=500", "create=503,times=1", "create=401,times=2"),
        *("create=400", "create=422", "poll=502,polls=4", "poll=404", "fail=SAFETY.INPUT.TEXT", "fail=INTERNAL.X"),
        *("fail=none", "cancelled=1", "output=expired", "output=gzip", "output=truncated,outputs_bad=1"),
        *("output=redirect,outputs_bad=1", "output=expired,outputs_bad=1", "output=nolength", "output=missing"),
    ):
        create("text_to_video", body(faults))
    linked = create_body("image_to_video", 1, "seconds=2")
    linked |= {"promptText": planted.prompt, "promptImage": f"https://media.example.com/a.png?t={planted.media_token}"}
    create("image_to_video", linked)
    inline = create("image_to_video", linked | {"promptImage": planted.data_uri})
    wrong_picture = {"promptImage": f"data:image/png;base64,{base64.b64encode(planted.media.encode()).decode()}"}
    create("image_to_video", linked | wrong_picture)
    cancelled = create("text_to_video", body("throttled=60"))
    answers.append(api.delete(f"/v1/tasks/{cancelled}").text)
    answers.append(api.get(f"/v1/tasks/{inline}").text)
    for request in malformed_requests(planted.prompt):
        answers.append(send(api, request).text)
    for wrong in (planted.client_key + "0", planted.runway_key, f"x {planted.client_key}"):
        answers.append(api.get("/v1/tasks", headers={"Authorization": f"Bearer {wrong}"}).text)
    answers.append(api.get(f"/v1/tasks?key={planted.client_key}&prompt={planted.prompt}").text)
    _upload(rig, planted)
    return answers


def _drive_sessions(rig: Rig, api: httpx.Client, planted: Planted) -> None:
    """Live sessions to every kind of end. Their responses are secrets, so they are not searched for secrets."""
    livekit = {"type": "livekit", "url": "wss://x.example", "token": planted.media_token, "roomName": planted.media}

    def scene(directives: str) -> dict[str, Any]:
        return {"avatarId": "cat-character", "personality": f"{planted.prompt} [[sim:{directives}]]"}

    for directives, expected in (
        *(("runs=50", 200), ("absent=1", 200), ("runs=50,fail=INTERNAL,fail_in=RUNNING", 200)),
        *(("fail=INTERNAL", 502), ("consume=lost", 410), ("consume=garbage", 410), ("consume=401", 502)),
        *(("create=lost", 502), ("create=garbage", 502), ("create=400", 400), ("create=503", 503), ("poll=502", 504)),
    ):
        answer = api.post("/api/avatar/connect", json=scene(directives))
        assert answer.status_code == expected, answer.text
    minted = api.post("/v1/client_tokens", json={"avatarId": "cat-character"}).json()
    for origin in ("http://localhost:5173", "http://localhost:5173", "https://evil.example"):
        httpx.post(minted["connectUrl"], json=scene("runs=50"), headers={"Origin": origin}, trust_env=False, timeout=60)
    body = {"model": "gwm1_avatars", "avatar": {"type": "runway-preset", "presetId": "cat-character"}}
    for directives in ("runs=50", "consume=lost", ""):
        made = api.post("/v1/realtime_sessions", json=body | {"personality": scene(directives)["personality"]})
        session_id = made.json()["id"]
        _until(lambda: api.get(f"/v1/realtime_sessions/{session_id}").json()["status"] != "NOT_READY", "READY")  # noqa: B023
        key = api.get(f"/v1/realtime_sessions/{session_id}").json().get("sessionKey", "none")
        for bearer in (planted.client_key, key, key):
            api.post(f"/v1/realtime_sessions/{session_id}/consume", headers={"Authorization": f"Bearer {bearer}"})
        api.post(f"/v1/realtime_sessions/{session_id}/connect_backend")
    api.post("/v1/realtime_sessions", json=body | {"integration": livekit})
    api.post("/v1/realtime_sessions", json=body | {"integration": livekit, "tools": planted.prompt})

    def rows() -> list[dict[str, Any]]:
        return [row for row in rig.rows() if row["sk"] == "session"]

    _until(lambda: all(row["noticeState"] == "SENT" for row in rows()), "every session ends")
    planted.sessions |= {row["sessionId"] for row in rows()}
    assert len(planted.sessions) >= 10
    broken = {"pk": "session#broken", "sk": "session", "sessionId": "broken", "version": 1, "clientId": "local"}
    rig.write_row(broken)
    for function in ("WatchSession", "FinishSession"):
        with pytest.raises(Unanswered):
            rig.invoke(function, {"sessionId": "broken"})
    assert api.get("/v1/realtime_sessions/broken").status_code == 500
    rig.delete_row("session#broken", "session")


def _upload(rig: Rig, planted: Planted) -> None:
    """Objects that become tasks, and objects that cannot."""
    prompt = {"tarmac-prompt-text": f"{planted.prompt} [[sim:seconds=2]]", "tarmac-seed": "1"}
    for name, content, content_type, about in (
        ("good.png", png(), "image/png", prompt),
        ("lost.png", png(), "image/png", prompt | {"tarmac-prompt-text": f"{planted.prompt} [[sim:create=lost]]"}),
        ("damaged.png", planted.media.encode(), "image/png", prompt),
        ("text.txt", planted.media.encode(), "text/plain", prompt),
        ("long.png", png(), "image/png", prompt | {"tarmac-prompt-text": planted.prompt * 40}),
        ("ratio.png", png(), "image/png", prompt | {"tarmac-ratio": "1:1"}),
        ("seed.png", png(), "image/png", prompt | {"tarmac-seed": "many"}),
        ("model.png", png(), "image/png", prompt | {"tarmac-model": "no-such-model"}),
        ("operation.png", png(), "image/png", prompt | {"tarmac-operation": "no_such_operation"}),
    ):
        rig.put_upload(f"inbox/{name}", content, content_type, about)
    _until(lambda: sum(task.source["kind"] == "s3" for task in rig.tasks().values()) >= 3, "uploads become tasks")


def _read_all(api: httpx.Client, planted: Planted) -> list[str]:
    """Read every task, so that links are made; note their signatures. Then delete one."""
    answers = []
    cursor = ""
    while True:
        page = api.get(f"/v1/tasks?limit=20{cursor}")
        answers.append(page.text)
        tasks = page.json()["data"]
        for task in tasks:
            answer = api.get(f"/v1/tasks/{task['id']}")
            answers.append(answer.text)
            links = answer.json().get("output", [])
            planted.signatures |= {httpx.URL(link).params["X-Amz-Signature"] for link in links}
        if not page.json()["hasMore"]:
            break
        cursor = f"&cursor={page.json()['nextCursor']}"
    assert planted.signatures
    assert api.delete(f"/v1/tasks/{tasks[0]['id']}").status_code == 204
    return answers


def _links_of_runway(rig: Rig, planted: Planted) -> None:
    """A signature of the simulator's for an output that was archived."""
    upstream_id = next(task.upstream_id for task in rig.tasks().values() if task.outputs)
    headers = {"Authorization": f"Bearer {planted.runway_key}", "X-Runway-Version": "2024-11-06"}
    answer = httpx.get(f"{rig.info.runway_base_url}/v1/tasks/{upstream_id}", headers=headers, trust_env=False)
    planted.signatures |= {httpx.URL(link).params["signature"] for link in answer.json()["output"]}


def _break_things(rig: Rig, api: httpx.Client, planted: Planted) -> None:
    """Unexpected errors: damaged rows and an unusable key make functions crash while they hold secrets."""
    text = {"model": "veo3.1_fast", "promptText": planted.prompt, "ratio": "1280:720", "duration": 4}
    whole = json.dumps({"body": text, "inputs": []})
    damaged = [whole[:-20], json.dumps(planted.prompt), json.dumps({"body": planted.prompt, "inputs": [{}]}), "{}"]
    damaged += [json.dumps({"body": text, "inputs": [{"path": ["x", planted.prompt], "bucket": "b", "key": "k"}]})]
    template = next(row for row in rig.rows() if row["sk"] == "task")
    ids = [str(uuid.uuid4()) for _ in damaged]
    for task_id, body in zip(ids, damaged, strict=True):
        row = {name: value for name, value in template.items() if name not in ("upstreamId", "endedAt", "hiddenAt")}
        row |= {"pk": f"task#{task_id}", "taskId": task_id, "listKey": f"{template['createdAt']}#{task_id}"}
        row |= {"state": "ACCEPTED", "version": 1, "run": 1, "attempt": 0, "noticeState": "NONE", "outputs": []}
        rig.write_row(row | {"due": DUE.shard_of(task_id), "nextCheckAt": 1})
        rig.write_row({"pk": row["pk"], "sk": "request#01", "version": 1, "parts": 1, "body": body})
    # The sweeper starts executions for tasks without one; each fails after all its retries.
    rig.sweep()
    for task in [task for task_id, task in rig.tasks().items() if task_id in ids]:
        _until(lambda task=task: rig.execution_error(task).startswith("FAILED"), f"{task.id} fails")  # type: ignore[misc]
    for task_id in ids:
        # A row that lacks what every row has.
        broken = {"pk": f"task#{task_id}", "sk": "task", "taskId": task_id, "version": 99, "client": "local"}
        rig.write_row(broken | {"listKey": f"x#{task_id}", "due": DUE.shard_of(task_id), "nextCheckAt": 1})
        for function in ("SubmitTask", "PollTask", "FinishTask"):
            with pytest.raises(Unanswered):
                rig.invoke(function, {"taskId": task_id})
        assert api.get(f"/v1/tasks/{task_id}").status_code == 500
    # Twice: on a busy machine the local AWS collects the last log lines of a call only with the worker's next call.
    for _ in range(2):
        assert rig.sweep()["failed"] == len(ids)
    for task_id in ids:
        rig.delete_row(f"task#{task_id}", "task")
    for unusable in (f"{planted.runway_key}\r\nX-Other: 1", f"{planted.runway_key}é", "unset"):
        _use_key(rig, unusable)
        api.post("/v1/text_to_video", json=text)
        rig.settle()
    _use_key(rig, planted.runway_key)


def _use_key(rig: Rig, key: str) -> None:
    rig.store_runway_key(key)
    # A worker caches the key for minutes, so no worker with another key may be left.
    while rig.kill_worker(lambda workers: workers[0]):
        time.sleep(0.05)


def _prove_that_the_search_finds(rig: Rig, planted: Planted) -> None:
    """Plant each canary in each kind of place by hand, and find it there."""
    canaries = {canary.name: canary for canary in planted.canaries()}.values()
    everything = " ".join(canary.text for canary in canaries)
    rig.write_row({"pk": "task#planted", "sk": "task-of-a-test", "note": everything})
    rig.publish(everything)
    logs = rig.client("logs")
    group = logs.describe_log_groups()["logGroups"][0]["logGroupName"]
    logs.create_log_stream(logGroupName=group, logStreamName="planted")
    event = {"timestamp": int(time.time() * 1000), "message": everything}
    logs.put_log_events(logGroupName=group, logStreamName="planted", logEvents=[event])
    _until(lambda: bool(rig.waiting_notices()), "the notice arrives")
    found = hits(haystack(rig), canaries)
    for kind in ("row task#planted", f"log {group} planted", "message"):
        missed = [canary.name for canary in canaries if not _is_among(found, f"{canary.name} in {kind}")]
        assert not missed, f"planted in a {kind} and not found: {missed}"


def _is_among(found: Iterable[str], beginning: str) -> bool:
    return any(hit.startswith(beginning) for hit in found)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.1)
