"""Limits and cursors of lists."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.requests.paging import MAX_LIMIT, read_cursor, read_limit, to_cursor
from tarmac.requests.validation import InvalidRequest
from tests.fakes.samples import issues_of


def test_a_limit_is_a_whole_number_in_range() -> None:
    assert [read_limit(text, 50) for text in (None, "1", "100")] == [50, 1, MAX_LIMIT]
    for text in ("", "0", "101", "1000", "-1", "1.0", "01", " 1", "²", "١"):
        [issue] = issues_of(read_limit, text, 50)
        assert issue.path == ("limit",)


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text(), max_size=4))
def test_a_cursor_is_read_as_it_was_written(parts: list[Any]) -> None:
    cursor = to_cursor(*parts)
    assert read_cursor(cursor, lambda *read: list(read)) == parts
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


def test_a_cursor_of_an_earlier_release_is_read() -> None:
    """Cursors of tasks had spaces in their JSON."""
    cursor = base64.urlsafe_b64encode(json.dumps(["task#a", "2026#a"]).encode()).decode()
    assert read_cursor(cursor, lambda pk, key: (pk, key)) == ("task#a", "2026#a")


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "%%%%", "é", "bnVsbA==", "e30=", "W10", "WzFd\n", "WzFd!", to_cursor(1), to_cursor(1, 2, 3)),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)
def test_any_other_text_is_not_a_cursor(cursor: str) -> None:
    [issue] = issues_of(read_cursor, cursor, lambda one, two: (one, two))
    assert issue.path == ("cursor",)


@given(st.text())
def test_no_text_makes_reading_fail(cursor: str) -> None:
    try:
        read_cursor(cursor, lambda one, two: (one, two))
    except InvalidRequest:
        assert issues_of(read_cursor, cursor, lambda one, two: (one, two))
