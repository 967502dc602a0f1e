"""Faults on request, and their entries in the ledger."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local.simulator.server import running_simulator

Create = Callable[..., httpx.Response]
Finish = Callable[[str], dict[str, Any]]
BODY = {"model": "gen4.5", "ratio": "1280:720", "duration": 2}
ACT_TWO = {
    "model": "act_two",
    "character": {"type": "image", "uri": "https://example.com/face.png"},
    "reference": {"type": "video", "uri": "https://example.com/face.mp4"},
}


def creates_of(http: httpx.Client, response: httpx.Response | httpx.RequestError) -> list[dict[str, Any]]:
    """The ledger's entries for the body of the request."""
    sha256 = hashlib.sha256(response.request.read()).hexdigest()
    return [entry for entry in http.get("/_simulator/ledger").json()["creates"] if entry["bodySha256"] == sha256]


@pytest.mark.parametrize(
    ("fault", "billed"),
    [
        ("400", False),
        ("401", False),
        ("404", False),
        ("422", False),
        ("429", False),
        ("503", False),
        ("408", True),
        ("500", True),
        ("502", True),
        ("504", True),
    ],
)
def test_a_create_with_an_error(http: httpx.Client, create: Create, fault: str, billed: bool) -> None:
    """A create that may have taken effect before the error is billed; a rejected one is not."""
    response = create(f"[[sim: create={fault}, retry_after=3]]")
    assert response.status_code == int(fault)
    assert response.json()["error"]
    assert response.headers["retry-after"] == "3"
    assert len(creates_of(http, response)) == billed


def test_a_lost_response_is_billed(http: httpx.Client, create: Create) -> None:
    with pytest.raises(httpx.RemoteProtocolError) as lost:
        create("[[sim: create=lost]]")
    assert len(creates_of(http, lost.value)) == 1


def test_a_stalled_create_is_billed(http: httpx.Client, create: Create, headers: dict[str, str]) -> None:
    with httpx.Client(base_url=http.base_url, headers=headers, timeout=0.3) as impatient:
        with pytest.raises(httpx.ReadTimeout) as stalled:
            create("[[sim: create=stall]]", client=impatient)
        assert len(creates_of(http, stalled.value)) == 1


def test_an_invalid_response_is_billed(http: httpx.Client, create: Create) -> None:
    response = create("[[sim: create=garbage]]")
    assert response.status_code == 200
    with pytest.raises(ValueError, match="Unterminated"):
        response.json()
    assert len(creates_of(http, response)) == 1


def test_a_fault_can_stop_after_some_identical_creates(http: httpx.Client) -> None:
    body = BODY | {"promptText": "only twice [[sim: create=502, times=2]]"}
    answers = [http.post("/v1/text_to_video", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [502, 502, 200]
    assert len(creates_of(http, answers[0])) == 3


def test_a_misspelt_directive_is_a_400(create: Create) -> None:
    response = create("[[sim: crate=lost]]")
    assert response.status_code == 400
    assert "crate=lost" in response.json()["issues"][0]["message"]


def test_polls_can_fail_for_a_while(http: httpx.Client, create: Create) -> None:
    task_id = create("[[sim: poll=429, polls=2, retry_after=1]]").json()["id"]
    answers = [http.get(f"/v1/tasks/{task_id}") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "1"
    stalled = create("[[sim: poll=stall]]").json()["id"]
    with pytest.raises(httpx.ReadTimeout):
        http.get(f"/v1/tasks/{stalled}", timeout=0.2)


@pytest.mark.parametrize(
    ("directives", "status"),
    [("fail=INTERNAL", "FAILED"), ("cancelled=1", "CANCELLED"), ("throttled=5", "SUCCEEDED")],
)
def test_endings_on_request(create: Create, finish: Finish, directives: str, status: str) -> None:
    task_id = create(f"[[sim: pending=0, seconds=0, {directives}]]").json()["id"]
    assert finish(task_id)["status"] == status


def link_with(create: Create, finish: Finish, flaw: str) -> str:
    prompt = f"a lamp [[sim: pending=0, seconds=0, output={flaw}, outputs_bad=1]]"
    link: str = finish(create(promptText=prompt).json()["id"])["output"][0]
    return link


@pytest.mark.parametrize(
    ("flaw", "status", "absent", "content_type"),
    [
        ("octet", 200, "", "application/octet-stream"),
        ("nolength", 200, "content-length", "video/mp4"),
        ("expired", 403, "", "application/xml"),
        ("missing", 404, "", "application/xml"),
    ],
)
def test_damaged_outputs(
    http: httpx.Client, create: Create, finish: Finish, flaw: str, status: int, absent: str, content_type: str
) -> None:
    """The first download is damaged, the second is complete."""
    link = link_with(create, finish, flaw)
    spoilt = http.get(link)
    assert spoilt.status_code == status
    assert spoilt.headers["content-type"] == content_type
    assert absent not in spoilt.headers
    whole = http.get(link)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")


def test_a_truncated_output(http: httpx.Client, create: Create, finish: Finish) -> None:
    link = link_with(create, finish, "truncated")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        http.get(link)
    assert http.get(link).status_code == 200


def test_a_redirected_output(http: httpx.Client, create: Create, finish: Finish) -> None:
    link = link_with(create, finish, "redirect")
    answer = http.get(link)
    assert answer.status_code == 302
    assert http.get(answer.headers["location"]).status_code == 200


def test_a_compressed_output(http: httpx.Client, create: Create, finish: Finish) -> None:
    link = link_with(create, finish, "gzip")
    with http.stream("GET", link) as response:
        packed = b"".join(response.iter_raw())
        assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == http.get(link).content


@pytest.mark.parametrize(("flaw", "at_most"), [("oversize", 1 << 20), ("slow", 1024)])
def test_outputs_without_an_end(http: httpx.Client, create: Create, finish: Finish, flaw: str, at_most: int) -> None:
    """One is far too large, the other far too slow; a client that disconnects does no harm."""
    link = link_with(create, finish, flaw)
    with http.stream("GET", link) as response:
        assert (int(response.headers["content-length"]) > 8_000_000_000) == (flaw == "oversize")
        assert 0 < len(next(response.iter_raw())) <= at_most
    assert http.get(link).status_code == 200


@pytest.fixture
def own(headers: dict[str, str]) -> Iterator[httpx.Client]:
    """A simulator of the test's own, because pause and reset affect every test."""
    with (
        running_simulator(time_scale=0.01) as running,
        httpx.Client(base_url=running.base_url, headers=headers, timeout=20) as client,
    ):
        yield client


def test_rules_reach_bodies_that_have_no_prompt(own: httpx.Client) -> None:
    rule = {"match": {"path": "/v1/character_performance"}, "directives": "create=lost", "times": 1}
    assert own.post("/_simulator/faults", json=rule).status_code == 201
    with pytest.raises(httpx.RemoteProtocolError):
        own.post("/v1/character_performance", json=ACT_TWO)
    assert own.post("/v1/character_performance", json=ACT_TWO).status_code == 200
    assert own.get("/_simulator/faults").json()["faults"] == [rule | {"times": 0}]
    assert own.delete("/_simulator/faults").status_code == 204
    assert own.get("/_simulator/faults").json() == {"faults": []}
    assert own.post("/_simulator/faults", json={"directives": "x=y"}).status_code == 400


def test_pause_reset_and_the_request_log(own: httpx.Client) -> None:
    body = BODY | {"promptText": "[[sim: pending=1000]]"}
    task_id = own.post("/v1/text_to_video", json=body).json()["id"]
    own.post("/_simulator/pause")
    assert own.get(f"/v1/tasks/{task_id}").status_code == 503
    assert own.get("/_simulator/health").json()["paused"] is True
    own.post("/_simulator/resume")
    assert own.get(f"/v1/tasks/{task_id}").status_code == 200

    seen = own.get("/_simulator/requests", params={"path": "/v1/tasks"}).json()["requests"]
    assert [(entry["method"], entry["status"]) for entry in seen] == [("GET", 503), ("GET", 200)]
    assert seen[0]["headers"]["authorization"] == "Bearer ***"
    assert own.get(f"/_simulator/tasks/{task_id}/body").json() == body

    ledger = own.get("/_simulator/ledger").json()
    assert ledger["totals"] == {"creates": 1, "credits": 24, "billed": 24, "byStatus": {"PENDING": 1}}
    own.post("/_simulator/reset")
    assert own.get("/_simulator/ledger").json()["creates"] == []
    assert own.get(f"/v1/tasks/{task_id}").status_code == 404


def test_concurrency_is_limited(headers: dict[str, str]) -> None:
    with (
        running_simulator(concurrency=2) as running,
        httpx.Client(base_url=running.base_url, headers=headers, timeout=20) as client,
    ):
        body = BODY | {"promptText": "[[sim: pending=0, seconds=100]]"}
        ids = [client.post("/v1/text_to_video", json=body).json()["id"] for _ in range(3)]

        def statuses() -> list[str]:
            return [client.get(f"/v1/tasks/{task_id}").json().get("status", "gone") for task_id in ids]

        assert statuses() == ["RUNNING", "RUNNING", "THROTTLED"]
        client.delete(f"/v1/tasks/{ids[0]}")
        assert statuses() == ["gone", "RUNNING", "RUNNING"]
