"""Waiting with a deadline, and with a message that names what was awaited."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

PATIENCE_SECONDS = 90.0
"""Far more than anything here takes: it ends a test that would hang, and does not measure speed."""


def eventually(
    read: Callable[[], T], holds: Callable[[T], bool], what: str, patience_seconds: float = PATIENCE_SECONDS
) -> T:
    """Return the first read for which `holds` is true. Fails with the last read."""
    deadline = time.monotonic() + patience_seconds
    seen = read()
    while not holds(seen):
        if time.monotonic() >= deadline:
            pytest.fail(f"waited {patience_seconds:.0f} s for {what}; last seen: {seen!r}", pytrace=False)
        time.sleep(0.05)
        seen = read()
    return seen
