"""The effects on AWS, created from a function's settings."""

from __future__ import annotations

import random
import secrets
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tarmac.clock import Clock

if TYPE_CHECKING:
    from tarmac.aws.secrets import SecretKey, SigningRoot
    from tarmac.characters.create_records import CreateRecordStore
    from tarmac.characters.owner_store import OwnerStore
    from tarmac.http.clients import ClientStore
    from tarmac.idempotency import IdempotencyStore
    from tarmac.inbox.batch_store import BatchStore
    from tarmac.inbox.consumed_uploads import ConsumedUploadStore
    from tarmac.inbox.pairs import PairStore
    from tarmac.media.downloads import Downloads
    from tarmac.media.upload_store import UploadStore
    from tarmac.ports import Executions, Objects, Queue, Table, Topic
    from tarmac.runway.connection import RunwayConnection
    from tarmac.runway.flavors import Flavor
    from tarmac.runway.ports import Characters, Runway, RunwaySessions
    from tarmac.sessions.client_token_store import ClientTokenStore
    from tarmac.sessions.store import SessionStore
    from tarmac.tasks.store import TaskStore
    from tarmac.webhooks.sender import WebhookSender


class AwsEffects:
    """The effects on AWS. Each is created at its first use and its module imported then, to keep cold starts short.

    settings: the settings of a function. A test checks that they contain what the function's effects read here.
    """

    def __init__(self, settings: Any, runway_timeout_seconds: float = 60.0) -> None:
        self._settings = settings
        self._runway_timeout_seconds = runway_timeout_seconds
        self.clock = Clock()

    @cached_property
    def table(self) -> Table:
        from tarmac.aws.dynamodb import DynamoTable

        return DynamoTable(self._settings.table_name)

    @cached_property
    def tasks(self) -> TaskStore:
        from tarmac.tasks.store import TaskStore

        return TaskStore(self.table, self.clock)

    @cached_property
    def idempotency(self) -> IdempotencyStore:
        from tarmac.idempotency import IdempotencyStore

        return IdempotencyStore(self.table)

    @cached_property
    def upload_slots(self) -> UploadStore:
        from tarmac.media.upload_store import UploadStore

        return UploadStore(self.table)

    @cached_property
    def owners(self) -> OwnerStore:
        from tarmac.characters.owner_store import OwnerStore

        return OwnerStore(self.table)

    @cached_property
    def create_records(self) -> CreateRecordStore:
        from tarmac.characters.create_records import CreateRecordStore

        return CreateRecordStore(self.table)

    @cached_property
    def sessions(self) -> SessionStore:
        from tarmac.sessions.store import SessionStore

        return SessionStore(self.table, self.clock)

    @cached_property
    def client_tokens(self) -> ClientTokenStore:
        from tarmac.sessions.client_token_store import ClientTokenStore

        return ClientTokenStore(self.table)

    @cached_property
    def batches(self) -> BatchStore:
        from tarmac.inbox.batch_store import BatchStore

        return BatchStore(self.table, self.clock, self.chance)

    @cached_property
    def pairs(self) -> PairStore:
        from tarmac.inbox.pairs import PairStore

        return PairStore(self.table)

    @cached_property
    def consumed_uploads(self) -> ConsumedUploadStore:
        from tarmac.inbox.consumed_uploads import ConsumedUploadStore

        return ConsumedUploadStore(self.table)

    @cached_property
    def clients(self) -> ClientStore:
        from tarmac.http.clients import ClientStore

        return ClientStore(self.table)

    @cached_property
    def uploads(self) -> Objects:
        return _s3_objects(self._settings.upload_bucket)

    @cached_property
    def archive(self) -> Objects:
        return _s3_objects(self._settings.archive_bucket)

    @cached_property
    def topic(self) -> Topic:
        from tarmac.aws.messaging import SnsTopic

        return SnsTopic(self._settings.notice_topic_arn)

    @cached_property
    def executions(self) -> Executions:
        from tarmac.aws.messaging import StateMachineExecutions

        return StateMachineExecutions(self._settings.generation_state_machine_arn)

    @cached_property
    def session_executions(self) -> Executions:
        from tarmac.aws.messaging import StateMachineExecutions

        return StateMachineExecutions(self._settings.session_state_machine_arn)

    @cached_property
    def webhook_queue(self) -> Queue:
        from tarmac.aws.messaging import SqsQueue

        return SqsQueue(self._settings.webhook_queue_url)

    @cached_property
    def batch_queue(self) -> Queue:
        from tarmac.aws.messaging import SqsQueue

        return SqsQueue(self._settings.batch_queue_url)

    def input_bucket(self, name: str) -> Objects | None:
        for own in (self.uploads, self.archive):
            if name == own.bucket:
                return own
        return _s3_objects(name) if name in self._settings.input_buckets else None

    @cached_property
    def _signing_root(self) -> SigningRoot:
        from tarmac.aws.secrets import SigningRoot

        return SigningRoot(self._settings.webhook_secret_arn, self.clock)

    def signing_root(self) -> str:
        return self._signing_root()

    @cached_property
    def runway_key(self) -> SecretKey:
        from tarmac.aws.secrets import SecretKey

        return SecretKey(self._settings.runway_secret_arn, self.clock)

    @cached_property
    def runway_connection(self) -> RunwayConnection:
        from tarmac.runway.connection import RunwayConnection, new_http

        http = new_http(self._runway_timeout_seconds)
        return RunwayConnection(self._settings.runwayml_base_url, self.runway_key, self.clock, http)

    @cached_property
    def flavor(self) -> Flavor:
        from tarmac.runway.flavors import FLAVORS

        return FLAVORS[self._settings.upstream_flavor]

    @cached_property
    def runway(self) -> Runway:
        from tarmac.runway.client import RunwayClient

        return RunwayClient(self.runway_connection, self.flavor)

    @cached_property
    def characters(self) -> Characters:
        from tarmac.runway.characters import RunwayCharacters

        return RunwayCharacters(self.runway_connection)

    @cached_property
    def runway_sessions(self) -> RunwaySessions:
        from tarmac.runway.sessions import RunwaySessionsClient

        return RunwaySessionsClient(self.runway_connection)

    @cached_property
    def downloads(self) -> Downloads:
        from tarmac.media.downloads import Downloader

        return Downloader(self._settings.output_origins)

    @cached_property
    def webhook_sender(self) -> WebhookSender:
        from tarmac.webhooks.sender import HttpWebhookSender

        return HttpWebhookSender(self._settings.webhook_origins)

    def chance(self) -> float:
        return random.random()

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def new_token(self) -> str:
        return secrets.token_urlsafe(32)

    def make_ready(self) -> None:
        """Create the effects of sessions during Lambda's initialization.

        That phase has a whole CPU and is not part of the first caller's wait.
        """
        assert self.table
        assert self.sessions
        assert self.session_executions
        assert self.runway_sessions


def _s3_objects(bucket: str) -> Objects:
    from tarmac.aws.s3 import S3Objects

    return S3Objects(bucket)
