"""Every other method of the SDKs, in both forms; and that none is left out."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from runwayml import AsyncRunwayML, RunwayML

from tarmac.http.clients import SCOPES
from tests.conformance import characters, resources, routing, sessions, workflows
from tests.conformance.cases import Case, Stage
from tests.conformance.exceptions import NOT_ANSWERED
from tests.conformance.generations import WRITTEN
from tests.conformance.sdks import FORMS, methods, opened
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.simulator import Simulator

pytestmark = pytest.mark.xdist_group("conformance")

MODULES = (resources, workflows, routing, characters, sessions)
CASES = {
    name: case
    for module in MODULES
    for name, case in module.CASES.by_name.items()
    if not set(case.covers) & NOT_ANSWERED.keys()
}
"""The cases of what Tarmac serves."""


LIVE = {name: case for name, case in CASES.items() if name in sessions.CASES.by_name}
"""Cases that must answer while a live session waits: both forms of one case at a time."""


@pytest.mark.parametrize(
    ("cases", "at_a_time"),
    [([case for name, case in CASES.items() if name not in LIVE], 12), (list(LIVE.values()), 2)],
    ids=["others", "live"],
)
def test_resources_answer(
    cases: list[Case], at_a_time: int, deployment: Deployment, simulator: Simulator, tmp_path: Path
) -> None:
    """Every case in both forms, several at the same time: the SDK sleeps for six seconds before each poll."""

    async def played(case: Case, form: str, places: asyncio.Semaphore) -> set[str]:
        folder = tmp_path / f"{case.name}-{form}"
        folder.mkdir()
        async with places:
            with Api.of_new_client(deployment, scopes=SCOPES) as caller:
                async with opened(form, str(caller.http.base_url), caller.key) as sdk:
                    await case.play(sdk, Stage(caller, deployment, simulator, folder))
                    return sdk.called

    async def all_of(plays: list[tuple[Case, str]]) -> list[set[str] | BaseException]:
        places = asyncio.Semaphore(at_a_time)
        return await asyncio.gather(*(played(case, form, places) for case, form in plays), return_exceptions=True)

    plays = list(itertools.product(cases, FORMS))
    failures = []
    for (case, form), called in zip(plays, asyncio.run(all_of(plays)), strict=True):
        if isinstance(called, BaseException):
            called.add_note(f"{case.name}, {form}")
            failures.append(called)
        else:
            assert set(case.covers) <= called, case.name
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} cases", failures)


@pytest.mark.parametrize("client", [RunwayML, AsyncRunwayML])
def test_every_method_of_the_sdk_is_covered_or_named_with_its_reason(
    client: type[RunwayML] | type[AsyncRunwayML],
) -> None:
    known = methods(client(api_key="none"))
    covered = {each.method for each in WRITTEN.values()} | {method for case in CASES.values() for method in case.covers}
    assert len(known) > 60
    assert known - covered == set(NOT_ANSWERED)
    assert covered <= known
    assert not covered & set(NOT_ANSWERED)
