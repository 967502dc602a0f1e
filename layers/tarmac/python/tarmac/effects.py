"""All that a step does to the world, in one place to hand in: clock, chance, table, buckets, topic, executions, Runway.

Steps take `Effects`; functions make `AwsEffects` from their settings; tests make their own.
"""

from __future__ import annotations

import random
import secrets
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tarmac.clock import Clock
from tarmac.ports import Characters, Executions, Objects, Queue, Runway, RunwaySessions, Table, Topic
from tarmac.rules.transitions import Moves
from tarmac.runway.flavors import FLAVORS, Flavor
from tarmac.stores.sessions import SessionStore
from tarmac.stores.tasks import TaskStore

if TYPE_CHECKING:
    from tarmac.adapters.secrets import SecretKey, SigningRoot
    from tarmac.archive import Downloads
    from tarmac.callbacks import Callbacks
    from tarmac.runway.connection import RunwayConnection


class Effects(Protocol):
    """What a step may ask for. Each step's docstring says which of these it uses."""

    @property
    def clock(self) -> Clock: ...
    @property
    def table(self) -> Table: ...
    @property
    def tasks(self) -> TaskStore: ...
    @property
    def sessions(self) -> SessionStore: ...
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
    def flavor(self) -> Flavor:
        """What kind of upstream `runway` is."""

    @property
    def runway(self) -> Runway: ...
    @property
    def characters(self) -> Characters: ...
    @property
    def runway_sessions(self) -> RunwaySessions: ...
    @property
    def downloads(self) -> Downloads: ...
    @property
    def webhooks(self) -> Queue: ...
    @property
    def batches(self) -> Queue: ...
    @property
    def callbacks(self) -> Callbacks: ...
    def signing_root(self) -> str:
        """The text that the signing secrets of callbacks, and of client tokens, are derived from."""

    def chance(self) -> float:
        """0 ≤ x < 1, for jitter."""

    def new_id(self) -> str:
        """A fresh UUID (version 4, as Runway's ids)."""

    def new_token(self) -> str:
        """A name that nobody guesses: 256 random bits in 43 characters, safe in a URL."""

    def input_bucket(self, name: str) -> Objects | None:
        """The bucket to read an input from: the upload bucket, the archive, or one that the operator allows; None for
        others."""


def moves(effects: Effects) -> Moves:
    """The transitions as of now."""
    return Moves(effects.clock.now(), effects.clock.scale)


class AwsEffects:
    """Effects on AWS, each made when first used: a function pays for what it touches.

    `settings` is any object with the attributes named below; one that the function was not given raises
    AttributeError, which the settings' test against template.yaml keeps from happening.
    """

    def __init__(self, settings: object, runway_timeout_seconds: float = 60.0) -> None:
        self._settings = settings
        self._runway_timeout_seconds = runway_timeout_seconds
        self.clock = Clock()

    @cached_property
    def table(self) -> Table:
        from tarmac.adapters.dynamodb import DynamoTable

        return DynamoTable(self._setting("table_name"))

    @cached_property
    def tasks(self) -> TaskStore:
        return TaskStore(self.table)

    @cached_property
    def sessions(self) -> SessionStore:
        return SessionStore(self.table)

    @cached_property
    def uploads(self) -> Objects:
        return self._objects("upload_bucket")

    @cached_property
    def archive(self) -> Objects:
        return self._objects("archive_bucket")

    @cached_property
    def topic(self) -> Topic:
        from tarmac.adapters.messaging import SnsTopic

        return SnsTopic(self._setting("notice_topic_arn"))

    @cached_property
    def executions(self) -> Executions:
        from tarmac.adapters.messaging import StateMachineExecutions

        return StateMachineExecutions(self._setting("generation_state_machine_arn"))

    @cached_property
    def session_executions(self) -> Executions:
        from tarmac.adapters.messaging import StateMachineExecutions

        return StateMachineExecutions(self._setting("session_state_machine_arn"))

    @cached_property
    def runway_key(self) -> SecretKey:
        from tarmac.adapters.secrets import SecretKey

        return SecretKey(self._setting("runway_secret_arn"), self.clock)

    @cached_property
    def runway_connection(self) -> RunwayConnection:
        from tarmac.runway.connection import RunwayConnection, new_http

        http = new_http(self._runway_timeout_seconds)
        return RunwayConnection(self._setting("runwayml_base_url"), self.runway_key, self.clock, http)

    @cached_property
    def runway(self) -> Runway:
        from tarmac.runway.client import RunwayClient

        return RunwayClient(self.runway_connection, self.flavor)

    @cached_property
    def flavor(self) -> Flavor:
        return FLAVORS[self._setting("upstream_flavor")]

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
        from tarmac.archive import Downloader

        origins = self._setting("output_origins")
        return Downloader(frozenset(origin for origin in origins.split(",") if origin))

    @cached_property
    def webhooks(self) -> Queue:
        from tarmac.adapters.messaging import SqsQueue

        return SqsQueue(self._setting("webhook_queue_url"))

    @cached_property
    def batches(self) -> Queue:
        from tarmac.adapters.messaging import SqsQueue

        return SqsQueue(self._setting("batch_queue_url"))

    @cached_property
    def callbacks(self) -> Callbacks:
        from tarmac.callbacks import HttpCallbacks

        return HttpCallbacks(frozenset(self._setting("webhook_origins").split(",")) - {""})

    @cached_property
    def _signing_root(self) -> SigningRoot:
        from tarmac.adapters.secrets import SigningRoot

        return SigningRoot(self._setting("webhook_secret_arn"), self.clock)

    def make_ready(self) -> None:
        """Make now what the calls of a function with sessions need: Lambda's start-up has a whole CPU, and its time is
        not that of the page which waits for the first call."""
        assert self.table
        assert self.session_executions
        assert self.runway_sessions

    def signing_root(self) -> str:
        return self._signing_root()

    def chance(self) -> float:
        return random.random()

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def new_token(self) -> str:
        return secrets.token_urlsafe(32)

    def input_bucket(self, name: str) -> Objects | None:
        for own in (self.uploads, self.archive):
            if name == own.bucket:
                return own
        return _s3_objects(name) if name in self._setting("input_buckets").split(",") else None

    def _objects(self, setting: str) -> Objects:
        return _s3_objects(self._setting(setting))

    def _setting(self, name: str) -> str:
        value = getattr(self._settings, name)
        assert isinstance(value, str)
        return value


def _s3_objects(bucket: str) -> Objects:
    from tarmac.adapters.s3 import S3Objects

    return S3Objects(bucket)
