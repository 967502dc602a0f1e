"""The bench compares two ways that copy: both bring the whole output, the usual one in parts where it is large."""

from __future__ import annotations

from bench.archive import compare, row
from bench.stub import world

SIZE = 20_000_000
"""Enough for a multipart upload of boto3's."""


def test_both_copy() -> None:
    with world() as server:
        usual, ours = compare(SIZE, server, runs=1)
    assert all(copy.cpu_seconds > 0 for copy in (*usual, *ours))
    assert row("20 MB", SIZE, usual, ours).startswith("20 MB")
