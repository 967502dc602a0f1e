"""Fault injection at every effect of a connect and the steps after it: the invariants must hold all the same.

The real steps run over the fakes. At the n-th effect one fault is injected: the process ends before or after it, its
response is lost, it is rejected, or it meets a conflict or a throttle. Faults are injected one at a time, and in
random pairs. Then the client disconnects, and the state machine and the sweeper run until no row is due. Removing a
guard from the code must make the search find a violation.
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

KINDS = ("ends before", "ends after", "response lost", "rejected", "conflict", "throttled")
AWS_ONLY = {"conflict": ("MemoryTable.write", "MemoryObjects.put_new"), "throttled": ("MemoryExecutions.is_running",)}
"""Faults of these effects only; at other effects they do nothing."""

HOURS = 3 * 3600.0


class ProcessEnded(BaseException):
    """The process has ended: it has no further effects."""


@dataclass
class Fault:
    """A fault of this kind at the `at`-th effect of the run."""

    at: int
    kind: str


@dataclass
class Run:
    """One connect of one client with these faults injected."""

    faults: list[Fault]
    joins: bool = True
    world: World = field(default_factory=World)
    effects: int = 0
    has_ended: bool = False
    returned: list[Credentials] = field(default_factory=list)
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
            if self.has_ended:
                raise ProcessEnded
            self.effects += 1
            self.trace.append(f"{port}.{name}")
            kind = next((fault.kind for fault in self.faults if fault.at == self.effects), None)
            if kind == "ends before":
                self.end()
            if f"{port}.{name}" in AWS_ONLY.get(kind or "", ()):
                raise WriteConflict(port) if kind == "conflict" else Throttled
            if kind == "rejected":
                raise self.error(port, name, happened=False)
            answer = call(*arguments, **named)
            if kind == "ends after":
                self.end()
            if kind == "response lost":
                raise self.error(port, name, happened=True)
            return answer

        return effect

    def end(self) -> None:
        self.has_ended = True
        raise ProcessEnded

    @staticmethod
    def error(port: str, name: str, happened: bool) -> Exception:
        if port != "FakeRunwaySessions":
            return ConnectionError(f"{port}.{name}")
        if name in ("create", "consume"):
            return CreateAmbiguous("lost") if happened else CreateRefused("busy", status=503)
        return UpstreamUnavailable("HTTP 502")

    def actor(self, step: Callable[[], Any]) -> Any:
        """Run a step in a new process and return its result, None if the process ended or the step failed."""
        self.has_ended = False
        try:
            return step()
        except (ProcessEnded, Exception):
            return None

    def play(self) -> Run:
        world = self.world
        answer = self.actor(lambda: connect_session.connect_session(an_order(), world, MOST_SECONDS, 25.0))
        if answer is not None:
            self.returned.append(answer[1])
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
        """Run Watch, and Finish if the session has ended. A failed step is retried after two seconds."""
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

    # Invariants at the end of a run

    def violations(self) -> Iterator[str]:
        world, runway = self.world, self.world.runway_sessions
        rows = [from_row(row) for (_, sk), row in world.table.rows.items() if sk == "session"]
        known = {row.id for row in rows}
        if len(runway.sessions) > 1:
            yield "one connect has created more than one session"
        for session in runway.sessions.values():
            if session.id in known and not runway.has_ended(session.id):
                yield f"{session.id} is still open"
            if session.id not in known and session.consumed:
                yield f"{session.id} was consumed and has no row"
            if session.id not in known and not runway.has_ended(session.id) and self.could_have_cancelled_it():
                yield f"{session.id} has no row and was not cancelled"
            if session.body.get("maxDuration") != 300:
                yield f"{session.id} has no maxDuration"
        for row in rows:
            if row.reserved_seconds:
                yield f"{row.id} still reserves minutes"
            if not row.state.is_terminal or row.notice_state != "SENT":
                yield f"{row.id} is {row.state}, notice {row.notice_state}"
            announced = [json.loads(message)["eventId"] for message, _ in world.topic.published]
            if set(announced) != {f"{row.id}-ended"}:
                yield f"{row.id} was announced as {announced}"
            if ("owner#conversation#" + row.id, "owner") not in world.table.rows:
                yield f"the conversation of {row.id} has no owner"
            if row.duration_seconds and not any("conversation.json" in key for key in world.archive.objects):
                yield f"the conversation of {row.id} is not archived"
        if self.returned:
            if [row.consumed_at is not None for row in rows] != [True]:
                yield "credentials were returned and not recorded"
            if self.joins and rows and rows[0].state != "COMPLETED":
                yield f"the viewer was cut off: {rows[0].state} {rows[0].cancel_reason}"
        if any(session.consumed > 1 for session in runway.sessions.values()):
            yield "credentials were consumed twice"
        yield from self.minutes()
        yield from self.leaks()

    def could_have_cancelled_it(self) -> bool:
        """Whether the process survived and knew the session's id; otherwise only `maxDuration` ends the session."""
        [fault] = self.faults if len(self.faults) == 1 else [Fault(0, "ends")]
        return not fault.kind.startswith("ends") and self.trace[fault.at - 1] != "FakeRunwaySessions.create"

    def was_rejected_and_survived(self) -> bool:
        """Whether Runway rejected the create, at most one effect failed afterwards, and no process ended."""
        first, *more = [(fault.kind, self.trace[fault.at - 1 :][:1]) for fault in self.faults] or [("", [])]
        ended = any(kind.startswith("ends") for kind, _ in more)
        return first == ("rejected", ["FakeRunwaySessions.create"]) and not ended

    def minutes(self) -> Iterator[str]:
        tables = self.world.table.rows.items()
        used = sum(row["usedSeconds"] + row["reservedSeconds"] for (_, sk), row in tables if sk == "session")
        attempts = [row for (_, sk), row in tables if sk == "attempt"]
        lost = sum(row["seconds"] for row in attempts if row["state"] in ("LOST", "SENDING"))
        if any(row["state"] == "REFUSING" for row in attempts):
            yield "the minutes of a rejected create were never released"
        if lost and self.was_rejected_and_survived():
            yield f"{lost} seconds stay counted for a create that Runway rejected"
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
    """Yield the run without faults, then one run for each single fault."""
    calm = Run([], joins).play()
    yield calm
    for at in range(1, calm.effects + 1):
        for kind in KINDS:
            yield Run([Fault(at, kind)], joins).play()


def explored_rejected() -> Iterator[Run]:
    """Yield runs in which Runway rejects the create, and one of the following effects fails as well."""
    calm = Run([]).play()
    at = calm.trace.index("FakeRunwaySessions.create") + 1
    rejected = Run([Fault(at, "rejected")]).play()
    yield rejected
    for then in range(at + 1, rejected.effects + 1):
        for kind in KINDS:
            yield Run([Fault(at, "rejected"), Fault(then, kind)]).play()


def check(run: Run) -> None:
    found = list(run.violations())
    where = [f"{fault.kind} at {run.trace[fault.at - 1 :][:1]} ({fault.at})" for fault in run.faults]
    assert not found, f"{found} after {where}"


@pytest.mark.parametrize("joins", [True, False], ids=["the viewer joins", "the client has disconnected"])
def test_no_single_fault_violates_an_invariant(joins: bool, caplog: pytest.LogCaptureFixture) -> None:
    runs = 0
    for run in explored(joins):
        check(run)
        runs += 1
    assert runs > 100
    assert "secret-" not in caplog.text


def test_a_rejected_create_releases_its_minutes() -> None:
    runs = list(explored_rejected())
    for run in runs:
        check(run)
    assert any(fault.kind == "conflict" and "MemoryTable.write" in run.trace for run in runs for fault in run.faults)


def test_a_run_without_faults_completes_a_session() -> None:
    """Otherwise the search above would cover no real session."""
    run = Run([]).play()
    [row] = [from_row(row) for (_, sk), row in run.world.table.rows.items() if sk == "session"]
    assert (row.state, row.duration_seconds, row.used_seconds) == ("COMPLETED", 100, 100)
    assert len(run.returned) == 1
    assert len(row.outputs) == 2
    gone = Run([], joins=False).play()
    assert gone.world.runway_sessions.cancelled == ["live-1"]


def test_random_pairs_of_faults_violate_no_invariant() -> None:
    chance = random.Random(20261120)
    length = Run([]).play().effects
    for _ in range(400):
        places = sorted(chance.sample(range(1, length + 6), 2))
        check(Run([Fault(at, chance.choice(KINDS)) for at in places], chance.random() < 0.7).play())


def do_nothing(*_: Any, **__: Any) -> None:
    return None


GUARDS: dict[str, tuple[Any, str, Any]] = {
    "an unclaimed session is cancelled": (SessionMoves, "reason_to_cancel", do_nothing),
    "returned credentials are recorded": (SessionMoves, "consumed", lambda _, session, token: session),
    "a session without a row is cancelled": (create_session, "_cancel_orphan", do_nothing),
    "the conversation is owned first": (create_session, "own", do_nothing),
    "the sweeper replaces executions": (
        session_sweep,
        "start_watching",
        do_nothing,
    ),
    "a claim expires": (SessionMoves, "lease_is_over", lambda *_: False),
    "a release that failed is left to the sweeper": (SessionStore, "mark_refused", do_nothing),
    "the sweeper releases what was rejected": (session_sweep, "release_attempt", do_nothing),
    "an ending settles the minutes": (
        SessionMoves,
        "end",
        lambda self, session, *args, _end=SessionMoves.end, **named: _with_reservation(
            _end(self, session, *args, **named), session
        ),
    ),
}


def _with_reservation(after: Any, before: Any) -> Any:
    from dataclasses import replace

    return replace(after, reserved_seconds=before.reserved_seconds)


@pytest.mark.parametrize("name", GUARDS)
def test_without_a_guard_the_search_finds_a_violation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, instead = GUARDS[name]
    monkeypatch.setattr(owner, attribute, instead)
    runs = chain(explored_rejected(), explored(True), explored(False))
    assert any(list(run.violations()) for run in runs)
