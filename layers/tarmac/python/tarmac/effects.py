"""All that a step does to the world, in one place to hand in: clock, chance, table, buckets, topic, executions, Runway.

Steps take `Effects`; functions make `AwsEffects` from their settings; tests make their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tarmac.clock import Clock
from tarmac.ports import Executions, Objects, Queue, Table, Topic
from tarmac.runway.flavors import Flavor
from tarmac.runway.ports import Characters, Runway, RunwaySessions
from tarmac.sessions.store import SessionStore
from tarmac.tasks.moves import Moves
from tarmac.tasks.store import TaskStore

if TYPE_CHECKING:
    from tarmac.media.downloads import Downloads
    from tarmac.webhooks.sender import Callbacks


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
