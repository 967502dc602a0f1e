"""A world for steps: `Effects` over the fakes, and the state machine's steps without its waits."""

from __future__ import annotations

from dataclasses import dataclass, field

from tarmac.characters.create_records import CreateRecordStore
from tarmac.characters.owner_store import OwnerStore
from tarmac.clock import Clock
from tarmac.http.clients import ClientStore
from tarmac.idempotency import IdempotencyStore
from tarmac.inbox.batch_store import BatchStore
from tarmac.inbox.consumed_uploads import ConsumedUploadStore
from tarmac.inbox.pairs import PairStore
from tarmac.media.upload_store import UploadStore
from tarmac.runway.flavors import RUNWAY, Flavor
from tarmac.sessions.client_token_store import ClientTokenStore
from tarmac.sessions.store import SessionStore
from tarmac.tasks.store import TaskStore
from tests.fakes.aws import MemoryExecutions, MemoryObjects, MemoryTable, MemoryTopic
from tests.fakes.characters import FakeCharacters
from tests.fakes.runway import FakeDownloads, FakeRunway
from tests.fakes.sessions import FakeRunwaySessions
from tests.fakes.webhooks import FakeWebhookSender, MemoryQueue


class ManualClock(Clock):
    """A clock whose time passes only by `sleep` and `advance`."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        super().__init__(scale=1.0)
        self._now = start

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds

    advance = sleep


@dataclass
class World:
    """Effects in memory. Ids count up, chance is 0: every run is the same run."""

    clock: ManualClock = field(default_factory=ManualClock)
    table: MemoryTable = field(default_factory=MemoryTable)
    uploads: MemoryObjects = field(default_factory=lambda: MemoryObjects("uploads"))
    input_buckets: dict[str, MemoryObjects] = field(default_factory=dict)
    archive: MemoryObjects = field(default_factory=lambda: MemoryObjects("archive"))
    topic: MemoryTopic = field(default_factory=MemoryTopic)
    executions: MemoryExecutions = field(default_factory=MemoryExecutions)
    session_executions: MemoryExecutions = field(default_factory=MemoryExecutions)
    flavor: Flavor = RUNWAY
    runway: FakeRunway = field(default_factory=FakeRunway)
    characters: FakeCharacters = field(default_factory=FakeCharacters)
    runway_sessions: FakeRunwaySessions = field(init=False)
    downloads: FakeDownloads = field(default_factory=FakeDownloads)
    webhook_queue: MemoryQueue = field(default_factory=MemoryQueue)
    batch_queue: MemoryQueue = field(default_factory=MemoryQueue)
    webhook_sender: FakeWebhookSender = field(default_factory=FakeWebhookSender)
    ids: int = 0
    key_problem: Exception | None = None

    def __post_init__(self) -> None:
        self.runway_sessions = FakeRunwaySessions(self.clock)

    @property
    def tasks(self) -> TaskStore:
        return TaskStore(self.table, self.clock)

    @property
    def sessions(self) -> SessionStore:
        return SessionStore(self.table, self.clock)

    @property
    def batches(self) -> BatchStore:
        return BatchStore(self.table, self.clock, self.chance)

    @property
    def idempotency(self) -> IdempotencyStore:
        return IdempotencyStore(self.table)

    @property
    def upload_slots(self) -> UploadStore:
        return UploadStore(self.table)

    @property
    def owners(self) -> OwnerStore:
        return OwnerStore(self.table)

    @property
    def create_records(self) -> CreateRecordStore:
        return CreateRecordStore(self.table)

    @property
    def client_tokens(self) -> ClientTokenStore:
        return ClientTokenStore(self.table)

    @property
    def pairs(self) -> PairStore:
        return PairStore(self.table)

    @property
    def consumed_uploads(self) -> ConsumedUploadStore:
        return ConsumedUploadStore(self.table)

    @property
    def clients(self) -> ClientStore:
        return ClientStore(self.table)

    def runway_key(self, fresh: bool = False) -> str:
        if self.key_problem:
            raise self.key_problem
        return "key_of_the_fake_runway"

    def signing_root(self) -> str:
        return "r" * 64

    def chance(self) -> float:
        return 0.0

    def new_id(self) -> str:
        self.ids += 1
        return f"00000000-0000-4000-8000-{self.ids:012d}"

    def new_token(self) -> str:
        self.ids += 1
        return f"token-{self.ids:037d}"

    def input_bucket(self, name: str) -> MemoryObjects | None:
        own = {bucket.bucket: bucket for bucket in (self.uploads, self.archive)}
        return (own | self.input_buckets).get(name)
