"""Runway's HTTP contract, served on loopback: the upstream of the local demo and of the fault tests.

It shares no code with the product: it is a second, independent opinion of what Runway accepts and answers. All of
Runway's endpoints are there (`endpoints` lists them), and under /runwayml those of the reseller CometAPI.
Start it with `python -m local.simulator --port N`, or in process with `create_app` and `running_simulator`.
"""

from local.simulator.app import create_app
from local.simulator.config import Config

__all__ = ["Config", "create_app"]
