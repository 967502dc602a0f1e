"""The effects that steps may use: clock, randomness, table, stores, buckets, queues, executions, Runway.

Steps take `Effects` as a parameter. Lambda functions pass `AwsEffects`, tests pass fakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # For types only: features import this module, so it must not import them at run time.
    from tarmac.characters.create_records import CreateRecordStore
    from tarmac.characters.owner_store import OwnerStore
    from tarmac.clock import Clock
    from tarmac.http.clients import ClientStore
    from tarmac.idempotency import IdempotencyStore
    from tarmac.inbox.batch_store import BatchStore
    from tarmac.inbox.consumed_uploads import ConsumedUploadStore
    from tarmac.inbox.pairs import PairStore
    from tarmac.media.downloads import Downloads
    from tarmac.media.upload_store import UploadStore
    from tarmac.ports import Executions, Objects, Queue, Table, Topic
    from tarmac.runway.flavors import Flavor
    from tarmac.runway.ports import Characters, Runway, RunwaySessions
    from tarmac.sessions.client_token_store import ClientTokenStore
    from tarmac.sessions.store import SessionStore
    from tarmac.tasks.store import TaskStore
    from tarmac.webhooks.sender import WebhookSender


class Effects(Protocol):
    """The effects of a step. A test checks that each function has the settings of the effects that it uses."""

    @property
    def clock(self) -> Clock: ...
    @property
    def table(self) -> Table: ...

    # Stores, all over the table
    @property
    def tasks(self) -> TaskStore: ...
    @property
    def idempotency(self) -> IdempotencyStore: ...
    @property
    def upload_slots(self) -> UploadStore: ...
    @property
    def owners(self) -> OwnerStore: ...
    @property
    def create_records(self) -> CreateRecordStore: ...
    @property
    def sessions(self) -> SessionStore: ...
    @property
    def client_tokens(self) -> ClientTokenStore: ...
    @property
    def batches(self) -> BatchStore: ...
    @property
    def pairs(self) -> PairStore: ...
    @property
    def consumed_uploads(self) -> ConsumedUploadStore: ...
    @property
    def clients(self) -> ClientStore: ...

    # Other services of AWS
    @property
    def uploads(self) -> Objects: ...
    @property
    def archive(self) -> Objects: ...
    @property
    def topic(self) -> Topic: ...
    @property
    def executions(self) -> Executions: ...
    @property
    def session_executions(self) -> Executions: ...
    @property
    def webhook_queue(self) -> Queue: ...
    @property
    def batch_queue(self) -> Queue: ...
    def input_bucket(self, name: str) -> Objects | None:
        """Return the bucket with this name to read inputs from, or None.

        Allowed are the upload bucket, the archive and the input buckets that the operator has configured.
        """

    def signing_root(self) -> str:
        """Return the secret text that the signing keys of webhooks and client tokens are derived from."""

    # The upstream, and other hosts
    @property
    def flavor(self) -> Flavor:
        """The API flavor of `runway`: Runway itself, or a compatible provider."""

    @property
    def runway(self) -> Runway: ...
    @property
    def characters(self) -> Characters: ...
    @property
    def runway_sessions(self) -> RunwaySessions: ...
    @property
    def downloads(self) -> Downloads: ...
    @property
    def webhook_sender(self) -> WebhookSender: ...

    # Randomness
    def chance(self) -> float:
        """Return a random number, 0 ≤ x < 1, for jitter."""

    def new_id(self) -> str:
        """Return a new UUID (version 4, as Runway's ids)."""

    def new_token(self) -> str:
        """Return an unguessable token: 256 random bits in 43 characters, safe in a URL."""
