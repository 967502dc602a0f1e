"""A storm: hundreds of creates through every entry point amid lost responses, killed workers and restarts.

In the end the simulator's ledger, the table, the notices and the archive must agree that nothing was lost and
nothing was paid twice.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from tarmac.tasks.task import State, Task
from tests.storm.books import Books, problems
from tests.storm.callers import Caller, Loss, Order, Style, Tally
from tests.storm.requests import OPERATIONS, create_body
from tests.storm.rig import PATIENCE_SECONDS, Rig, Unanswered
from tests.storm.uploads import Uploads

pytestmark = pytest.mark.xdist_group("storm")

SINGLE_ORDERS = 420
GROUPS_OF_FOUR = 10
OBJECTS_AT_A_TIME = 16
REJECTED_OBJECTS = 4
CALLERS = 8

LOST_RESPONSES = tuple(f"create={how}" for how in ("lost", "garbage", "408", "500", "502", "504"))
OTHER_SCENARIOS = (
    *("", "", "", "throttled=10", "progress=none", "outputs=2"),
    *("create=503,times=1", "create=429,times=1", "create=401,times=1"),
    *("poll=502,polls=4", "poll=404,polls=1", "output=truncated,outputs_bad=1", "output=expired,outputs_bad=1"),
    *("fail=SAFETY.INPUT.TEXT", "fail=ASSET.INVALID", "cancelled=1"),
)
MAY_FAIL = ("fail=SAFETY.INPUT.TEXT", "fail=ASSET.INVALID", "cancelled=1", *LOST_RESPONSES)


@dataclass
class Watch:
    """The first ending of each task, to detect a second one."""

    seen: dict[str, tuple[State, float | None]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def observe(self, tasks: dict[str, Task]) -> None:
        for task in tasks.values():
            ending = (task.state, task.ended_at)
            if task.state.is_terminal and self.seen.setdefault(task.id, ending) != ending:
                self.changed.append(f"{task.id} had ended as {self.seen[task.id]} and then as {ending}")


def test_a_storm_loses_nothing_and_pays_nothing_twice(stormy: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Clients and their retries, duplicate events, two restarts, killed workers, Runway unreachable for a while."""
    began = time.monotonic()
    dice = random.Random(20261120)
    tally, watch, over = Tally(), Watch(), threading.Event()
    singles, groups = _orders(dice)
    uploads = Uploads(stormy, tally, random.Random(1))
    # The pool waits for its threads, so `over` must be set first, whatever fails.
    with (
        contextlib.closing(Caller(stormy.info, tally, over)) as caller,
        ThreadPoolExecutor(CALLERS + 2) as threads,
        contextlib.ExitStack() as ending,
    ):
        ending.callback(over.set)
        helpers = [threads.submit(_sweep_now_and_then, stormy, over, tally)]
        helpers += [threads.submit(uploads.redeliver_until, over)]
        work: list[Future[object]] = [threads.submit(_in_order, caller, group) for group in groups]
        work += [threads.submit(_in_order, caller, [order]) for order in singles]
        with contextlib.closing(_weather(stormy, uploads, tally, dice)) as weather:
            for _ in weather:
                _check(work)
                with contextlib.suppress(Exception):
                    watch.observe(stormy.tasks())
        for done in work:
            done.result(timeout=PATIENCE_SECONDS)
        over.set()
        for helper in helpers:
            helper.result(timeout=PATIENCE_SECONDS)
    uploads.deliver_all_again()
    tally.add("sweeps", stormy.settle(observe=watch.observe))
    # An event may come again after its object was used and deleted.
    uploads.delete_some(8)
    uploads.deliver_all_again()
    tally.add("sweeps", stormy.settle(observe=watch.observe))

    books = Books.of(stormy)
    wrong = problems(books, stormy, [task_id for _, task_id in tally.ids]) + watch.changed
    wrong += _answers(books, tally)
    wrong += _uploads(books, uploads)
    assert not wrong, "\n".join(wrong)
    with capsys.disabled():
        print("\n" + _summary(books, tally, uploads, time.monotonic() - began))


def _orders(dice: random.Random) -> tuple[list[Order], list[list[Order]]]:
    """Orders with a seed each, and groups of four identical ones."""
    singles = []
    for seed in range(1, SINGLE_ORDERS + 1):
        operation = dice.choice(OPERATIONS)
        scenario = LOST_RESPONSES[seed % len(LOST_RESPONSES)] if seed % 4 == 0 else dice.choice(OTHER_SCENARIOS)
        inline = operation == "image_to_video" and "times" not in scenario and dice.random() < 0.3
        body = create_body(operation, seed, f"seconds={dice.choice((2, 5, 9))},{scenario}", inline=inline)
        style = Style.KEY if seed % 3 else Style.SDK
        losses: tuple[Loss, ...]
        losses = (
            Loss.NONE,
            Loss.NONE,
            Loss.NONE,
            Loss.DROPPED,
            Loss.NEVER_ARRIVED,
            Loss.HUNG_UP,
            Loss.TIMED_OUT,
        )
        # Without a key, a retry that overtakes its first request cannot be distinguished from a second create.
        loss = dice.choice(losses if style is Style.KEY else losses[:5])
        cancel, read = seed % 17 == 0, seed % 5 == 0
        singles.append(Order(operation, body, style, loss, f"order-{seed}", cancel, read))
    groups = []
    for seed in range(10_001, 10_001 + GROUPS_OF_FOUR):
        body = create_body("text_to_video", seed, "seconds=5")
        losses = (Loss.NONE, Loss.DROPPED, Loss.NEVER_ARRIVED, Loss.NONE)
        # Each task is read before the next create: a retry may find a task that was not read.
        groups.append([Order("text_to_video", body, Style.SDK, loss, "", read=True) for loss in losses])
    return singles, groups


def _weather(rig: Rig, uploads: Uploads, tally: Tally, dice: random.Random) -> Generator[None]:
    """Run the disturbances after given numbers of accepted creates, never at times. Yields at every step."""

    def at(share: float) -> Iterator[None]:
        wanted = share * (SINGLE_ORDERS + 4 * GROUPS_OF_FOUR)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(tally.ids) < wanted:
            assert time.monotonic() < deadline, f"{len(tally.ids)} of {wanted:.0f} creates have an id"
            time.sleep(0.1)
            yield

    def kill(count: int) -> None:
        for _ in range(count):
            tally.add("kills", rig.kill_worker(dice.choice))

    uploads.put(OBJECTS_AT_A_TIME)
    yield from at(0.1)
    kill(2)
    yield from at(0.2)
    kill(2)
    yield from at(0.3)
    uploads.put(OBJECTS_AT_A_TIME)
    rig.restart_aws()
    tally.add("restarts")
    yield from at(0.4)
    kill(2)
    uploads.put(OBJECTS_AT_A_TIME)
    yield from at(0.5)
    rig.stop_simulator()
    yield from at(0.6)
    kill(2)
    uploads.put_unusable(REJECTED_OBJECTS)
    rig.start_simulator()
    yield from at(0.75)
    uploads.put(OBJECTS_AT_A_TIME)
    rig.restart_all()
    tally.add("restarts")
    yield from at(0.9)
    kill(3)


def _in_order(caller: Caller, orders: list[Order]) -> None:
    for order in orders:
        caller.place(order)


def _sweep_now_and_then(rig: Rig, over: threading.Event, tally: Tally) -> None:
    """Sweep every minute of the schedule, at the stack's pace."""
    while not over.wait(60 * rig.info.time_scale):
        try:
            rig.sweep()
            tally.add("sweeps")
        except Unanswered:
            tally.add("sweeps cut short")


def _check(work: list[Future[object]]) -> None:
    """Raise what a caller has raised so far."""
    for done in work:
        if done.done():
            done.result()


def _answers(books: Books, tally: Tally) -> Iterator[str]:
    """Yield violations of the clients' guarantees: one task a key, and four tasks for four equal creates in turn."""
    accepted = books.accepted
    for order, task_id in tally.ids:
        seed = order.body["seed"]
        if books.seeds.get(task_id) != seed:
            yield f"{task_id} was returned to seed {seed} and is of seed {books.seeds.get(task_id)}"
        wanted = 4 if not order.key else 1
        if accepted[seed] != wanted:
            yield f"seed {seed}: {accepted[seed]} tasks instead of {wanted}, {order.style.name} {order.loss.name}"
        state = books.tasks[task_id].state
        healthy = not order.cancel and not any(scenario in str(order.body) for scenario in MAY_FAIL)
        # Only a claim of a killed worker may cost a healthy generation: whether it was bought is unknown.
        if healthy and state not in (State.SUCCEEDED, State.AMBIGUOUS_FAILED):
            yield f"{task_id} has ended as {state} for no reason: {books.tasks[task_id].failure}"
        if order.cancel and books.tasks[task_id].cancel_requested_at is None:
            ended = books.tasks[task_id]
            if not (ended.state.is_terminal and ended.hidden_at):
                yield f"{task_id} was deleted and is {ended.state}"


def _uploads(books: Books, uploads: Uploads) -> Iterator[str]:
    tasks = [task for task in books.tasks.values() if task.source["kind"] == "s3"]
    if len(tasks) != len(uploads.usable_events):
        yield f"{len(uploads.usable_events)} objects became {len(tasks)} tasks"
    rejected = {notice["eventId"] for notice in books.notices if notice["type"] == "upload.rejected"}
    if len(rejected) != REJECTED_OBJECTS:
        yield f"{REJECTED_OBJECTS} unusable objects gave {len(rejected)} rejections"


def _summary(books: Books, tally: Tally, uploads: Uploads, seconds: float) -> str:
    counts = tally.counts
    lost = sum(any(scenario in str(entry["body"]) for scenario in LOST_RESPONSES) for entry in books.creates)
    endings = ", ".join(f"{state} {count}" for state, count in sorted(books.endings.items()))
    return (
        f"storm: {len(tally.ids) + len(uploads.usable_events)} creates, {lost} responses of Runway lost, "
        f"{counts['lost']} responses to clients lost, {counts['retries by KEY']} retries by key, "
        f"{counts['retries by SDK']} by SDKs, {counts['deliveries']} duplicate events, {counts['restarts']} restarts, "
        f"{counts['kills']} workers killed, {counts['sweeps']} sweeps and "
        f"{counts['sweeps cut short']} cut short; accepted {len(books.tasks)}, paid {len(books.creates)}; {endings}; "
        f"{len(books.notices)} notices; {seconds:.0f} s"
    )
