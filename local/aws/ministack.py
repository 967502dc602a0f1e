"""Starts and stops the local AWS, ministack, as a background process."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from local.paths import ROOT, Home
from local.process import LOOPBACK, Service, answers

REGION = "us-east-1"
# Lambda workers inherit the server's environment, so it gets only these variables: no AWS profile, key or endpoint from
# the developer's shell reaches a function.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LOCAL_WORKERS_PER_FUNCTION", "LOCAL_WORKER_PATIENCE_SECONDS")
# For an upstream that is not on this machine.
INHERITED_FOR_INTERNET = ("HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


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
        """Return whether ministack answers and has finished its start-up."""
        return answers(f"{self.url}/_ministack/ready")

    def start(self) -> int:
        """Start ministack and return its process id. Call wait_ready() afterwards."""
        # Every worker unpacks its code here and does not remove it.
        shutil.rmtree(self.home.tmp, ignore_errors=True)
        self.set_lost_state_aside()
        self.home.create()
        return self.service.start(self.environment(os.environ), ROOT)

    def set_lost_state_aside(self) -> bool:
        """After a kill, move the old state aside. Return False if the last run ended cleanly.

        After a kill the disk has recent objects beside tables from the last clean end. In such tables a task that has
        ended since can appear unsubmitted, and would be bought again.
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
        """Stop ministack; tables, buckets and state machines are kept. Return False if it did not run."""
        return self.service.stop()

    def environment(self, outside: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the server, and so of every Lambda worker."""
        names = (*INHERITED, *INHERITED_FOR_INTERNET) if self.internet else INHERITED
        # LOCAL_CALLS_FILE is where tests want the record of local/aws/permissions.py.
        return {name: outside[name] for name in (*names, "LOCAL_CALLS_FILE") if name in outside} | {
            "NO_PROXY": f"{LOOPBACK},localhost",
            "PYTHONNOUSERSITE": "1",
            "TMPDIR": str(self.home.tmp),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Functions may do only what the policies of their roles allow. The key test/test is the account's root.
            "AUTH": "true",
            "MINISTACK_REGION": REGION,
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": LOOPBACK,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home.state / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home.state / "s3"),
            # Each waiting call occupies one thread, and the AWS calls of its function need another.
            "MINISTACK_WORKER_THREADS": "256",
            # Surplus workers of a burst end after a minute.
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "LOG_LEVEL": "WARNING",
            "TIME_SCALE": f"{self.time_scale:g}",
            "SFN_WAIT_SCALE": f"{self.time_scale:g}",
        }
