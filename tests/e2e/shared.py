"""The stack that all tests of a run share."""

from __future__ import annotations

from pathlib import Path

from local.stack import Stack

INPUT_BUCKET = "media-of-tests"
"""Clients may name its objects. The test that uses it makes it."""

TIME_SCALE = 0.02
"""Fifty times faster than Runway: a video in half a second."""


def shared_stack(home: Path) -> Stack:
    """On free ports, with the simulator as Runway. An authorizer without cache: a revoked key is refused at once."""
    parameters = {"AuthorizerCacheSeconds": "0", "InputBuckets": f"{INPUT_BUCKET},another-bucket"}
    return Stack(home=home, port=0, simulator_port=0, time_scale=TIME_SCALE, parameters=parameters)
