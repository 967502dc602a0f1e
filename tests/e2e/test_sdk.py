"""Runway's own Python SDK, pointed here by `base_url` alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from runwayml import (
    AsyncRunwayML,
    AuthenticationError,
    BadRequestError,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    NotFoundError,
    Omit,
    RunwayML,
    TaskFailedError,
)

from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.media import data_uri, picture, play
from tests.e2e.requests import mark_of, prompt, text_to_video
from tests.e2e.simulator import Simulator


@pytest.fixture
def runway(api: Api) -> Iterator[RunwayML]:
    """The SDK with this test's key. Without the shell's proxies, which do not know our loopback."""
    with RunwayML(
        api_key=api.key, base_url=str(api.http.base_url), http_client=DefaultHttpxClient(trust_env=False)
    ) as client:
        yield client


def test_waiting_for_output_gives_links_to_the_archive(
    api: Api, runway: RunwayML, deployment: Deployment, simulator: Simulator
) -> None:
    """Synchronously, asynchronously, and for a task that fails; at the same time, since each sleeps six seconds."""
    text = prompt()

    def image_to_video() -> list[str]:
        created = runway.image_to_video.create(
            model="gen4_turbo",
            prompt_image=data_uri(picture("PNG"), "image/png"),
            prompt_text=text,
            ratio="1280:720",
            duration=2,
        )
        return list(created.wait_for_task_output().output or [])

    async def text_to_video() -> list[str]:
        http = DefaultAsyncHttpxClient(trust_env=False)
        async with AsyncRunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http) as client:
            created = await client.text_to_video.create(
                model="veo3.1_fast", prompt_text=prompt(), ratio="1280:720", duration=4
            )
            return list((await created.wait_for_task_output()).output or [])

    def failing() -> TaskFailedError:
        created = runway.text_to_video.create(
            model="gen4.5", prompt_text=prompt("seconds=3, fail=SAFETY.INPUT.TEXT"), ratio="1280:720", duration=2
        )
        with pytest.raises(TaskFailedError) as caught:
            created.wait_for_task_output()
        return caught.value

    with ThreadPoolExecutor(3) as pool:
        waits: list[Future[Any]] = [
            pool.submit(image_to_video),
            pool.submit(lambda: asyncio.run(text_to_video())),
            pool.submit(failing),
        ]
        image_links, text_links, failure = (wait.result() for wait in waits)

    for (link,), seconds in ((image_links, 2), (text_links, 4)):
        assert f"/{deployment.info.archive_bucket}/{api.client}/" in link
        content = httpx.get(link, trust_env=False, timeout=30).content
        assert abs(play(content).seconds - seconds) < 0.1
    assert failure.task_details.failure_code == "SAFETY.INPUT.TEXT"
    assert len(simulator.creates(text.split()[5])) == 1


def test_a_task_is_retrieved_and_deleted(runway: RunwayML, deployment: Deployment) -> None:
    created = runway.text_to_video.create(
        model="gen4.5", prompt_text=prompt("seconds=2000"), ratio="1280:720", duration=2
    )
    task = runway.tasks.retrieve(created.id)
    assert (task.id, task.status) == (created.id, "PENDING")
    assert task.created_at.tzinfo is not None

    runway.tasks.delete(created.id)

    assert runway.tasks.retrieve(created.id).status == "CANCELLED"
    with pytest.raises(NotFoundError):
        runway.tasks.delete(created.id)
    deployment.announced(created.id)


def test_bad_input_raises_with_the_issues(runway: RunwayML) -> None:
    with pytest.raises(BadRequestError) as caught:
        runway.image_to_video.create(model="gen4_turbo", prompt_image="lamp.jpg", ratio="1:1")  # type: ignore[call-overload]
    assert caught.value.status_code == 400
    body = caught.value.body
    assert isinstance(body, dict)
    assert sorted(issue["path"] for issue in body["issues"]) == [["promptImage"], ["ratio"]]
    assert "Validation of body failed" in str(caught.value)


def test_unknown_tasks_and_wrong_keys_raise_what_the_sdk_documents(runway: RunwayML) -> None:
    with pytest.raises(NotFoundError, match="Task not found"):
        runway.tasks.retrieve("6e1fe2a7-0000-4000-8000-000000000000")
    with pytest.raises(AuthenticationError):
        runway.with_options(api_key=f"key_{'0' * 128}").tasks.retrieve("some-id")
    absent: Any = {"Authorization": Omit()}
    with pytest.raises(AuthenticationError):
        runway.with_options(default_headers=absent).tasks.retrieve("some-id")


def test_the_sdks_own_retry_does_not_buy_twice(api: Api, deployment: Deployment, simulator: Simulator) -> None:
    """The gateway accepts the create and its response is lost: the SDK retries and gets the task of the first
    attempt."""
    body = text_to_video()
    lost: list[str] = []

    def lose_the_first_answer(response: httpx.Response) -> None:
        if response.request.method == "POST" and not lost:
            response.read()
            lost.append(response.json()["id"])
            raise httpx.ReadError("the connection broke", request=response.request)

    http = DefaultHttpxClient(trust_env=False, event_hooks={"response": [lose_the_first_answer]})
    with RunwayML(api_key=api.key, base_url=str(api.http.base_url), http_client=http) as runway:
        created = runway.text_to_video.create(
            model="veo3.1_fast", prompt_text=str(body["promptText"]), ratio="1280:720", duration=4
        )

    assert lost == [created.id]
    assert api.ids() == [created.id]
    assert api.ended(created.id)["status"] == "SUCCEEDED"
    assert len(simulator.creates(mark_of(body))) == 1
