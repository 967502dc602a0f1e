"""Runway's avatars, documents and voices over a transport in memory: requests, and the meaning of responses."""

from __future__ import annotations

import json

import httpx
import pytest

from tarmac.runway.characters import RunwayCharacters
from tarmac.runway.connection import RunwayConnection
from tarmac.runway.errors import (
    CreateAmbiguous,
    CreateRefused,
    CreateRejected,
    UpstreamGone,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tests.fakes import ManualClock

Answers = httpx.Response | Exception


def runway(*answers: Answers) -> tuple[RunwayCharacters, list[httpx.Request]]:
    left, seen = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return RunwayCharacters(RunwayConnection("https://runway.example", lambda fresh: "key", ManualClock(), http)), seen


def test_each_call_has_runways_method_and_path() -> None:
    item = {"id": "a"}
    given = [httpx.Response(200, json=item)] * 4 + [httpx.Response(204)] * 2 + [httpx.Response(200, json={})]
    characters, seen = runway(*given)
    assert characters.create("avatars", {"name": "x"}) == item
    assert characters.read("voices", "a") == item
    assert characters.change("avatars", "a", {"name": "y"}) == item
    assert characters.preview({"prompt": "x"}) == item
    assert characters.change("documents", "a", {"name": "y"}) is None
    characters.delete("avatar_conversations", "a")
    assert characters.usage({"startDate": "2026-01-01T00:00:00Z"}) == {}
    assert [f"{request.method} {request.url.raw_path.decode()}" for request in seen] == [
        "POST /v1/avatars",
        "GET /v1/voices/a",
        "PATCH /v1/avatars/a",
        "POST /v1/voices/preview",
        "PATCH /v1/documents/a",
        "DELETE /v1/avatar_conversations/a",
        "GET /v1/avatar_usage?startDate=2026-01-01T00%3A00%3A00Z",
    ]
    assert json.loads(seen[0].content) == {"name": "x"}
    assert {request.headers["authorization"] for request in seen} == {"Bearer key"}


def test_a_page_is_read() -> None:
    characters, _ = runway(
        httpx.Response(200, json={"data": [{"id": "a"}], "hasMore": True, "nextCursor": "c"}),
        httpx.Response(200, json={"data": [], "hasMore": False, "nextCursor": None}),
    )
    first, last = characters.page("avatars", {"limit": "1"}), characters.page("avatars", {"cursor": "c"})
    assert (first.items, first.next_cursor) == ([{"id": "a"}], "c")
    assert (last.items, last.next_cursor) == ([], None)


@pytest.mark.parametrize("answer", [{}, {"data": {}}, {"data": ["a"]}, {"data": [{"name": "a"}]}])
def test_a_malformed_page_is_not_an_empty_one(answer: object) -> None:
    characters, _ = runway(httpx.Response(200, json=answer))
    with pytest.raises(UpstreamUnavailable):
        characters.page("avatars", {})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ReadTimeout("slow"), CreateAmbiguous),
        (httpx.Response(500), CreateAmbiguous),
        (httpx.Response(200, content=b"{"), CreateAmbiguous),
        (httpx.Response(200, json={"id": ""}), CreateAmbiguous),
        (httpx.Response(200, json={"id": 7}), CreateAmbiguous),
        (httpx.Response(503), CreateRefused),
        (httpx.Response(409, json={"error": "processing"}), CreateRefused),
        (httpx.ConnectError("down"), CreateRefused),
        (httpx.Response(400, json={"error": "bad"}), CreateRejected),
    ],
)
def test_a_change_is_never_retried(answer: Answers, error: type[Exception]) -> None:
    characters, seen = runway(answer)
    with pytest.raises(error):
        characters.create("avatars", {})
    assert len(seen) == 1


def test_a_change_with_an_unreadable_response_may_have_been_made() -> None:
    characters, seen = runway(httpx.Response(200, content=b"<html>"))
    with pytest.raises(CreateAmbiguous):
        characters.change("avatars", "a", {})
    assert seen[0].method == "PATCH"


def test_reads_and_deletes_are_tried_again() -> None:
    characters, seen = runway(
        httpx.Response(500), httpx.Response(200, json={}), httpx.ReadTimeout("x"), httpx.Response(204)
    )
    characters.read("avatars", "a")
    characters.delete("avatars", "a")
    assert len(seen) == 4


def test_a_missing_item_is_gone() -> None:
    characters, _ = runway(httpx.Response(404), httpx.Response(404))
    with pytest.raises(UpstreamGone):
        characters.read("avatars", "a")
    with pytest.raises(UpstreamGone):
        characters.delete("avatars", "a")


def test_a_query_that_runway_rejects_is_an_error_of_the_caller() -> None:
    characters, seen = runway(httpx.Response(400, json={"error": "Validation of query failed"}))
    with pytest.raises(UpstreamRejected, match="Validation of query"):
        characters.usage({"startDate": "x"})
    assert len(seen) == 1
