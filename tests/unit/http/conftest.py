from __future__ import annotations

import pytest

from tests.fakes.samples import Call, http_create


@pytest.fixture
def call() -> Call:
    """Makes events of API Gateway: the sample of a create, with changes."""
    return http_create
