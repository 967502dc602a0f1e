"""The TLS context of this process. All connections share it, because loading the certificates takes about 20 ms."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
