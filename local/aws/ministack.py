"""Starts and stops the local AWS as a background process of its own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from local.paths import ROOT, Home
from local.process import LOOPBACK, Service, answers

REGION = "us-east-1"
# Lambda workers inherit the server's environment, so it starts from these alone: no stray AWS profile, key or
# endpoint of the developer's shell reaches a function.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LOCAL_WORKERS_PER_FUNCTION", "LOCAL_WORKER_PATIENCE_SECONDS")
# Only for an upstream that is not on this machine.
KEPT_FOR_INTERNET = ("HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Ministack:
    """The local AWS of one home."""

    home: Home
    port: int
    time_scale: float
    internet: bool = False

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def service(self) -> Service:
        arguments = ["local.aws.serve", str(self.home.root)]
        return Service(
            name="the local AWS",
            command=[sys.executable, "-m", *arguments],
            arguments=arguments,
            pid_file=self.home.run / "aws.pid",
            log_file=self.home.logs / "aws.log",
            port=self.port,
            settings=f"time scale {self.time_scale:g}, internet {self.internet}",
        )

    def ready(self) -> bool:
        """Whether it answers on its port, and all its own start-up is over."""
        return answers(f"{self.url}/_ministack/ready")

    def start(self) -> int:
        """Start it; wait_ready() comes after."""
        # Every worker unpacks its code here and leaves it behind.
        shutil.rmtree(self.home.tmp, ignore_errors=True)
        self.set_lost_state_aside()
        self.home.create()
        return self.service.start(self.environment(os.environ), ROOT)

    def set_lost_state_aside(self) -> bool:
        """After a kill, begin anew. False if the last end was a clean one.

        What is on disk then is a mixture: objects of a minute ago, and tables as of the last clean end, or
        none. In such tables a task that has ended since may look unsubmitted, and would be paid for again.
        """
        if not self.home.unsaved.exists():
            return False
        shutil.rmtree(self.home.lost, ignore_errors=True)
        self.home.state.rename(self.home.lost)
        self.home.unsaved.unlink()
        return True

    def wait_ready(self) -> None:
        self.service.wait_ready(self.ready, patience_seconds=30)

    def stop(self) -> bool:
        """End it, keeping tables, buckets and machines for the next start. False if it did not run."""
        return self.service.stop()

    def environment(self, outside: Mapping[str, str]) -> dict[str, str]:
        """All that the server, and so every Lambda worker, sees of the world."""
        kept = (*KEPT, *KEPT_FOR_INTERNET) if self.internet else KEPT
        return {name: outside[name] for name in kept if name in outside} | {
            "NO_PROXY": f"{LOOPBACK},localhost",
            "PYTHONNOUSERSITE": "1",
            "TMPDIR": str(self.home.tmp),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "MINISTACK_REGION": REGION,
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": LOOPBACK,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home.state / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home.state / "s3"),
            # Each waiting call holds one, and what the function asks AWS meanwhile needs another.
            "MINISTACK_WORKER_THREADS": "256",
            # Surplus workers of a burst go after a minute.
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "LOG_LEVEL": "WARNING",
            "TIME_SCALE": f"{self.time_scale:g}",
            "SFN_WAIT_SCALE": f"{self.time_scale:g}",
        }
