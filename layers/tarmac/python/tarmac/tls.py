"""Whom this process trusts: one context for all its connections, since reading the certificates takes some 20 ms."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
