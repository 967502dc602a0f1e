from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tarmac.http.clients import SCOPES
from tests.conformance.generations import ROUTER
from tests.e2e.api import Api
from tests.e2e.deployment import Deployment
from tests.e2e.simulator import Simulator


@pytest.fixture(scope="session")
def caller(deployment: Deployment) -> Iterator[Api]:
    """One client for all tasks of this folder."""
    with Api.of_new_client(deployment, scopes=SCOPES) as client:
        yield client


@pytest.fixture(scope="session")
def router(simulator: Simulator) -> str:
    """A model router of the account, which only Runway's portal and API make; the same for all workers."""
    simulator.put_record("routers", str(uuid.uuid5(uuid.NAMESPACE_DNS, ROUTER)), {"slug": ROUTER})
    return ROUTER
