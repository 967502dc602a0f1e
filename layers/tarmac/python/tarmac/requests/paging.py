"""Pages of lists: the query parameter `limit`, and opaque cursors."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from tarmac.requests.validation import InvalidRequest, Issue

MAX_LIMIT = 100

_LIMIT = re.compile(r"[1-9][0-9]{0,2}")

T = TypeVar("T")


def read_limit(text: str | None, default: int) -> int:
    """Return the number of items that a page may have, from 1 to MAX_LIMIT. Raises InvalidRequest."""
    if text is None:
        return default
    if not _LIMIT.fullmatch(text) or int(text) > MAX_LIMIT:
        raise InvalidRequest([Issue("custom", ("limit",), f"Expected a whole number from 1 to {MAX_LIMIT}")])
    return int(text)


def to_cursor(*parts: Any) -> str:
    """Return the parts as a text that `read_cursor` reads: JSON in Base64, safe in a URL."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode()


def read_cursor(cursor: str, read: Callable[..., T]) -> T:
    """Return `read(*parts)` for a cursor of `to_cursor`. Raises InvalidRequest where it is not one of this list.

    read: raises ValueError, TypeError or AttributeError for parts that are not those of its list.
    """
    try:
        parts = json.loads(base64.b64decode(cursor.encode("ascii"), b"-_", validate=True))
        if not isinstance(parts, list):
            raise ValueError
        return read(*parts)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise InvalidRequest([Issue("custom", ("cursor",), "Not a cursor of this list")]) from None
