"""`Effects` in memory, each call an effect point: the ports of tests/fakes, watched by the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from tarmac.idempotency import IdempotencyStore
from tarmac.media.downloads import Download, LinkExpired
from tarmac.ports import (
    AlreadyThere,
    ConditionFailed,
    ExecutionNameTaken,
    Page,
    Put,
    ReadStream,
    Row,
    StoredObject,
    UploadForm,
)
from tarmac.rows import DUE
from tarmac.runway.errors import UpstreamGone
from tarmac.runway.flavors import RUNWAY
from tarmac.runway.ports import Created, UpstreamTask
from tarmac.tasks.store import TaskStore
from tests.fakes.aws import MemoryObjects, MemoryTable
from tests.faults.scheduler import ScheduledClock
from tests.faults.upstream import LINKS_LIVE_SECONDS, Generation, stream

if TYPE_CHECKING:
    from tests.faults.run import Run


class RowsInMemory(MemoryTable):
    """Rows are neither copied in nor deeply out, for speed: `to_row` makes each afresh and nothing changes one."""

    def get(self, pk: str, sk: str) -> Row | None:
        return self.rows.get((pk, sk))

    def write(self, *puts: Put) -> None:
        for put in puts:
            self.check(put)
        for put in puts:
            self.rows[put.row["pk"], put.row["sk"]] = put.row

    def check(self, put: Put) -> None:
        """The condition of one put. Raises ConditionFailed."""
        held = self.rows.get((put.row["pk"], put.row["sk"]))
        if (None if held is None else held["version"]) != put.over:
            raise ConditionFailed

    def next_due(self) -> float | None:
        return min((row["nextCheckAt"] for row in self.rows.values() if "due" in row), default=None)


class WatchedTable:
    def __init__(self, run: Run) -> None:
        self._run = run
        self.memory = RowsInMemory()

    def get(self, pk: str, sk: str) -> Row | None:
        return self._run.effect("table.get", sk, lambda: self.memory.get(pk, sk))

    def write(self, *puts: Put) -> None:
        row = puts[0].row
        self._run.effect(
            "table.write" if len(puts) == 1 else "table.transact",
            f"{row.get('state')} v{row['version']}" + (f" notice {row['noticeState']}" if "endedAt" in row else ""),
            lambda: self._write(puts),
        )

    def _write(self, puts: tuple[Put, ...]) -> None:
        self.memory.write(*puts)
        run = self._run
        for put in puts:
            if put.row["sk"] == "task":
                run.ledger.wrote(put.row, run.scheduler.current, run.scheduler.now)
            elif put.row["sk"] == "idempotency":
                run.ledger.keyed(put.row)

    def delete(self, pk: str, sk: str) -> None:
        self._run.effect("table.write", "delete", lambda: self.memory.delete(pk, sk))

    def query(
        self,
        index: str,
        partition: str,
        *,
        up_to: float | str | None = None,
        descending: bool = False,
        limit: int = 100,
        start: Row | None = None,
    ) -> Page:
        if index == "due" and partition not in {DUE.shard_of(task_id) for task_id in self._run.ledger.rows}:
            # A shard that holds no task: nothing depends on this result.
            return Page([], None)
        return self._run.effect(
            "table.query",
            index,
            lambda: self.memory.query(index, partition, up_to=up_to, descending=descending, limit=limit, start=start),
        )


class WatchedObjects:
    """One bucket. Like S3, it stores what the stream gives; only the stream knows whether that is complete."""

    def __init__(self, run: Run, bucket: str) -> None:
        self._run = run
        self.bucket = bucket
        self.memory = MemoryObjects(bucket)

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        return self._run.effect("objects.head", key, lambda: self.memory.head(key, version_id))

    def open(
        self, key: str, version_id: str | None = None, *, etag: str | None = None, span: tuple[int, int] | None = None
    ) -> ReadStream:
        return self._run.effect("objects.open", key, lambda: self.memory.open(key, version_id, etag=etag, span=span))

    def put(self, key: str, content: bytes, content_type: str) -> None:
        self._run.effect("objects.put", key, lambda: self.memory.put(key, content, content_type))

    def put_new(
        self, key: str, content: ReadStream, size_bytes: int | None, content_type: str, metadata: Mapping[str, str]
    ) -> None:
        self._run.effect("objects.put_new", key, lambda: self._put_new(key, content, content_type, metadata))

    def _put_new(self, key: str, content: ReadStream, content_type: str, metadata: Mapping[str, str]) -> None:
        self.check_new(key)
        self.memory.put_new(key, content, None, content_type, metadata)
        self._run.ledger.stored(key, self.memory.objects[key][0])

    def check_new(self, key: str) -> None:
        """`If-None-Match: *`. Raises AlreadyThere."""
        if key in self.memory.objects:
            raise AlreadyThere(key)

    def delete(self, key: str) -> None:
        self._run.effect("objects.delete", key, lambda: self.memory.delete(key))

    def tags(self, key: str, version_id: str | None = None) -> Mapping[str, str]:
        return self._run.effect("objects.tags", key, lambda: self.memory.tags(key, version_id))

    def set_tags(self, key: str, tags: Mapping[str, str], version_id: str | None = None) -> None:
        self._run.effect("objects.set_tags", key, lambda: self.memory.set_tags(key, tags, version_id))

    def replace(self, key: str, content: bytes, content_type: str, over: str | None) -> None:
        raise NotImplementedError("no step of a task's life writes over an object")

    def link(self, key: str, seconds: int, version_id: str | None = None) -> str:
        return self.memory.link(key, seconds, version_id)

    def upload_form(self, key: str, content_type: str, smallest: int, largest: int, seconds: int) -> UploadForm:
        raise NotImplementedError("no step of a task's life asks for a form")


class WatchedTopic:
    def __init__(self, run: Run) -> None:
        self._run = run

    def publish(self, message: str, attributes: Mapping[str, str]) -> None:
        self._run.effect("topic.publish", attributes["type"], lambda: self._run.ledger.published(message))


class WatchedQueue:
    """Webhooks to deliver. Delivery has tests of its own."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def send(self, message: str) -> None:
        self._run.effect("webhooks.send", "", lambda: self._run.ledger.queued(message))

    def send_all(self, messages: Sequence[str]) -> None:
        raise NotImplementedError("no step of a task's life sends several")

    def postpone(self, receipt: str, seconds: int) -> None:
        raise NotImplementedError("no step of a task's life receives a message from the queue")


class WatchedExecutions:
    def __init__(self, run: Run) -> None:
        self._run = run
        self.names: set[str] = set()
        self.running: set[str] = set()

    def start(self, name: str, execution_input: str) -> None:
        self._run.effect("executions.start", name, lambda: self._start(name, execution_input))

    def _start(self, name: str, execution_input: str) -> None:
        if name in self.names:
            raise ExecutionNameTaken(name)
        self._run.ledger.starting(execution_input)
        self.names.add(name)
        self._run.begin_execution(name, execution_input)

    def is_running(self, name: str) -> bool:
        return self._run.effect("executions.is_running", name, lambda: name in self.running)


class WatchedRunway:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._uploads = 0

    def create(self, operation: str, body: Mapping[str, Any]) -> Created:
        run = self._run
        actor = run.scheduler.current
        created = run.effect("runway.create", operation, self._create)
        actor.received.add(created.upstream_id)
        return created

    def _create(self) -> Created:
        run = self._run
        ledger, now = run.ledger, run.scheduler.now
        token = ledger.sending(run.scheduler.current)
        number = len(ledger.generations)
        lives = run.scenario.lives
        life = lives[min(number, len(lives) - 1)]
        generation = Generation(f"generation-{number + 1}", ledger.claims[token].task_id, token, life, now)
        ledger.created(generation)
        return Created(generation.id, 25.0)

    def task(self, upstream_id: str) -> UpstreamTask:
        return self._run.effect("runway.task", upstream_id, lambda: self._task(upstream_id))

    def _task(self, upstream_id: str) -> UpstreamTask:
        run = self._run
        generation = run.ledger.generations[upstream_id]
        if generation.is_deleted:
            raise UpstreamGone("HTTP 404")
        if generation.is_active(run.scheduler.now):
            run.scheduler.current.polled.add(upstream_id)
        return generation.view(run.scheduler.now)

    def cancel(self, upstream_id: str) -> None:
        # The request counts even if the response says that nothing was done.
        self._run.ledger.generations[upstream_id].cancel_was_asked = True
        self._run.effect("runway.cancel", upstream_id, lambda: self._cancel(upstream_id))

    def _cancel(self, upstream_id: str) -> None:
        run = self._run
        run.ledger.deleting(upstream_id, run.scheduler.current, run.scheduler.now)
        run.ledger.generations[upstream_id].is_deleted = True

    def organization(self) -> dict[str, Any]:
        raise NotImplementedError("no step of a task's life asks for the account")

    def organization_usage(self, span: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError("no step of a task's life asks for the account")

    def relay(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        raise NotImplementedError("no step of a task's life relays a call")

    def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
        return self._run.effect("runway.upload", filename, lambda: self._upload(content))

    def _upload(self, content: BinaryIO) -> str:
        content.read()
        self._uploads += 1
        return f"runway://upload-{self._uploads}"


class WatchedDownloads:
    def __init__(self, run: Run) -> None:
        self._run = run

    @contextmanager
    def open(self, url: str) -> Iterator[Download]:
        run = self._run
        place, _, issued_at = url.removeprefix("https://runway.example/").partition("?at=")
        upstream_id, _, number = place.partition("/")
        cut = run.effect("downloads.open", place, lambda: None, cuts=True)
        generation = run.ledger.generations[upstream_id]
        if generation.is_deleted or run.scheduler.now - float(issued_at) > LINKS_LIVE_SECONDS:
            raise LinkExpired("HTTP 403")
        content = generation.content(int(number))
        yield Download(stream(content, bool(cut)), len(content))


class WatchedEffects:
    """`tarmac.effects.Effects`. Ids count up and nothing is random: the same choices make the same run."""

    def __init__(self, run: Run) -> None:
        self._ids = 0
        self.clock = ScheduledClock(run.scheduler)
        self.table = WatchedTable(run)
        self.tasks = TaskStore(self.table, self.clock)
        self.uploads = WatchedObjects(run, "uploads")
        self.archive = WatchedObjects(run, "archive")
        self.topic = WatchedTopic(run)
        self.executions = WatchedExecutions(run)
        self.flavor = RUNWAY
        self.runway = WatchedRunway(run)
        self.downloads = WatchedDownloads(run)
        self.webhook_queue = WatchedQueue(run)
        self.idempotency = IdempotencyStore(self.table)

    def __getattr__(self, name: str) -> NoReturn:
        raise NotImplementedError(f"no step of a task's life uses {name}")

    def input_bucket(self, name: str) -> WatchedObjects | None:
        return {"uploads": self.uploads, "archive": self.archive}.get(name)

    def new_token(self) -> str:
        return self.new_id()

    def chance(self) -> float:
        return 0.0

    def new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012d}"
