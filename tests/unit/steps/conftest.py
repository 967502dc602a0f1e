from __future__ import annotations

import pytest

from tests.fakes import World


@pytest.fixture
def world() -> World:
    """Everything outside, in memory, at a standing clock."""
    return World()
