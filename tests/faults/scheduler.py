"""Actors that take turns at effect points, on one thread and one hand-moved clock: the same choices, the same run."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from greenlet import getcurrent, greenlet

from tarmac.clock import Clock
from tests.faults.actions import Killed

START = 1_700_000_000.0


class Actor:
    """A client, an execution or a sweep, with the state of its current invocation."""

    __slots__ = (
        "claimed",
        "claims",
        "greenlet",
        "had_trouble",
        "is_execution",
        "name",
        "points",
        "polled",
        "received",
    )

    def __init__(self, name: str, body: Callable[[], None], is_execution: bool = False) -> None:
        self.name = name
        self.greenlet = greenlet(body)
        self.is_execution = is_execution
        self.points = 0
        self.forget()

    def forget(self) -> None:
        """Begin a new invocation, which has no memory of the last one."""
        self.claims: set[str] = set()
        self.polled: set[str] = set()
        self.received: set[str] = set()
        self.claimed: set[str] = set()
        self.had_trouble = False


class Scheduler:
    """By default an actor runs until it waits; the one that is ready longest is next; time moves when none is ready."""

    def __init__(self) -> None:
        self.now = START
        self.ready: deque[Actor] = deque()
        self.current: Actor
        self._timers: list[tuple[float, int, Actor]] = []
        self._started = 0
        self._hub = getcurrent()
        self._actors: list[Actor] = []

    def spawn(self, actor: Actor, at: float | None = None) -> None:
        """Add an actor at the end of the queue, or at a later time."""
        self._admit(actor)
        if at is None:
            self.ready.append(actor)
        else:
            self._wake(actor, at)

    def interrupt(self, newcomer: Actor) -> None:
        """Add an actor that runs first, before the current actor."""
        self._admit(newcomer)
        self.ready.appendleft(self.current)
        self.ready.appendleft(newcomer)
        self._hub.switch()

    def sleep(self, seconds: float) -> None:
        self._wake(self.current, self.now + seconds)
        self._hub.switch()

    def step_aside(self) -> None:
        self.ready.append(self.current)
        self._hub.switch()

    def next_timer(self) -> float | None:
        return self._timers[0][0] if self._timers else None

    def run(self, idle: Callable[[], Actor | None]) -> None:
        """Run until no actor is left. `idle` is called whenever all wait: it may add an actor and move the clock."""
        while True:
            if self.ready:
                self.current = self.ready.popleft()
            elif (newcomer := idle()) is not None:
                self._admit(newcomer)
                self.current = newcomer
            elif self._timers:
                at, _, self.current = heapq.heappop(self._timers)
                self.now = max(self.now, at)
            else:
                return
            self.current.greenlet.switch()

    def end(self) -> None:
        """End all actors that still wait."""
        for actor in self._actors:
            if actor.greenlet and not actor.greenlet.dead:
                with suppress(Killed):
                    actor.greenlet.throw(Killed)

    def _admit(self, actor: Actor) -> None:
        # An actor that ends always hands over to the hub.
        actor.greenlet.parent = self._hub
        self._actors.append(actor)

    def _wake(self, actor: Actor, at: float) -> None:
        self._started += 1
        heapq.heappush(self._timers, (at, self._started, actor))


class ScheduledClock(Clock):
    """A sleeping actor lets the others run."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scale=1.0)
        self._scheduler = scheduler

    def now(self) -> float:
        return self._scheduler.now

    def sleep(self, seconds: float) -> None:
        self._scheduler.sleep(seconds)
