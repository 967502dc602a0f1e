"""The AWS CLI, as a person uses it on the stack: its own process, its own idea of AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from local.stack import StackInfo


@dataclass(frozen=True)
class AwsCli:
    info: StackInfo

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`aws …` against the local AWS, whatever settings the developer's shell has."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        settings = {
            "AWS_ENDPOINT_URL": self.info.aws_endpoint_url,
            "AWS_REGION": self.info.region,
            "AWS_DEFAULT_REGION": self.info.region,
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
        }
        return subprocess.run(
            [sys.executable, "-m", "awscli", *arguments],
            env=kept | settings,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def __call__(self, *arguments: str) -> Any:
        """What `aws …` has printed, read as JSON; None where it printed nothing."""
        answer = self.run(*arguments)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout) if answer.stdout.strip() else None
