"""A connect and all that follows it, with a fault at every effect: what must hold, holds all the same.

The real steps run over the fakes. At the n-th effect something goes wrong: the process dies before or after it, its
answer is lost, it fails, or it meets a conflict or a throttle; alone, and in pairs drawn at random. Then the client
goes, the machine runs, the sweeper sweeps, and time passes until nothing moves any more. That the search would find
what it looks for is shown by taking the protocol's guards out.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pytest

from tarmac.ports import Throttled, WriteConflict
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, UpstreamUnavailable
from tarmac.runway.ports import Credentials
from tarmac.sessions import connect as connect_session
from tarmac.sessions import create as create_session
from tarmac.sessions import sweep as session_sweep
from tarmac.sessions import watch as watch_session
from tarmac.sessions.finish import finish_session
from tarmac.sessions.moves import SessionMoves
from tarmac.sessions.session import from_row
from tarmac.sessions.store import SessionStore
from tests.fakes import World
from tests.fakes.composed import sweep_sessions
from tests.fakes.runway import MP4
from tests.unit.sessions.samples import MOST_SECONDS, UNCLAIMED_SECONDS, an_order

KINDS = ("dies before", "dies after", "answer lost", "refused", "conflict", "throttled")
AWS_ONLY = {"conflict": ("MemoryTable.write", "MemoryObjects.put_new"), "throttled": ("MemoryExecutions.is_running",)}
"""Faults that one effect alone can have; elsewhere they mean nothing."""

HOURS = 3 * 3600.0


class Died(BaseException):
    """The process is no more: nothing that it would do after this happens."""


@dataclass
class Fault:
    """At the `at`-th effect of the run."""

    at: int
    kind: str


@dataclass
class Run:
    """One connect of one client, under these faults."""

    faults: list[Fault]
    joins: bool = True
    world: World = field(default_factory=World)
    effects: int = 0
    is_dead: bool = False
    given: list[Credentials] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.world
        world.runway_sessions.joins = self.joins
        world.runway_sessions.run_seconds = 100
        for number in range(1, 4):
            world.downloads.contents[f"https://cdn.example/secret-recording-of-live-{number}.mp4"] = MP4
        for port, names in (
            (world.table, ("get", "write", "query")),
            (world.runway_sessions, ("create", "session", "cancel", "consume", "conversation")),
            (world.session_executions, ("start", "is_running")),
            (world.archive, ("put_new",)),
            (world.topic, ("publish",)),
        ):
            for name in names:
                setattr(port, name, self.watched(type(port).__name__, name, getattr(port, name)))

    def watched(self, port: str, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def effect(*arguments: Any, **named: Any) -> Any:
            if self.is_dead:
                raise Died
            self.effects += 1
            self.trace.append(f"{port}.{name}")
            kind = next((fault.kind for fault in self.faults if fault.at == self.effects), None)
            if kind == "dies before":
                self.die()
            if f"{port}.{name}" in AWS_ONLY.get(kind or "", ()):
                raise WriteConflict(port) if kind == "conflict" else Throttled
            if kind == "refused":
                raise self.error(port, name, happened=False)
            answer = call(*arguments, **named)
            if kind == "dies after":
                self.die()
            if kind == "answer lost":
                raise self.error(port, name, happened=True)
            return answer

        return effect

    def die(self) -> None:
        self.is_dead = True
        raise Died

    @staticmethod
    def error(port: str, name: str, happened: bool) -> Exception:
        if port != "FakeRunwaySessions":
            return ConnectionError(f"{port}.{name}")
        if name in ("create", "consume"):
            return CreateAmbiguous("lost") if happened else CreateRefused("busy", status=503)
        return UpstreamUnavailable("HTTP 502")

    def actor(self, step: Callable[[], Any]) -> Any:
        """What a step gives; None where it died or failed, which its caller repeats or not."""
        self.is_dead = False
        try:
            return step()
        except (Died, Exception):
            return None

    def play(self) -> Run:
        world = self.world
        answer = self.actor(lambda: connect_session.connect_session(an_order(), world, MOST_SECONDS, 25.0))
        if answer is not None:
            self.given.append(answer[1])
        began, swept_at = world.clock.now(), world.clock.now()
        wakes = dict.fromkeys(world.session_executions.running, began)
        while world.clock.now() < began + HOURS:
            for name in sorted(world.session_executions.running):
                if wakes.setdefault(name, world.clock.now()) <= world.clock.now():
                    self.machine(name, wakes)
            if world.clock.now() >= swept_at + 60:
                swept_at = world.clock.now()
                self.actor(lambda: sweep_sessions(world))
            if not world.session_executions.running and not self.due():
                break
            world.clock.advance(5)
        world.clock.advance(HOURS)
        return self

    def machine(self, name: str, wakes: dict[str, float]) -> None:
        """One wake of an execution: Watch, and Finish where it has ended. A step that failed is repeated."""
        world = self.world
        session_id = json.loads(world.session_executions.started[name])["sessionId"]
        seen = self.actor(lambda: watch_session.watch_session(session_id, world, UNCLAIMED_SECONDS))
        if seen is None or seen.word == "running":
            wakes[name] = world.clock.now() + (seen.wait_seconds if seen else 2)
            return
        ending = self.actor(lambda: finish_session(session_id, world, 10_000_000))
        if ending is None or ending.wait_seconds:
            wakes[name] = world.clock.now() + (ending.wait_seconds if ending else 2)
        else:
            world.session_executions.running.discard(name)

    def due(self) -> bool:
        return any("due" in row for row in self.world.table.rows.values())

    # What must be true at the end.

    def violations(self) -> Iterator[str]:
        world, runway = self.world, self.world.runway_sessions
        rows = [from_row(row) for (_, sk), row in world.table.rows.items() if sk == "session"]
        known = {row.id for row in rows}
        if len(runway.sessions) > 1:
            yield "one connect has made more than one session"
        for session in runway.sessions.values():
            if session.id in known and not runway.has_ended(session.id):
                yield f"{session.id} lives on"
            if session.id not in known and session.consumed:
                yield f"{session.id} was entered, and nobody knows of it"
            if session.id not in known and not runway.has_ended(session.id) and self.could_have_ended_it():
                yield f"{session.id} is left behind"
            if session.body.get("maxDuration") != 300:
                yield f"{session.id} has no bound"
        for row in rows:
            if row.reserved_seconds:
                yield f"{row.id} still reserves minutes"
            if not row.state.is_terminal or row.notice_state != "SENT":
                yield f"{row.id} stands at {row.state}, notice {row.notice_state}"
            told = [json.loads(message)["eventId"] for message, _ in world.topic.published]
            if set(told) != {f"{row.id}-ended"}:
                yield f"{row.id} was announced as {told}"
            if ("owner#conversation#" + row.id, "owner") not in world.table.rows:
                yield f"what is said in {row.id} is everybody's"
            if row.duration_seconds and not any("conversation.json" in key for key in world.archive.objects):
                yield f"what was said in {row.id} is not archived"
        if self.given:
            if [row.consumed_at is not None for row in rows] != [True]:
                yield "credentials were given, and nobody knows"
            if self.joins and rows and rows[0].state != "COMPLETED":
                yield f"who entered was cut off: {rows[0].state} {rows[0].cancel_reason}"
        if any(session.consumed > 1 for session in runway.sessions.values()):
            yield "credentials were given twice"
        yield from self.minutes()
        yield from self.leaks()

    def could_have_ended_it(self) -> bool:
        """Whether Tarmac lived, and knew the session's name: else `maxDuration` alone is its end."""
        [fault] = self.faults if len(self.faults) == 1 else [Fault(0, "dies")]
        return not fault.kind.startswith("dies") and self.trace[fault.at - 1] != "FakeRunwaySessions.create"

    def was_refused_alive(self) -> bool:
        """Whether Runway refused the create, and then one thing failed, and no process died."""
        first, *more = [(fault.kind, self.trace[fault.at - 1 :][:1]) for fault in self.faults] or [("", [])]
        return first == ("refused", ["FakeRunwaySessions.create"]) and [kind[:4] for kind, _ in more] not in (["dies"],)

    def minutes(self) -> Iterator[str]:
        tables = self.world.table.rows.items()
        used = sum(row["usedSeconds"] + row["reservedSeconds"] for (_, sk), row in tables if sk == "session")
        attempts = [row for (_, sk), row in tables if sk == "attempt"]
        lost = sum(row["seconds"] for row in attempts if row["state"] in ("LOST", "SENDING"))
        if any(row["state"] == "REFUSING" for row in attempts):
            yield "the minutes of a refused create were never released"
        if lost and self.was_refused_alive():
            yield f"{lost} seconds stay counted for a create that Runway refused"
        counted = sum(row["seconds"] for (pk, _), row in tables if pk.startswith("session-minutes#"))
        if counted != used + lost:
            yield f"{counted} seconds are counted, {used} were used and {lost} lost"

    def leaks(self) -> Iterator[str]:
        world = self.world
        places = {
            "rows": repr(world.table.rows),
            "notices": repr(world.topic.published),
            "executions": repr(world.session_executions.started),
            "archive": repr(world.archive.objects),
        }
        for place, text in places.items():
            if "secret-" in text:
                yield f"a secret in {place}: …{text[text.index('secret-') :][:60]}"


def explored(joins: bool = True) -> Iterator[Run]:
    """The run without faults, then one with each single fault."""
    calm = Run([], joins).play()
    yield calm
    for at in range(1, calm.effects + 1):
        for kind in KINDS:
            yield Run([Fault(at, kind)], joins).play()


def explored_refused() -> Iterator[Run]:
    """Runway refuses the create, and one of the effects that follow goes wrong as well."""
    calm = Run([]).play()
    at = calm.trace.index("FakeRunwaySessions.create") + 1
    refused = Run([Fault(at, "refused")]).play()
    yield refused
    for then in range(at + 1, refused.effects + 1):
        for kind in KINDS:
            yield Run([Fault(at, "refused"), Fault(then, kind)]).play()


def check(run: Run) -> None:
    found = list(run.violations())
    where = [f"{fault.kind} at {run.trace[fault.at - 1 :][:1]} ({fault.at})" for fault in run.faults]
    assert not found, f"{found} after {where}"


@pytest.mark.parametrize("joins", [True, False], ids=["the viewer enters", "the client has gone"])
def test_no_single_fault_does_harm(joins: bool, caplog: pytest.LogCaptureFixture) -> None:
    runs = 0
    for run in explored(joins):
        check(run)
        runs += 1
    assert runs > 100
    assert "secret-" not in caplog.text


def test_a_refused_create_gives_its_minutes_back() -> None:
    runs = [run for run in explored_refused() if check(run) is None]
    assert any(fault.kind == "conflict" and "MemoryTable.write" in run.trace for run in runs for fault in run.faults)


def test_what_happens_when_nothing_goes_wrong() -> None:
    """Or the search above would be a search through nothing."""
    run = Run([]).play()
    [row] = [from_row(row) for (_, sk), row in run.world.table.rows.items() if sk == "session"]
    assert (row.state, row.duration_seconds, row.used_seconds) == ("COMPLETED", 100, 100)
    assert len(run.given) == 1
    assert len(row.outputs) == 2
    gone = Run([], joins=False).play()
    assert gone.world.runway_sessions.cancelled == ["live-1"]


def test_faults_in_pairs_do_no_harm() -> None:
    chance = random.Random(20261120)
    length = Run([]).play().effects
    for _ in range(400):
        places = sorted(chance.sample(range(1, length + 6), 2))
        check(Run([Fault(at, chance.choice(KINDS)) for at in places], chance.random() < 0.7).play())


def nothing(*_: Any, **__: Any) -> None:
    return None


GUARDS: dict[str, tuple[Any, str, Any]] = {
    "an unclaimed session is cancelled": (SessionMoves, "why_cancel", nothing),
    "what is given is recorded": (SessionMoves, "consumed", lambda _, session, token: session),
    "a session without a row is cancelled": (create_session, "_abandon", nothing),
    "the conversation is owned first": (create_session, "own", nothing),
    "the sweeper replaces executions": (
        session_sweep,
        "start_watching",
        nothing,
    ),
    "a claimant that died is not waited for": (SessionMoves, "lease_is_over", lambda *_: False),
    "a release that failed is left to the sweeper": (SessionStore, "mark_refused", nothing),
    "the sweeper releases what was refused": (session_sweep, "give_back", nothing),
    "an ending settles the minutes": (
        SessionMoves,
        "end",
        lambda self, session, *args, _end=SessionMoves.end, **named: _kept(
            _end(self, session, *args, **named), session
        ),
    ),
}


def _kept(after: Any, before: Any) -> Any:
    from dataclasses import replace

    return replace(after, reserved_seconds=before.reserved_seconds)


@pytest.mark.parametrize("name", GUARDS)
def test_without_a_guard_the_search_finds_harm(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, instead = GUARDS[name]
    monkeypatch.setattr(owner, attribute, instead)
    runs = chain(explored_refused(), explored(True), explored(False))
    assert any(list(run.violations()) for run in runs)
