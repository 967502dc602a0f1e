"""What the SDKs raise for Tarmac's errors, and what their own retries find."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import runwayml
from runwayml import APIStatusError, AsyncRunwayML, DefaultAsyncHttpxClient, DefaultHttpxClient, RunwayML

from tests.conformance.sdks import FORMS, Sdk, opened
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.requests import prompt
from tests.e2e.simulator import Simulator

pytestmark = pytest.mark.xdist_group("conformance")

NOBODYS = "6e1fe2a7-0000-4000-8000-000000000000"


def video(**changes: Any) -> dict[str, Any]:
    return {"model": "gen4.5", "prompt_text": prompt(), "ratio": "1280:720", "duration": 2} | changes


async def wrong_values(sdk: Sdk) -> None:
    await sdk("text_to_video.create", **video(ratio="1:7", duration="long"))


async def no_such_task(sdk: Sdk) -> None:
    await sdk("tasks.retrieve", NOBODYS)


async def no_such_task_to_delete(sdk: Sdk) -> None:
    await sdk("tasks.delete", NOBODYS)


async def no_key(sdk: Sdk) -> None:
    await sdk("tasks.retrieve", NOBODYS, extra_headers={"Authorization": runwayml.Omit()})


async def a_wrong_key(sdk: Sdk) -> None:
    await sdk("tasks.retrieve", NOBODYS, extra_headers={"Authorization": f"Bearer key_{'0' * 128}"})


async def a_key_for_another_body(sdk: Sdk) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    await sdk("text_to_video.create", **video(), extra_headers=headers)
    await sdk("text_to_video.create", **video(), extra_headers=headers)


async def too_large(sdk: Sdk) -> None:
    await sdk("text_to_video.create", **video(extra_body={"metadata": {"note": "x" * 1024 * 1024}}))


@pytest.mark.parametrize(
    ("wrong", "raised", "status"),
    [
        (wrong_values, runwayml.BadRequestError, 400),
        (no_key, runwayml.AuthenticationError, 401),
        (a_wrong_key, runwayml.AuthenticationError, 401),
        (no_such_task, runwayml.NotFoundError, 404),
        (no_such_task_to_delete, runwayml.NotFoundError, 404),
        (too_large, APIStatusError, 413),
        (a_key_for_another_body, runwayml.UnprocessableEntityError, 422),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
@pytest.mark.parametrize("form", FORMS)
def test_the_sdk_raises_its_own_errors(
    form: str, wrong: Any, raised: type[APIStatusError], status: int, api: Api
) -> None:
    async def tried() -> APIStatusError:
        async with opened(form, str(api.http.base_url), api.key) as sdk:
            with pytest.raises(APIStatusError) as caught:
                await wrong(sdk)
        return caught.value

    error = asyncio.run(tried())
    assert (type(error), error.status_code) == (raised, status)
    assert error.request.headers["x-stainless-retry-count"] == "0"
    assert isinstance(error.body, dict)
    # A refusal by the gateway itself has the gateway's own words.
    assert set(error.body) <= ({"message"} if wrong is no_key else {"error", "issues"})


def test_bad_input_is_reported_field_by_field(api: Api) -> None:
    async def tried() -> list[Any]:
        bodies = []
        for form in FORMS:
            async with opened(form, str(api.http.base_url), api.key) as sdk:
                with pytest.raises(runwayml.BadRequestError) as caught:
                    await wrong_values(sdk)
            bodies.append(caught.value.body)
        return bodies

    for body in asyncio.run(tried()):
        assert sorted(issue["path"] for issue in body["issues"]) == [["duration"], ["ratio"]]
        assert all(issue["message"] and issue["code"] for issue in body["issues"])


@pytest.mark.parametrize("losses", [1, 2])
@pytest.mark.parametrize("form", FORMS)
def test_a_create_that_the_sdk_retries_by_itself_is_found_again(
    form: str, losses: int, api: Api, deployment: Deployment, simulator: Simulator
) -> None:
    """All responses to the same bytes but the last are lost: one task, bought once. An SDK retries at most twice."""
    answered: list[tuple[str, Any]] = []

    def lost(response: httpx.Response, content: bytes) -> None:
        answered.append((response.request.headers["x-stainless-retry-count"], response.json()["id"]))
        if len(answered) <= losses:
            raise httpx.ReadError("the connection broke", request=response.request)

    def lose(response: httpx.Response) -> None:
        lost(response, response.read())

    async def lose_later(response: httpx.Response) -> None:
        lost(response, await response.aread())

    text = prompt()
    body: Mapping[str, Any] = video(prompt_text=text)
    options: Any = {"api_key": api.key, "base_url": str(api.http.base_url)}
    if form == "sync":
        http = DefaultHttpxClient(trust_env=False, event_hooks={"response": [lose]})
        with RunwayML(http_client=http, **options) as client:
            created = client.text_to_video.create(**body)
    else:

        async def tried() -> Any:
            http = DefaultAsyncHttpxClient(trust_env=False, event_hooks={"response": [lose_later]})
            async with AsyncRunwayML(http_client=http, **options) as client:
                return await client.text_to_video.create(**body)

        created = asyncio.run(tried())

    assert answered == [(str(number), created.id) for number in range(losses + 1)]
    assert api.ids() == [created.id]
    assert deployment.announced(created.id).attempt == 1
    assert len(simulator.creates(re.findall(r"\bm[0-9a-f]{32}\b", text)[0])) == 1
