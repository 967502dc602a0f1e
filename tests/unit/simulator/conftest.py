"""One simulator for all tests here: scenarios are part of the requests, so tests do not affect each other."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from local.simulator.server import RunningSimulator, running_simulator

T0 = 1_800_000_000.0
Create = Callable[..., httpx.Response]
Finish = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    """Runs a hundred times faster than Runway."""
    with running_simulator(time_scale=0.01, concurrency=1000) as running:
        yield running


@pytest.fixture(scope="session")
def headers() -> dict[str, str]:
    """The headers that Runway requires with every request."""
    return {"Authorization": "Bearer key_test", "X-Runway-Version": "2024-11-06"}


@pytest.fixture(scope="session")
def http(simulator: RunningSimulator, headers: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.base_url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def create(http: httpx.Client) -> Create:
    """POST a text-to-video of this prompt; the prompt is made unique, the rest of the body can be changed."""
    numbers = itertools.count()
    started = time.time_ns()

    def post(prompt: str = "a lamp", *, client: httpx.Client = http, **changes: Any) -> httpx.Response:
        body = {"model": "gen4.5", "ratio": "1280:720", "duration": 2}
        body["promptText"] = f"{prompt} #{started}.{next(numbers)}"
        return client.post("/v1/text_to_video", json=body | changes)

    return post


@pytest.fixture
def finish(http: httpx.Client) -> Finish:
    """Wait until a task is no longer active; returns its last state."""

    def wait(task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            task: dict[str, Any] = http.get(f"/v1/tasks/{task_id}").json()
            if task["status"] not in ("PENDING", "THROTTLED", "RUNNING"):
                return task
            time.sleep(0.02)
        raise AssertionError(f"{task_id} did not end")

    return wait


@pytest.fixture(scope="module")
def clock() -> list[float]:
    """The time of `own`, in epoch seconds; tests change it."""
    return [T0]


@pytest.fixture(scope="module")
def clocked(clock: list[float]) -> Iterator[RunningSimulator]:
    with running_simulator(clock=lambda: clock[0]) as simulator:
        yield simulator


@pytest.fixture
def own(clocked: RunningSimulator, headers: dict[str, str], clock: list[float]) -> Iterator[httpx.Client]:
    """A client of an empty simulator, on a clock that the test sets."""
    clock[0] = T0
    with httpx.Client(base_url=clocked.base_url, headers=headers, timeout=20) as client:
        client.post("/_simulator/reset")
        yield client


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A PNG with a red left half and a blue right half."""
    image = Image.new("RGB", (400, 300), (220, 20, 20))
    image.paste((20, 20, 220), (200, 0, 400, 300))
    image.putpixel((0, 0), (1, 2, 3))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()
