"""Calls that schemathesis generates from /openapi.json: valid and invalid ones.

No response may be a 5xx or undescribed, and invalid calls must be refused. The calls are the same each time: the
seed is fixed. `make schemathesis` makes some thousands.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.paths import ROOT
from local.stack import StackInfo
from tests.e2e.api import Api

pytestmark = pytest.mark.xdist_group("schemathesis")

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES")
FEW = "3"
"""For each call, that fit and that do not: a create that fits is a task to be carried out."""

WITHOUT_LONG_BODIES = r"^/v1/(tasks|uploads|organization|usage|character_performance|voice_dubbing)"
"""The limits of an operation with thirty models are a thousand calls."""


def schemathesis(stack: StackInfo, api: Api, *options: str) -> None:
    """One run; its report is the reason of a failure."""
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    command += ["--config-file", str(Path(__file__).with_name("schemathesis.toml")), "--no-color", "run"]
    command += [f"{stack.api_url}/openapi.json", "--url", stack.api_url, "--header", f"Authorization: Bearer {api.key}"]
    run = subprocess.run(
        [*command, "--seed", "1", "--generation-deterministic", *options],
        cwd=ROOT,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=7200 if EXAMPLES else 900,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr


def test_generated_calls_get_described_responses(stack: StackInfo, api: Api) -> None:
    schemathesis(stack, api, "--phases", "fuzzing", "--max-examples", EXAMPLES or FEW)


@pytest.mark.slow
def test_calls_at_and_beyond_every_limit_get_described_responses(stack: StackInfo, api: Api) -> None:
    """One value after the other at its least, at its most, beyond, of another type, and not there."""
    which = [] if EXAMPLES else ["--include-path-regex", WITHOUT_LONG_BODIES]
    schemathesis(stack, api, "--phases", "coverage", *which)
