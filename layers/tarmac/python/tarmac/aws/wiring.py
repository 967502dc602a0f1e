"""Effects on AWS, built from the settings of a function."""

from __future__ import annotations

import random
import secrets
import uuid
from functools import cached_property
from typing import TYPE_CHECKING

from tarmac.clock import Clock
from tarmac.ports import Executions, Objects, Queue, Table, Topic
from tarmac.runway.flavors import FLAVORS, Flavor
from tarmac.runway.ports import Characters, Runway, RunwaySessions
from tarmac.sessions.store import SessionStore
from tarmac.tasks.store import TaskStore

if TYPE_CHECKING:
    from tarmac.aws.secrets import SecretKey, SigningRoot
    from tarmac.media.downloads import Downloads
    from tarmac.runway.connection import RunwayConnection
    from tarmac.webhooks.sender import Callbacks


class AwsEffects:
    """Effects on AWS. Each is created at first use, so a function loads only what it needs.

    settings: an object with the attributes named below. A missing one raises AttributeError; a test compares the
    settings with template.yaml.
    """

    def __init__(self, settings: object, runway_timeout_seconds: float = 60.0) -> None:
        self._settings = settings
        self._runway_timeout_seconds = runway_timeout_seconds
        self.clock = Clock()

    @cached_property
    def table(self) -> Table:
        from tarmac.aws.dynamodb import DynamoTable

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
        from tarmac.aws.messaging import SnsTopic

        return SnsTopic(self._setting("notice_topic_arn"))

    @cached_property
    def executions(self) -> Executions:
        from tarmac.aws.messaging import StateMachineExecutions

        return StateMachineExecutions(self._setting("generation_state_machine_arn"))

    @cached_property
    def session_executions(self) -> Executions:
        from tarmac.aws.messaging import StateMachineExecutions

        return StateMachineExecutions(self._setting("session_state_machine_arn"))

    @cached_property
    def runway_key(self) -> SecretKey:
        from tarmac.aws.secrets import SecretKey

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
        from tarmac.media.downloads import Downloader

        origins = self._setting("output_origins")
        return Downloader(frozenset(origin for origin in origins.split(",") if origin))

    @cached_property
    def webhooks(self) -> Queue:
        from tarmac.aws.messaging import SqsQueue

        return SqsQueue(self._setting("webhook_queue_url"))

    @cached_property
    def batches(self) -> Queue:
        from tarmac.aws.messaging import SqsQueue

        return SqsQueue(self._setting("batch_queue_url"))

    @cached_property
    def callbacks(self) -> Callbacks:
        from tarmac.webhooks.sender import HttpCallbacks

        return HttpCallbacks(frozenset(self._setting("webhook_origins").split(",")) - {""})

    @cached_property
    def _signing_root(self) -> SigningRoot:
        from tarmac.aws.secrets import SigningRoot

        return SigningRoot(self._setting("webhook_secret_arn"), self.clock)

    def make_ready(self) -> None:
        """Create the effects of a function for sessions during Lambda's start-up, which has a full CPU.

        The page that sends the first call then does not wait for them.
        """
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
    from tarmac.aws.s3 import S3Objects

    return S3Objects(bucket)
