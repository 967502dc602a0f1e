"""Avatars, documents and voices: readiness, limits, pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

VOICE = {"type": "runway-live-preset", "presetId": "clara"}
NOVA = {"name": "Nova", "personality": "kind", "referenceImage": "https://example.com/a.png", "voice": VOICE}
SPOKEN = {"name": "warm", "from": {"type": "audio", "audio": "https://example.com/a.mp3"}}


def test_an_avatar_becomes_ready(own: httpx.Client, clock: list[float]) -> None:
    """While it is PROCESSING its image cannot be changed, everything else can."""
    made = own.post("/v1/avatars", json=NOVA | {"personality": "kind [[sim: ready=10]]"}).json()
    path = f"/v1/avatars/{made['id']}"
    assert (made["status"], made["processedImageUri"], made["startScript"]) == ("PROCESSING", None, None)
    assert made["voice"]["name"] == "Clara"
    assert own.patch(path, json={"referenceImage": NOVA["referenceImage"]}).status_code == 409
    assert own.patch(path, json={"name": "Vera"}).json()["name"] == "Vera"
    clock[0] += 10
    assert own.get(path).json()["status"] == "READY"
    changed = own.patch(path, json={"referenceImage": NOVA["referenceImage"]}).json()
    assert changed["status"] == "PROCESSING"
    assert changed["updatedAt"] > changed["createdAt"]
    assert own.delete(path).status_code == 204
    assert [own.delete(path).status_code, own.get(path).status_code] == [404, 404]


@pytest.mark.parametrize(("path", "body"), [("/v1/avatars", NOVA), ("/v1/voices", SPOKEN)])
def test_processing_can_fail(own: httpx.Client, clock: list[float], path: str, body: dict[str, Any]) -> None:
    made = own.post(path, json=body | {"name": "x [[sim: ready=1, fail=No face]]"}).json()
    assert own.get(f"{path}/{made['id']}").json()["status"] == "PROCESSING"
    clock[0] += 1
    failed = own.get(f"{path}/{made['id']}").json()
    assert (failed["status"], failed["failureReason"]) == ("FAILED", "No face")
    assert "previewUrl" not in failed


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": "x" * 51}, ["name"]),
        ({"personality": ""}, ["personality"]),
        ({"referenceImage": "http://example.com/a.png"}, ["referenceImage"]),
        ({"voice": {"type": "runway-live-preset", "presetId": "unknown"}}, ["voice", "presetId"]),
        ({"voice": {"type": "custom", "id": "unknown"}}, ["voice", "id"]),
        ({"documentIds": ["none"]}, ["documentIds"]),
        ({"imageProcessing": "much"}, ["imageProcessing"]),
    ],
)
def test_bad_avatars(http: httpx.Client, changes: dict[str, Any], where: list[str]) -> None:
    answer = http.post("/v1/avatars", json=NOVA | changes)
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, where)


def test_knowledge_is_limited(own: httpx.Client) -> None:
    """A document has 200,000 characters at most, and the documents of an avatar 50,000 tokens."""
    ids = [own.post("/v1/documents", json={"name": "x", "content": "a" * 150_000}).json()["id"] for _ in range(2)]
    assert own.post("/v1/avatars", json=NOVA | {"documentIds": ids[:1]}).status_code == 200
    refused = own.post("/v1/avatars", json=NOVA | {"documentIds": ids})
    assert "50,000 tokens" in refused.json()["issues"][0]["message"]
    assert own.post("/v1/documents", json={"name": "x", "content": "a" * 200_001}).status_code == 400


def test_documents(own: httpx.Client, clock: list[float]) -> None:
    """The response to a change has no body. Lists omit the content and have the order of the query."""
    ids = []
    for name in ("a", "b", "c"):
        ids.append(own.post("/v1/documents", json={"name": name, "content": "# hi"}).json()["id"])
        clock[0] += 1
    changed = own.patch(f"/v1/documents/{ids[0]}", json={"content": "# ho"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert own.get(f"/v1/documents/{ids[0]}").json()["content"] == "# ho"

    def names(**query: Any) -> str:
        data = own.get("/v1/documents", params=query).json()["data"]
        assert all("content" not in each for each in data)
        return "".join(each["name"] for each in data)

    assert names() == "cba"
    assert names(order="asc") == "abc"
    assert names(sort="updatedAt") == "acb"
    assert own.get("/v1/documents", params={"sort": "name"}).status_code == 400


def test_pages(own: httpx.Client, clock: list[float]) -> None:
    """The next page starts after the last item, also when items were added or deleted."""
    ids = []
    for number in range(5):
        ids.append(own.post("/v1/voices", json=SPOKEN | {"name": str(number)}).json()["id"])
        clock[0] += 1
    first = own.get("/v1/voices", params={"limit": 2}).json()
    assert ([each["id"] for each in first["data"]], first["hasMore"]) == (ids[:2:-1], True)
    own.delete(f"/v1/voices/{ids[3]}")
    own.post("/v1/voices", json=SPOKEN)
    second = own.get("/v1/voices", params={"limit": 3, "cursor": first["nextCursor"]}).json()
    assert [each["id"] for each in second["data"]] == ids[2::-1]
    assert (second["hasMore"], second["nextCursor"]) == (False, None)
    for bad in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"cursor": "x"}):
        assert own.get("/v1/voices", params=bad).status_code == 400


def test_records_can_be_made_under_a_known_id(own: httpx.Client) -> None:
    """Such a record stands for an avatar that a user made in Runway's portal."""
    records = {
        "documents": {"name": "x", "content": "y"},
        "voices": SPOKEN,
        "avatars": NOVA | {"documentIds": ["mine"], "voice": {"type": "custom", "id": "mine"}},
        "routers": {"slug": "mine"},
        "workflows": {"name": "Mine", "nodes": {"a": "mp4", "b": "png"}},
    }
    for kind, body in records.items():
        assert own.put(f"/_simulator/records/{kind}/mine", json=body).status_code == 201
        assert own.get(f"/v1/{kind}/mine").json()["id"] == "mine"
    assert own.get("/v1/avatars/mine").json()["status"] == "READY"
    assert own.put("/_simulator/records/tasks/mine", json={}).status_code == 404
    assert own.put("/_simulator/records/workflows/more", json={"name": "x", "nodes": {"a": "exe"}}).status_code == 400
