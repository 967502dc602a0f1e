"""Runs several reads concurrently while a caller waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 8
"""Enough to read a page of 100 items within seconds, and few enough for Runway's rate limits."""

A = TypeVar("A")
B = TypeVar("B")


def together(read: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """The results of `read` for all items, in their order. Raises the error of the first item that fails."""
    items = list(items)
    if len(items) < 2:
        return [read(item) for item in items]
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
        return list(pool.map(read, items))
