"""The state after a storm: the table, the ledger, the notices and the archive, and whether they agree."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tarmac.rows import NoticeState
from tarmac.tasks.task import State, Task
from tests.storm.rig import Rig


@dataclass(frozen=True)
class Books:
    """Everything visible from outside once nothing is under way. `paid`: ledger entries by seed."""

    tasks: Mapping[str, Task]
    seeds: Mapping[str, int]
    creates: list[dict[str, Any]]
    notices: list[dict[str, Any]]

    @classmethod
    def of(cls, rig: Rig, notices: Iterable[dict[str, Any]] = ()) -> Books:
        """`notices`: those that were taken off the queue before."""
        rows = rig.rows()
        return cls(rig.tasks(), _seeds(rows), rig.creates(), [*notices, *rig.notices()])

    @property
    def paid(self) -> Counter[int]:
        """Creates by seed."""
        return Counter(entry["body"]["seed"] for entry in self.creates)

    @property
    def accepted(self) -> Counter[int]:
        """Tasks by seed."""
        return Counter(self.seeds.values())

    @property
    def endings(self) -> Counter[str]:
        return Counter(task.state.value for task in self.tasks.values())


def problems(books: Books, rig: Rig, known_ids: Iterable[str]) -> list[str]:
    """Return a sentence for each violated guarantee. known_ids: the ids that clients received."""
    return [
        *(f"{task_id} was returned to a client and has no row" for task_id in set(known_ids) - set(books.tasks)),
        *_payments(books),
        *_endings(books),
        *_announcements(books),
        *_archive(books, rig),
    ]


def _payments(books: Books) -> Iterable[str]:
    allowed: Counter[int] = Counter()
    for task_id, task in books.tasks.items():
        # MaxAmbiguousRetries is 0: only a failure of Runway's own may be bought again, and the row counts that.
        allowed[books.seeds[task_id]] += 1 + task.failure_retries
    for seed, paid in books.paid.items():
        if paid > allowed[seed]:
            yield f"seed {seed} was paid {paid} times for {books.accepted[seed]} accepted tasks"
    billed = {entry["id"] for entry in books.creates}
    bound = Counter(task.upstream_id for task in books.tasks.values() if task.upstream_id)
    for upstream_id, times in bound.items():
        if times > 1:
            yield f"Runway's {upstream_id} is bound to {times} tasks"
        if upstream_id not in billed:
            yield f"Runway's {upstream_id} is bound, and not in the ledger"


def _endings(books: Books) -> Iterable[str]:
    for task in books.tasks.values():
        if not task.state.is_terminal or task.ended_at is None:
            yield f"{task.id} is {task.state}"
        elif task.notice_state is not NoticeState.SENT:
            yield f"{task.id} is {task.state}, its notice {task.notice_state}"


def _announcements(books: Books) -> Iterable[str]:
    by_event: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for notice in books.notices:
        by_event[notice["eventId"]].append(notice)
    for task in books.tasks.values():
        copies = by_event.pop(task.event_id, [])
        if not copies:
            yield f"{task.id} has ended as {task.state} and was never announced"
        elif any(copy != copies[0] for copy in copies):
            yield f"{task.id} was announced {len(copies)} times in different words"
        elif copies[0]["status"] != task.state:
            yield f"{task.id} has ended as {task.state} and was announced as {copies[0]['status']}"
    for event_id, copies in by_event.items():
        if copies[0]["type"] != "upload.rejected":
            yield f"{event_id} was announced and belongs to no task"
        elif any(copy != copies[0] for copy in copies):
            yield f"{event_id} was announced {len(copies)} times in different words"


def _archive(books: Books, rig: Rig) -> Iterable[str]:
    ids = set(books.tasks)
    for key in rig.archive_keys():
        if key.split("/")[-2] not in ids:
            yield f"{key} is in the archive and belongs to no task"
    for task in books.tasks.values():
        if task.state is not State.SUCCEEDED:
            continue
        if not task.outputs:
            yield f"{task.id} has succeeded without an output"
        for output in task.outputs:
            try:
                content = rig.archived(output.key)
            except ClientError as error:
                yield f"{output.key}: {error.response['Error']['Code']}"
                continue
            if (len(content), hashlib.sha256(content).hexdigest()) != (output.size_bytes, output.sha256):
                yield f"{output.key} is not the file that its row describes"


def _seeds(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Task id → seed, from the accepted requests."""
    return {
        row["pk"].removeprefix("task#"): json.loads(row["body"])["body"]["seed"]
        for row in rows
        if row["sk"].startswith("request#")
    }
