"""Runway's HTTP API on loopback: the upstream of the local demo and of the fault tests.

It shares no code with the product. It checks request bodies by the types of Runway's official SDK (`contract`). It has
all of Runway's endpoints (`endpoints` lists them), and under /runwayml those of the reseller CometAPI.
Start it with `python -m local.simulator --port N`, or in process with `create_app` and `running_simulator`.
"""

from local.simulator.app import create_app
from local.simulator.config import Config

__all__ = ["Config", "create_app"]
