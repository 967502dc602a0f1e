from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes import World
from tests.fakes.servers import TinyServer, tiny_server


@pytest.fixture
def world() -> World:
    """All effects in memory, with a fixed clock."""
    return World()


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """A receiver of webhooks on this machine."""
    with tiny_server() as running:
        yield running
