"""The state of one simulator: tasks, the account's library, uploads, faults and the ledger. No HTTP."""

from __future__ import annotations

import secrets
import tempfile
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from local.simulator.concurrency import ModelQueue
from local.simulator.config import DAY_SECONDS, Config
from local.simulator.directives import Directives
from local.simulator.faults import Faults
from local.simulator.library import new_library
from local.simulator.outputs import Links
from local.simulator.rendering import Clip, Studio
from local.simulator.storage import Storage
from local.simulator.tasks import PENDING_SECONDS, Task, billed_at, iso, run_seconds, status_at
from local.simulator.uploads import Upload, new_upload

REQUESTS_REMEMBERED: Final = 20_000


@dataclass(slots=True)
class LoggedRequest:
    """One request in the log; status is None without a response."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    status: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "at": iso(self.at),
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "status": self.status,
        }


@dataclass(slots=True)
class Visit:
    """One WebSocket connection to /rtc. token: its access token; session_id: the token's session, None if unknown."""

    at: float
    path: str
    token: str | None
    session_id: str | None
    open: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "at": iso(self.at),
            "path": self.path,
            "token": self.token,
            "sessionId": self.session_id,
            "open": self.open,
        }


class Simulator:
    """The state behind the endpoints. Call its methods only on the event loop's thread."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        if config.state_dir is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="runway-simulator-")
        self.storage = Storage(config.state_dir or Path(self._scratch.name if self._scratch else ""))
        self.studio = Studio(self.storage)
        self.secret = secrets.token_bytes(32)
        self.started_at = config.clock()
        self.reset()

    def reset(self) -> None:
        """Delete all state except files and the secret of links."""
        self.tasks: dict[str, Task] = {}
        self.library = new_library()
        self.previews: dict[str, Clip] = {}
        self.visits: list[Visit] = []
        self.uploads: dict[str, Upload] = {}
        self.faults = Faults()
        self.requests: deque[LoggedRequest] = deque(maxlen=REQUESTS_REMEMBERED)
        self.paused = False
        self._credits_at_most = 0
        self._queues: defaultdict[str, ModelQueue] = defaultdict(lambda: ModelQueue(self.config.concurrency))

    def close(self) -> None:
        """Stop the threads and delete temporary files."""
        self.studio.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def now(self) -> float:
        return self.config.clock()

    @property
    def links(self) -> Links:
        return Links(self.secret)

    # Tasks

    def accept(  # noqa: PLR0913, PLR0917 - all that a generation consists of
        self,
        path: str,
        model: str,
        credits: int,
        body_sha256: str,
        scenario: Directives,
        clip: Clip,
        kinds: Sequence[str] = ("mp4",),
        nodes: Sequence[str] = (),
        *,
        unseen_seconds: float | None = None,
    ) -> Task:
        """Accept a generation; from here on Runway bills it.

        unseen_seconds: how long CometAPI answers "not found" at first, None for a task of Runway itself.
        """
        task_id = str(uuid.uuid4())
        scale = self.config.time_scale
        run = run_seconds(model, task_id) if scenario.seconds is None else scenario.seconds
        task = Task(
            id=task_id,
            path=path,
            model=model,
            credits=credits,
            created_at=self.now(),
            body_sha256=body_sha256,
            scenario=scenario,
            clip=clip,
            pending_seconds=(PENDING_SECONDS if scenario.pending is None else scenario.pending) * scale,
            throttled_seconds=(scenario.throttled or 0.0) * scale,
            run_seconds=run * scale,
            kinds=list(kinds),
            nodes=list(nodes),
            visible_at=None if unseen_seconds is None else self.now() + unseen_seconds * scale,
        )
        self._register(task)
        return task

    def restore_tasks(self, tasks: Iterable[Task], saved_at: float) -> None:
        """Add the tasks from before a restart, in their order. Tasks that waited at saved_at start after it."""
        for task in tasks:
            if task.model not in self._queues:
                self._queues[task.model].catch_up(saved_at)
            self._register(task)

    def _register(self, task: Task) -> None:
        self.tasks[task.id] = task
        self._credits_at_most += task.credits
        if task.deleted_at is None:
            self._queues[task.model].join(task)

    def find(self, task_id: str) -> Task | None:
        """The task as it is now; None if it does not exist or has been deleted."""
        task = self.tasks.get(task_id)
        if task is None or task.deleted_at is not None:
            return None
        self._queues[task.model].catch_up(self.now())
        return task

    def delete(self, task_id: str) -> bool:
        """Cancel or delete a task; False if it does not exist."""
        task = self.find(task_id)
        if task is None:
            return False
        task.deleted_at = self.now()
        self._queues[task.model].leave(task)
        return True

    # Uploads

    def open_upload(self, filename: str) -> Upload:
        upload = new_upload(filename, self.now())
        self.uploads[upload.token] = upload
        return upload

    def uploaded(self, uri: str) -> Upload | None:
        """The usable upload behind a runway:// URI: issued here, filled, not expired."""
        upload = self.uploads.get(uri.removeprefix("runway://"))
        if upload is None or upload.sha256 is None or not upload.usable(self.now()):
            return None
        return upload

    # The account

    def created_today(self, model: str) -> int:
        """The number of creates of this model in the last 24 hours."""
        since = self.now() - DAY_SECONDS
        return sum(task.model == model and task.created_at > since for task in self.tasks.values())

    def affords(self, credits: int) -> bool:
        """Whether the balance covers another create. Computes refunds only if they could matter."""
        at_least_left = self.config.credit_balance - self._credits_at_most
        return at_least_left >= credits or self.credits_left() >= credits

    def credits_left(self) -> int:
        now = self.caught_up()
        return self.config.credit_balance - sum(billed_at(task, now) for task in self.tasks.values())

    def daily_credits(self) -> Iterator[tuple[str, str, int]]:
        """Yields (date, model, credits billed), ordered by date."""
        now = self.caught_up()
        sums: Counter[tuple[str, str]] = Counter()
        for task in self.tasks.values():
            day = datetime.fromtimestamp(task.created_at, UTC).date().isoformat()
            sums[day, task.model] += billed_at(task, now)
        for (day, model), amount in sorted(sums.items()):
            yield day, model, amount

    def ledger(self) -> dict[str, Any]:
        """Every accepted create in order, also those whose response was lost.

        credits is the price at the create, billed the current charge (0 after a refund).
        """
        now = self.caught_up()
        creates = [
            {
                "id": task.id,
                "path": task.path,
                "model": task.model,
                "credits": task.credits,
                "billed": billed_at(task, now),
                "createdAt": iso(task.created_at),
                "deletedAt": None if task.deleted_at is None else iso(task.deleted_at),
                "bodySha256": task.body_sha256,
                "status": status_at(task, now).value,
            }
            for task in self.tasks.values()
        ]
        totals = {
            "creates": len(creates),
            "credits": sum(task.credits for task in self.tasks.values()),
            "billed": sum(billed_at(task, now) for task in self.tasks.values()),
            "byStatus": Counter(status_at(task, now).value for task in self.tasks.values()),
        }
        return {"creates": creates, "totals": totals}

    def caught_up(self) -> float:
        """Update the start of every task; returns the current time."""
        now = self.now()
        for queue in self._queues.values():
            queue.catch_up(now)
        return now
