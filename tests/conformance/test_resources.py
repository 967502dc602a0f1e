"""Every other method of the SDKs, in both forms; and that none is left out."""

from __future__ import annotations

import asyncio
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
"""Those of what Tarmac answers."""


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_a_resource_answers(case: Case, deployment: Deployment, simulator: Simulator, tmp_path: Path) -> None:
    """Both forms at the same time: some cases wait, and each of their looks comes after six seconds."""

    async def played(form: str) -> set[str]:
        with Api.of_new_client(deployment, scopes=SCOPES) as caller:
            async with opened(form, str(caller.http.base_url), caller.key) as sdk:
                await case.play(sdk, Stage(caller, deployment, simulator, tmp_path))
                return sdk.called

    async def in_both_forms() -> list[set[str]]:
        return await asyncio.gather(*map(played, FORMS))

    for called in asyncio.run(in_both_forms()):
        assert set(case.covers) <= called


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
