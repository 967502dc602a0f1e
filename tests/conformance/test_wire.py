"""What the installed SDK puts on the wire, recorded and sent to Tarmac again unchanged: every header, every byte.

Only Host and Authorization are this stack's own, and ids in paths where there has to be something behind them.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from runwayml import RunwayML

from tests.conformance.generations import WRITTEN, Generation, at_once
from tests.conformance.sdks import FORMS, Sdk, opened
from tests.e2e.api import Api
from tests.e2e.requests import text_to_video
from tests.fakes.servers import Received, TinyServer, answer, tiny_server

pytestmark = pytest.mark.xdist_group("conformance")

Call = Callable[[Sdk], Awaitable[Any]]
SOME_ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def recorder() -> Iterator[TinyServer]:
    """A server that answers every request as if it had made a task."""
    with tiny_server() as server:
        server.answers(answer(200, {"id": SOME_ID}))
        yield server


def recorded(
    recorder: TinyServer, form: str, *calls: Callable[[Sdk], Awaitable[Any]], **options: Any
) -> list[Received]:
    """Return the requests of these calls, in order."""

    async def called() -> None:
        async with opened(form, recorder.url, "key_recorded") as sdk:
            for call in calls:
                await call(sdk)

    asyncio.run(called())
    return recorder.requests


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


def replayed(request: Received, to: Api, path: str | None = None) -> Answer:
    """Through http.client, which adds and changes nothing when it is given every header."""
    at = urlsplit(str(to.http.base_url))
    own = {"host": at.netloc, "authorization": f"Bearer {to.key}", "connection": "close"}
    connection = http.client.HTTPConnection(at.netloc, timeout=60)
    try:
        target = at.path.rstrip("/") + (path or request.path)
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in ({**request.headers} | own).items():
            connection.putheader(name, value)
        connection.endheaders(request.body or None)
        got = connection.getresponse()
        return Answer(got.status, got.read())
    finally:
        connection.close()


def test_every_create_is_accepted_as_it_was_sent(recorder: TinyServer, caller: Api, router: str) -> None:
    asked = list(WRITTEN.values())

    def create(generation: Generation) -> Call:
        return lambda sdk: sdk.create(generation.method, at_once(generation.body))

    requests = recorded(recorder, "sync", *map(create, asked))
    refused = {}
    for generation, request in zip(asked, requests, strict=True):
        assert (request.method, request.path) == ("POST", f"/v1/{generation.operation}")
        got = replayed(request, caller)
        if got.status != 200 or "id" not in json.loads(got.body):
            refused[generation.name] = got
    assert not refused


@pytest.mark.parametrize("form", FORMS)
def test_a_delete_with_a_content_type_but_no_body_is_accepted(form: str, recorder: TinyServer, api: Api) -> None:
    [request] = recorded(recorder, form, lambda sdk: sdk("tasks.delete", SOME_ID))
    assert (request.method, request.path, request.body) == ("DELETE", f"/v1/tasks/{SOME_ID}", b"")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "*/*"
    task_id = api.create("text_to_video", text_to_video("seconds=900"))
    assert replayed(request, api, f"/v1/tasks/{task_id}") == Answer(204, b"")
    assert replayed(request, api).status == 404


@pytest.mark.parametrize("form", FORMS)
def test_reads_uploads_and_the_organization_are_accepted_as_they_were_sent(
    form: str, recorder: TinyServer, api: Api
) -> None:
    recorder.answers(answer(200, {"uploadUrl": f"{recorder.url}/storage", "fields": {}, "runwayUri": "runway://x"}))
    read, slot, _, organization, usage, usage_of_days = recorded(
        recorder,
        form,
        lambda sdk: sdk("tasks.retrieve", SOME_ID),
        lambda sdk: sdk("uploads.create_ephemeral", file=("lake.png", b"x" * 600)),
        lambda sdk: sdk("organization.retrieve"),
        lambda sdk: sdk("organization.retrieve_usage"),
        lambda sdk: sdk("organization.retrieve_usage", start_date="2026-11-01", before_date="2026-11-20"),
    )
    assert replayed(read, api).status == 404
    task_id = api.create("text_to_video", text_to_video())
    assert json.loads(replayed(read, api, f"/v1/tasks/{task_id}").body)["id"] == task_id
    assert {"uploadUrl", "fields", "runwayUri"} <= json.loads(replayed(slot, api).body).keys()
    assert "tier" in json.loads(replayed(organization, api).body)
    for request in (usage, usage_of_days):
        assert "results" in json.loads(replayed(request, api).body)


def test_a_client_that_the_environment_configures_needs_no_other_setting(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNWAYML_BASE_URL", str(api.http.base_url))
    monkeypatch.setenv("RUNWAYML_API_SECRET", api.key)
    monkeypatch.setenv("RUNWAYML_CUSTOM_HEADERS", "X-Team: lamps\nX-Note: a b")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    task_id = api.create("text_to_video", text_to_video())
    with RunwayML() as client:
        assert client.tasks.retrieve(task_id).id == task_id


def test_a_recorded_retry_finds_the_task_of_the_first_request(recorder: TinyServer, api: Api) -> None:
    """The SDK counts its retries in a header and sends the same bytes."""
    recorder.answers(
        answer(503, {"error": "busy"}, {"retry-after-ms": "10"}),
        answer(200, {"id": SOME_ID}),
    )
    body = text_to_video()
    first, again = recorded(recorder, "sync", lambda sdk: sdk.create("text_to_video.create", body))
    assert [each.headers["x-stainless-retry-count"] for each in (first, again)] == ["0", "1"]
    assert first.body == again.body
    answers = [replayed(request, api) for request in (first, again)]
    assert [got.status for got in answers] == [200, 200]
    assert answers[0] == answers[1]
    assert api.ids() == [json.loads(answers[0].body)["id"]]
