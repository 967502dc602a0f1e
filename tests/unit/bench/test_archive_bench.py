"""Both implementations of the archive benchmark copy the whole output."""

from __future__ import annotations

from bench.archive import compare, row
from bench.stub import world

SIZE = 20_000_000
"""Large enough for boto3 to upload in parts."""


def test_both_implementations_copy() -> None:
    with world() as server:
        usual, ours = compare(SIZE, server, runs=1)
    assert all(copy.cpu_seconds > 0 for copy in (*usual, *ours))
    assert row("20 MB", SIZE, usual, ours).startswith("20 MB")
