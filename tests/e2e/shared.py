"""The stack that all tests of a run share."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.aws.clients import Clients
from local.errors import LocalError
from local.stack import Stack, StackInfo
from tests.e2e.deployment import log_lines

INPUT_BUCKET = "media-of-tests"
"""Clients may name its objects. The test that uses it makes it."""

TIME_SCALE = 0.02
"""Fifty times faster than Runway: a video in half a second."""


def shared_stack(home: Path) -> Stack:
    """On free ports, with the simulator as Runway. Without an authorizer cache, so a revoked key fails at once."""
    parameters = {"AuthorizerCacheSeconds": "0", "InputBuckets": f"{INPUT_BUCKET},another-bucket"}
    return Stack(home=home, port=0, simulator_port=0, time_scale=TIME_SCALE, parameters=parameters)


def keep_logs(home: Path, logs: Path) -> None:
    """The logs of a stack's processes and functions, to read first after a failed run."""
    shutil.rmtree(logs, ignore_errors=True)
    shutil.copytree(home / "logs", logs)
    with contextlib.suppress(LocalError, BotoCoreError, ClientError):
        info = StackInfo.load(home / "stack.json")
        with Clients(info.aws_endpoint_url, info.region) as clients:
            (logs / "functions.log").write_text("\n".join(log_lines(clients)))
