from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.servers import TinyServer, tiny_server


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """Runway's place, on this machine."""
    with tiny_server() as running:
        yield running
