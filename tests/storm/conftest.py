"""Stacks for this folder's tests, each for as long as its test lasts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.storm.rig import Rig, rig


@pytest.fixture
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A stack without disturbances: only the simulator's faults."""
    with rig(tmp_path_factory.mktemp("calm"), workers=3, time_scale=0.02) as running:
        yield running


@pytest.fixture
def stormy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A stack that the storm restarts and kills."""
    with rig(tmp_path_factory.mktemp("storm"), workers=3, time_scale=0.02) as running:
        yield running
