"""Every create that the SDKs have, for every model, waited for in the SDK's own way: the links that it gives lead into
the archive, to the bytes that Runway rendered.

The SDK sleeps for six seconds before each look, so many run at the same time; each has a test of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tarmac.catalogue import operation, operations
from tests.conformance.generations import GENERATIONS, WRITTEN, Generation, at_once
from tests.conformance.sdks import Sdk, opened
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.simulator import Simulator

pytestmark = pytest.mark.xdist_group("conformance")

ASKED = {"sync": list(WRITTEN), "async": list(GENERATIONS)}
"""Every method by both forms. Every model by the one that waits without threads."""

AT_A_TIME = 60
"""More would only wait for each other, and a local function's patience is its timeout."""


@dataclass(frozen=True)
class File:
    """What a link leads to."""

    extension: str
    content_type: str
    sha256: str


@dataclass(frozen=True)
class Made:
    """A generation as its caller sees it in the end."""

    sent: dict[str, Any]
    task: Any
    links: list[str]
    files: list[File]


Outcomes = Mapping[str, Made | BaseException]


@pytest.fixture(scope="module")
def outcomes(caller: Api, router: str) -> Mapping[str, Outcomes]:
    """What became of each generation, by the SDK's form and by name."""
    base_url = str(caller.http.base_url)
    places = asyncio.Semaphore(AT_A_TIME)

    async def made(sdk: Sdk, http: httpx.AsyncClient, generation: Generation) -> Made:
        body = at_once(generation.body)
        async with places:
            created = await sdk.create(generation.method, body)
            task = await sdk.waited(created)
        assert task.id == created.id
        return Made(body, task, task.output, [_file(await http.get(link)) for link in task.output])

    async def all_of(form: str) -> Outcomes:
        names = ASKED[form]
        browser = httpx.AsyncClient(trust_env=False, timeout=60)
        async with opened(form, base_url, caller.key) as sdk, browser as http:
            found = await asyncio.gather(
                *(made(sdk, http, GENERATIONS[name]) for name in names), return_exceptions=True
            )
        return dict(zip(names, found, strict=True))

    async def both() -> list[Outcomes]:
        return await asyncio.gather(*map(all_of, ASKED))

    return dict(zip(ASKED, asyncio.run(both()), strict=True))


@pytest.mark.parametrize(
    ("form", "name"), [(form, name) for form, names in ASKED.items() for name in names], ids=lambda word: word
)
def test_a_generation_ends_in_the_archive(
    form: str,
    name: str,
    outcomes: Mapping[str, Outcomes],
    caller: Api,
    deployment: Deployment,
    simulator: Simulator,
) -> None:
    made = outcomes[form][name]
    if isinstance(made, BaseException):
        raise made
    generation = GENERATIONS[name]
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


def test_every_model_of_every_endpoint_is_asked_for() -> None:
    asked = {(each.operation, each.model or operation(each.operation).sole_model) for each in GENERATIONS.values()}
    # A workflow is not bought by its model: workflows.py.
    bought = [name for name in operations() if not name.startswith("workflows/")]
    known = {(name, model) for name in bought for model in operation(name).models}
    assert asked == known
