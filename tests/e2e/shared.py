"""The stack that all tests of a run share."""

from __future__ import annotations

from pathlib import Path

from local.stack import Stack

TIME_SCALE = 0.02
"""Fifty times faster than Runway: a video in half a second."""


def shared_stack(home: Path) -> Stack:
    """On free ports, with the simulator as Runway. An authorizer without cache: a revoked key is refused at once."""
    parameters = {"AuthorizerCacheSeconds": "0"}
    return Stack(home=home, port=0, simulator_port=0, time_scale=TIME_SCALE, parameters=parameters)
