"""Every create that the SDKs have, waited for in the SDK's own way: the links lead into the archive, to the bytes that
Runway rendered.

The SDK sleeps for six seconds before each poll, so many creates run at the same time. `make test` runs one model of
each operation in both forms of the SDK, `make test-all` every other model and body too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tarmac.catalogue import operation, operations
from tests.conformance.generations import GENERATIONS, WRITTEN, Generation, at_once
from tests.conformance.sdks import FORMS, Sdk, opened
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.simulator import Simulator

pytestmark = pytest.mark.xdist_group("conformance")

Asked = list[tuple[str, str]]
"""Generations, as (form of the SDK, name)."""

FIRST = {each.operation: each.name for each in reversed(WRITTEN.values())}
"""The first generation of each operation, by operation."""

ONE_PER_OPERATION: Asked = [(form, name) for form in FORMS for name in FIRST.values()]
OTHERS: Asked = [("sync", name) for name in WRITTEN] + [("async", name) for name in GENERATIONS]
OTHERS = [each for each in OTHERS if each not in ONE_PER_OPERATION]
"""Every method in both forms. Every model in the form that waits without threads."""

AT_A_TIME = 60
"""More would only wait for each other until the timeout of a local function."""


@dataclass(frozen=True)
class File:
    """What a link leads to."""

    extension: str
    content_type: str
    sha256: str


@dataclass(frozen=True)
class Made:
    """A finished generation as its caller sees it."""

    sent: dict[str, Any]
    task: Any
    links: list[str]
    files: list[File]


def outcomes(asked: Asked, caller: Api) -> dict[tuple[str, str], Made | BaseException]:
    """Return the outcome of each generation. All run at once."""
    base_url = str(caller.http.base_url)

    async def made(sdk: Sdk, http: httpx.AsyncClient, places: asyncio.Semaphore, generation: Generation) -> Made:
        body = at_once(generation.body)
        async with places:
            created = await sdk.create(generation.method, body)
            task = await sdk.waited(created)
        assert task.id == created.id
        return Made(body, task, task.output, [_file(await http.get(link)) for link in task.output])

    async def all_of(form: str, places: asyncio.Semaphore) -> list[tuple[tuple[str, str], Made | BaseException]]:
        names = [name for each, name in asked if each == form]
        browser = httpx.AsyncClient(trust_env=False, timeout=60)
        async with opened(form, base_url, caller.key) as sdk, browser as http:
            found = await asyncio.gather(
                *(made(sdk, http, places, GENERATIONS[name]) for name in names), return_exceptions=True
            )
        return [((form, name), outcome) for name, outcome in zip(names, found, strict=True)]

    async def both() -> dict[tuple[str, str], Made | BaseException]:
        places = asyncio.Semaphore(AT_A_TIME)
        by_form = await asyncio.gather(*(all_of(form, places) for form in FORMS))
        return {each: outcome for found in by_form for each, outcome in found}

    return asyncio.run(both())


@pytest.mark.parametrize("asked", [ONE_PER_OPERATION, pytest.param(OTHERS, marks=pytest.mark.slow)], ids=["one", "all"])
def test_generations_end_in_the_archive(
    asked: Asked, caller: Api, router: str, deployment: Deployment, simulator: Simulator
) -> None:
    assert router
    wrong = {}
    for (form, name), outcome in outcomes(asked, caller).items():
        try:
            _check(GENERATIONS[name], outcome, caller, deployment, simulator)
        except Exception as failure:
            wrong[form, name] = failure
    if wrong:
        raise ExceptionGroup(f"{len(wrong)} generations: {list(wrong)}", list(wrong.values()))


def _check(
    generation: Generation, made: Made | BaseException, caller: Api, deployment: Deployment, simulator: Simulator
) -> None:
    """Row, request to Runway, links and files of a generation agree."""
    if isinstance(made, BaseException):
        raise made
    row = deployment.announced(made.task.id)
    assert (row.client, row.operation) == (caller.client, generation.operation)
    assert row.upstream_id
    assert json.loads(simulator.body_text(row.upstream_id)) == made.sent

    assert all(f"/{deployment.info.archive_bucket}/{caller.client}/" in link for link in made.links)
    rendered = [_file(simulator.http.get(link)) for link in simulator.task(row.upstream_id)["output"]]
    assert rendered
    assert made.files == rendered
    if generation.formats is not None:
        assert [file.extension for file in made.files] == generation.formats


def _file(answer: httpx.Response) -> File:
    answer.raise_for_status()
    extension = answer.url.path.rpartition(".")[2]
    return File(extension, answer.headers["content-type"], hashlib.sha256(answer.content).hexdigest())


def test_every_model_of_every_endpoint_is_covered() -> None:
    asked = {(each.operation, each.model or operation(each.operation).sole_model) for each in GENERATIONS.values()}
    # A workflow is not bought by its model: workflows.py.
    bought = [name for name in operations() if not name.startswith("workflows/")]
    known = {(name, model) for name in bought for model in operation(name).models}
    assert asked == known
