"""One stack for this folder's tests; with xdist's `--dist loadgroup` they share a worker, and so the stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.storm.rig import Rig, rig


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A stack of its own: what is found on it was written by these tests."""
    with rig(
        tmp_path_factory.mktemp("canary"), workers=2, time_scale=0.02, parameters={"ConnectSeconds": "5"}
    ) as running:
        yield running
