"""boto3 clients, made once a process and only where used: each costs a cold start some 20 ms."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, cast

import boto3
from botocore.config import Config


@cache
def client(service: str) -> Any:
    """The client of an AWS service, with the region and endpoint of the environment."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    options: dict[str, Any] = {"retries": {"mode": "standard", "max_attempts": 4}}
    if service == "s3":
        # virtual: links and forms name the bucket's region. "auto" signs them for s3.amazonaws.com, which redirects
        # for a new bucket elsewhere, and a redirected form or signature is worth nothing.
        options["s3"] = {"addressing_style": "path" if endpoint else "virtual"}
        if endpoint.startswith("http://"):
            # Signing the payload of a stream needs TLS: the local AWS has none, so there it goes unsigned.
            options["s3"]["payload_signing_enabled"] = False
            options["request_checksum_calculation"] = "when_required"
        options["signature_version"] = "s3v4"
    # The stubs know a service only by a literal name.
    return cast(Any, boto3).client(service, config=Config(**options))


def is_local() -> bool:
    """Whether AWS is an endpoint without TLS: the embedded local one."""
    return os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
