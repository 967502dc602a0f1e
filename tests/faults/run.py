"""One schedule: a scenario, the deviations that a chooser makes, and the result."""

from __future__ import annotations

import gc
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

import tarmac.sweeping
import tarmac.tasks.store
import tarmac.tasks.submit
import tarmac.tasks.task
from tarmac.clock import from_iso, to_iso
from tarmac.idempotency import RequestIdentity
from tarmac.inbox.accept_upload import accept_upload
from tarmac.inbox.upload import Upload, UploadDefaults
from tarmac.ports import Row, StoredObject
from tarmac.tasks.accept import Accepted, Order, accept
from tarmac.tasks.cancel import cancel
from tarmac.tasks.poll import poll
from tarmac.tasks.read import read_task
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.submit import submit
from tarmac.tasks.task import Task, task_key
from tests.fakes.composed import finish, sweep
from tests.faults.actions import FAULTS, STALLS, TURNS, Crash, Killed
from tests.faults.effects import WatchedEffects
from tests.faults.invariants import MAX_FAILURE_RETRIES, Broken, Ledger
from tests.faults.machine import Step, interpret
from tests.faults.scenarios import ANOTHER, Scenario
from tests.faults.scheduler import START, Actor, Scheduler

MOST_POINTS = 2500
"""The most effects of one run: a run with more is in an endless loop."""

MOST_SECONDS = 5 * 24 * 3600.0
SWEEP_SECONDS = 60.0
EVENT_RETRY_SECONDS = (60.0, 120.0)
"""Seconds before each of the two retries by which Lambda invokes a failed asynchronous function again."""

_KEY = "inbox/harbour.png"
_EVENT = {
    "time": "2023-11-14T22:13:20Z",
    "detail": {
        "bucket": {"name": "uploads"},
        "object": {"key": _KEY, "version-id": "version-1", "sequencer": "0055AED6DCD90281E5"},
    },
}
_DEFAULTS = UploadDefaults("s3", "gen4_turbo", "", "1280:720", 5, deadline_seconds=1800.0)

_QUICK = ExitStack()

T = TypeVar("T")


class Place(NamedTuple):
    """The n-th effect point of an actor. It stays the same while other deviations come and go."""

    actor: str
    point: int


Deviations = Mapping[Place, str]
Chooser = Callable[[Place, str, "Run"], str | None]
"""Called at each effect point with the effect's name; returns the action there, or None for the normal effect."""


class Reached(NamedTuple):
    """One line of a trace."""

    place: Place
    at: float
    effect: str
    about: str
    action: str | None


@dataclass(slots=True)
class Report:
    """The result of a schedule. `broken` is the invariant that does not hold, None if all do."""

    trace: list[Reached] = field(default_factory=list)
    broken: str | None = None
    was_ambiguous: bool = False


class NoLines:
    """Replaces the log, which would fill a disk in a hundred thousand schedules."""

    def error(self, message: str, **fields: Any) -> None: ...
    def crash(self, message: str, error: BaseException, **fields: Any) -> None: ...


@contextmanager
def quick() -> Iterator[None]:
    """Run without log lines and garbage collection pauses, and cache what pure functions return for a time or row."""
    rows: dict[int, tuple[Row, Task]] = {}

    def from_row(row: Row) -> Task:
        cached = rows.get(id(row))
        if cached is None or cached[0] is not row:
            if len(rows) > 1000:
                rows.clear()
            cached = rows[id(row)] = row, _from_row(row)
        return cached[1]

    _from_row = tarmac.tasks.task.from_row
    threshold = gc.get_threshold()
    gc.set_threshold(200_000)
    with (
        patch.object(tarmac.tasks.submit, "logger", NoLines()),
        patch.object(tarmac.sweeping, "logger", NoLines()),
        patch("tarmac.rows.to_iso", lru_cache(10_000)(to_iso)),
        patch("tarmac.rows.from_iso", lru_cache(10_000)(from_iso)),
        patch.object(tarmac.tasks.store, "from_row", from_row),
    ):
        try:
            yield
        finally:
            gc.set_threshold(*threshold)


def be_quick() -> None:
    """`quick` for the rest of a process."""
    _QUICK.enter_context(quick())


def scripted(deviations: Deviations) -> Chooser:
    get = deviations.get
    return lambda place, effect, run: get(place)


class Run:
    def __init__(self, scenario: Scenario, choose: Chooser, max_ambiguous_retries: int) -> None:
        self.scenario = scenario
        self.choose = choose
        self.max_ambiguous_retries = max_ambiguous_retries
        self.scheduler = Scheduler()
        self.ledger = Ledger(max_ambiguous_retries)
        self.effects = WatchedEffects(self)
        self.report = Report()
        self._names: dict[str, int] = {}
        self._last_sweep = START
        self._steps: dict[str, Step] = {
            "SubmitTask": lambda given: self._step(submit, given, max_ambiguous_retries),
            "PollTask": lambda given: self._step(poll, given, MAX_FAILURE_RETRIES),
            "FinishTask": self._finish,
            "CreateTask": self._accept_by_hand,
        }

    def go(self) -> Report:
        """Run the schedule until no actor is left and nothing is due to be swept."""
        scheduler = self.scheduler
        try:
            self._enter()
            for after, turn in self.scenario.turns:
                scheduler.spawn(self._newcomer(turn), START + after)
            scheduler.run(self._sweeper_in_time)
            self.ledger.at_rest()
        except Broken as broken:
            self.report.broken = str(broken)
        finally:
            scheduler.end()
        self.report.was_ambiguous = self.ledger.was_ambiguous
        return self.report

    # ── effect points ───────────────────────────────────────────────────────────────────────────────────────────

    def effect(self, name: str, about: str, perform: Callable[[], T], cuts: bool = False) -> T:
        """Do an effect, or what its fault makes of it. With `cuts` a cut is not an error: its result is valid."""
        action = self._reach(name, about)
        if action is None:
            return perform()
        if action == "not found":
            self.ledger.blips.not_found += 1
        elif action == "expire":
            self.ledger.blips.expired += 1
        elif action == "cut" and cuts:
            return True  # type: ignore[return-value]
        fault = FAULTS[name][action]
        if fault.done:
            perform()
        if action != "echo":
            self.ledger.troubled(self.scheduler.current)
        raise Crash if fault.error is None else fault.error()

    def _reach(self, effect: str, about: str) -> str | None:
        scheduler = self.scheduler
        actor = scheduler.current
        while True:
            actor.points += 1
            place = Place(actor.name, actor.points)
            action = self.choose(place, effect, self)
            if action is not None and action not in FAULTS[effect] and action not in TURNS:
                # Other deviations have put another effect at this place, to which this action does not apply.
                action = None
            self.report.trace.append(Reached(place, scheduler.now, effect, about, action))
            if len(self.report.trace) > MOST_POINTS or scheduler.now > START + MOST_SECONDS:
                raise Broken("2: it never comes to rest")
            if action is None or action not in TURNS:
                return action
            self._turn(action)

    def _turn(self, turn: str) -> None:
        match turn:
            case "stall" | "long stall":
                self.ledger.troubled(self.scheduler.current)
                self.scheduler.sleep(STALLS[turn])
            case "yield":
                self.scheduler.step_aside()
            case "kill":
                if self.scheduler.current.is_execution:
                    self.ledger.troubled(self.scheduler.current)
                    raise Killed
            case _:
                self.scheduler.interrupt(self._newcomer(turn))

    def _newcomer(self, turn: str) -> Actor:
        match turn:
            case "cancel":
                return self._actor("cancel", self._cancel)
            case "twin":
                return self._execution(self._name("twin"), lambda: {"taskId": self._first_task()})
            case "redrive":
                return self._execution(self._name("redrive"), lambda: {"taskId": self._first_task()}, "Finish")
            case "sweep":
                return self._actor("sweep", self._sweep)
            case "again":
                return self._again()
            case "another":
                return self._again(ANOTHER)
            case _:
                raise ValueError(turn)

    # ── what actors do ──────────────────────────────────────────────────────────────────────────────────────────

    def _enter(self) -> None:
        match self.scenario.entry_point:
            case "api":
                self.scheduler.spawn(self._actor("client", self._create))
            case "s3":
                self.effects.uploads.memory.objects[_KEY] = (
                    b"\x89PNG\r\n\x1a\n",
                    StoredObject(8, "image/png", self.scenario.metadata),
                )
                self.scheduler.spawn(self._actor("event", self._event))
            case "console":
                name = "by-hand"
                given = {"operation": "image_to_video", "request": self.scenario.body}
                self.effects.executions.names.add(name)
                self.effects.executions.running.add(name)
                self.scheduler.spawn(self._execution(name, lambda: given))

    def _again(self, more: Mapping[str, Any] | None = None) -> Actor:
        """`more`: the other fields of another create under the same key; without them the create is a retry."""
        match self.scenario.entry_point:
            case "api":
                return self._actor("client", lambda: self._create(more or {}, retry=int(more is None)))
            case "s3":
                return self._actor("event", self._event)
            case "console":
                return self._actor("sweep", self._sweep)

    def begin_execution(self, name: str, execution_input: str) -> None:
        self.effects.executions.running.add(name)
        self.scheduler.spawn(self._execution(name, lambda: json.loads(execution_input)))

    def _create(self, more: Mapping[str, Any] = MappingProxyType({}), retry: int = 0) -> None:
        """POST /v1/image_to_video, as the handler does it."""
        scenario = self.scenario
        body = {**scenario.body, **more}
        digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()
        identity = RequestIdentity("acme", "/v1/image_to_video", digest, scenario.idempotency_key, retry)
        order = Order(
            "image_to_video",
            "acme",
            body,
            {"kind": "api"},
            request_identity=identity,
            webhook_url=scenario.webhook_url,
        )
        self._invoke(lambda: self._answer(accept(order, self.effects, scenario.deadline_seconds), order, identity))

    def _answer(self, accepted: Accepted, order: Order, identity: RequestIdentity) -> None:
        held = self.effects.table.memory.rows[task_key(accepted.task.id), "request#01"]["body"]
        prompt = json.loads(held)["body"]["promptText"]
        self.ledger.answered(accepted.task.id, accepted.is_new, identity, order.body["promptText"], prompt)

    def _event(self) -> None:
        """EventBridge's invocation, retried as Lambda retries it."""
        upload = Upload.from_event(_EVENT)
        for pause in (*EVENT_RETRY_SECONDS, None):
            if self._invoke(lambda: accept_upload(upload, self.effects, _DEFAULTS)) or pause is None:
                return
            self.scheduler.sleep(pause)

    def _accept_by_hand(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = "by-hand"
        source = {"kind": "console", "execution": name}
        order = Order(given["operation"], "console", given["request"], source, task_id=name)
        accepted = accept(order, self.effects, self.scenario.deadline_seconds, start=False)
        return {"taskId": accepted.task.id}

    def _cancel(self) -> None:
        """DELETE /v1/tasks/{id} of the first task there is."""
        task_id, effects = self._first_task(), self.effects
        client = {"api": "acme", "s3": "s3", "console": "console"}[self.scenario.entry_point]
        self._invoke(lambda: cancel(read_task(task_id, client, effects), effects, delete_outputs=False))

    def _sweep(self) -> None:
        self._invoke(lambda: sweep(self.effects))

    def _invoke(self, function: Callable[[], object]) -> bool:
        """Run an invocation outside of the machine and return whether it ended regularly."""
        actor = self.scheduler.current
        actor.forget()
        try:
            function()
        except NoSuchTask:
            return True
        except (Crash, Exception):
            return False
        self.ledger.returned(actor)
        return True

    def _step(self, step: Callable[..., Any], given: Mapping[str, Any], budget: int) -> dict[str, Any]:
        state: dict[str, Any] = step(given["taskId"], self.effects, budget).as_state(given["taskId"])
        self.ledger.returned(self.scheduler.current)
        return state

    def _finish(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return finish(given["taskId"], self.effects, max_output_bytes=10_000).as_state()

    # ── actors ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _actor(self, kind: str, body: Callable[[], None]) -> Actor:
        return Actor(self._name(kind), body)

    def _execution(self, name: str, given: Callable[[], Mapping[str, Any]], start_at: str | None = None) -> Actor:
        scheduler = self.scheduler

        def body() -> None:
            actor = scheduler.current
            try:
                interpret(given(), self._steps, scheduler.sleep, actor.forget, start_at)
            except Killed:
                pass
            finally:
                self.effects.executions.running.discard(name)

        shown = "execution" if name in self.ledger.rows else name
        run = next((f" {name.removeprefix(task_id)[1:]}" for task_id in self.ledger.rows if f"{task_id}-" in name), "")
        return Actor(self._name("execution") + run if run or shown == "execution" else name, body, is_execution=True)

    def _name(self, kind: str) -> str:
        count = self._names[kind] = self._names.get(kind, 0) + 1
        return kind if count == 1 else f"{kind} {count}"

    def _first_task(self) -> str:
        return next(iter(self.ledger.rows), "no-such-task")

    def _sweeper_in_time(self) -> Actor | None:
        """The sweep of each minute, where it would find something; the others would do nothing."""
        due = self.effects.table.memory.next_due()
        if due is None:
            return None
        scheduler = self.scheduler
        minutes = max(1, math.ceil((max(due, self._last_sweep + 0.001) - START) / SWEEP_SECONDS))
        at = max(START + minutes * SWEEP_SECONDS, scheduler.now)
        timer = scheduler.next_timer()
        if timer is not None and timer <= at:
            return None
        self._last_sweep = scheduler.now = at
        return self._actor("sweep", self._sweep)
