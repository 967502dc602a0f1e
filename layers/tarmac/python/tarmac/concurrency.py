"""Several reads at once, where one after the other would outlast a caller's patience."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 8
"""Enough to read a page of a hundred in seconds, and few enough for Runway."""

A = TypeVar("A")
B = TypeVar("B")


def together(read: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """`read` of each, in their order. Raises what the first of them raises."""
    items = list(items)
    if len(items) < 2:
        return [read(item) for item in items]
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as pool:
        return list(pool.map(read, items))
