"""The page at /docs: one HTML file that loads only /openapi.json."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Page:
    html: str
    headers: Mapping[str, str]


@cache
def docs_page() -> Page:
    """Return the page, with a content security policy that allows only its own style and script."""
    html = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    policy = [
        "default-src 'none'",
        "connect-src 'self'",
        f"style-src {_hash_of(html, 'style')}",
        f"script-src {_hash_of(html, 'script')}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "; ".join(policy),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Page(html, headers)


def _hash_of(html: str, tag: str) -> str:
    match = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    assert match is not None
    return f"'sha256-{base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()}'"
