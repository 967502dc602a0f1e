"""Waiting with a deadline, and with a message that says what was waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

PATIENCE_SECONDS = 90.0
"""Far more than anything here takes: it ends a test that would hang, and says nothing about speed."""


def eventually(
    look: Callable[[], T], holds: Callable[[T], bool], what: str, patience_seconds: float = PATIENCE_SECONDS
) -> T:
    """The first look that holds. Fails with what was seen last."""
    deadline = time.monotonic() + patience_seconds
    seen = look()
    while not holds(seen):
        if time.monotonic() >= deadline:
            pytest.fail(f"waited {patience_seconds:.0f} s for {what}; last seen: {seen!r}", pytrace=False)
        time.sleep(0.05)
        seen = look()
    return seen
