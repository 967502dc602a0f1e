"""The AWS CLI as the client: what a person types, against the local AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local.stack import StackInfo

SECONDS = 120


@dataclass(frozen=True)
class AwsCli:
    info: StackInfo

    def run(self, *arguments: str) -> str:
        """Run `aws …` and return what it prints. Fails if the command fails."""
        done = self._done(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_json(self, *arguments: str) -> Any:
        """Run `aws …` and return the JSON that it prints."""
        return json.loads(self.run(*arguments))

    def error(self, *arguments: str) -> str:
        """Run `aws …`, which must fail, and return its error message."""
        done = self._done(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def _done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Nothing of the developer's own AWS settings, and no proxy on the way to the loopback.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": self.info.aws_endpoint_url,
            "AWS_REGION": self.info.region,
            "AWS_DEFAULT_REGION": self.info.region,
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "NO_PROXY": "*",
        }
        # Beside the interpreter, whatever PATH contains.
        command = [sys.executable, str(Path(sys.executable).with_name("aws")), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)

    def cp(self, file: Path, key: str, metadata: Mapping[str, str] | None = None) -> None:
        """`aws s3 cp file s3://…/key --metadata tarmac-…=…`; `prompt_text` is tarmac-prompt-text, percent-encoded."""
        about = ",".join(
            f"tarmac-{name.replace('_', '-')}={quote(value, safe='')}" for name, value in (metadata or {}).items()
        )
        said = ["--metadata", about] if about else []
        self.run("s3", "cp", "--only-show-errors", str(file), f"s3://{self.info.upload_bucket}/{key}", *said)
