"""Pieces that rows of several features share: outputs, notice state, due shards, compare-and-set errors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tarmac.ports import Table

SWEEP_GRACE_SECONDS = 120.0
"""How late a step may be before the sweeper looks after its task."""


class TransitionRefused(Exception):
    """The row does not stand where the move starts: somebody else was here first."""


class Contended(Exception):
    """Others kept changing the row: the caller's own retry is the way on."""


def due_keys(table: Table, now: float) -> list[str]:
    """Partition keys of all rows, of any kind, that should have moved by now, oldest first within each shard."""
    keys: list[str] = []
    for shard in range(DUE_SHARDS):
        keys += [row["pk"] for row in table.query("due", f"due#{shard}", up_to=now).rows]
    return keys


DUE_SHARDS = 16
"""Partitions of the `due` index: sixteen spread the writes of a busy table and are still cheap to sweep."""


class NoticeState(StrEnum):
    """The outbox of a task: PENDING is written together with the ending, SENT once SNS has taken the notice."""

    NONE = "NONE"
    PENDING = "PENDING"
    SENT = "SENT"


@dataclass(frozen=True, slots=True)
class Output:
    """One archived file."""

    bucket: str
    key: str
    size_bytes: int
    sha256: str
    content_type: str
    node: str | None = None
    """The node of a workflow that has made it."""


def due_shard(task_id: str) -> str:
    return f"due#{hashlib.sha256(task_id.encode()).digest()[0] % DUE_SHARDS}"


def _output_to_row(output: Output) -> dict[str, Any]:
    row = {
        "bucket": output.bucket,
        "key": output.key,
        "bytes": output.size_bytes,
        "sha256": output.sha256,
        "contentType": output.content_type,
        "node": output.node,
    }
    return {name: value for name, value in row.items() if value is not None}


def _output_from_row(row: Mapping[str, Any]) -> Output:
    return Output(row["bucket"], row["key"], row["bytes"], row["sha256"], row["contentType"], row.get("node"))


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
