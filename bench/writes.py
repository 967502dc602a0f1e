"""python -m bench.writes: DynamoDB write units of a task, of its row and of the entries in both indexes.

The real steps run over a table in memory that counts as DynamoDB bills: a KB or part of it is a unit, a transaction
doubles the units of its rows, and an index bills each entry that a write creates, changes or deletes. A changed index
key deletes one entry and creates another. Sources: DynamoDB developer guide, "Read and write operations" and "Global
secondary indexes".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.aws import template
from local.paths import ROOT
from tarmac.ports import Row, Write
from tarmac.runway.ports import UpstreamTask
from tarmac.tasks.accept import accept
from tarmac.tasks.poll import poll
from tarmac.tasks.submit import submit
from tests.fakes import MemoryTable, World
from tests.fakes.composed import finish, sweep
from tests.fakes.runway import MP4
from tests.fakes.stories import an_order

UNIT_BYTES = 1024
SWEEP_SECONDS = 60
DEADLINE_SECONDS = 3 * 24 * 3600.0
DOLLARS_A_MILLION = 0.625
"""Write request units in us-east-1, on demand, November 2026."""


@dataclass(frozen=True, slots=True)
class Index:
    """attributes: those of an entry; None for all of the row."""

    name: str
    keys: tuple[str, str]
    attributes: frozenset[str] | None

    def entry(self, row: Mapping[str, Any] | None) -> Row | None:
        """The entry of a row; None for a row without the index's keys."""
        if row is None or not all(key in row for key in self.keys):
            return None
        return {name: value for name, value in row.items() if self.attributes is None or name in self.attributes}

    def units(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> int:
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old is not None and new is not None and all(old[key] == new[key] for key in self.keys):
            return max(units_of(old), units_of(new))
        return sum(units_of(entry) for entry in (old, new) if entry is not None)


def indexes() -> list[Index]:
    """The indexes of template.yaml."""
    deployment = template.parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    found = []
    for index in deployment["Resources"]["TasksTable"]["Properties"]["GlobalSecondaryIndexes"]:
        first, second = (key["AttributeName"] for key in index["KeySchema"])
        projection = index["Projection"]
        names = frozenset({"pk", "sk", first, second, *projection.get("NonKeyAttributes", ())})
        is_whole = projection["ProjectionType"] == "ALL"
        found.append(Index(index["IndexName"], (first, second), None if is_whole else names))
    return found


class BilledTable(MemoryTable):
    """`units` counts by what was written: `rows`, and each index by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.units: Counter[str] = Counter()
        self._indexes = indexes()

    def write(self, *writes: Write) -> None:
        before = dict(self.rows)
        super().write(*writes)
        changed = [key for key, row in self.rows.items() if before.get(key) is not row]
        for key in changed:
            self._bill(before.get(key), self.rows[key], 2 if len(writes) > 1 else 1)

    def _bill(self, before: Row | None, after: Row, factor: int) -> None:
        self.units["rows"] += factor * max(units_of(after), units_of(before or {}))
        for index in self._indexes:
            self.units[index.name] += index.units(before, after)


def units_of(item: Mapping[str, Any]) -> int:
    return max(1, math.ceil(sum(len(name.encode()) + size_of(value) for name, value in item.items()) / UNIT_BYTES))


def size_of(value: Any) -> int:
    """Bytes of a value, as DynamoDB counts them."""
    match value:
        case str():
            return len(value.encode())
        case bool() | None:
            return 1
        case int() | float():
            return math.ceil(len(repr(value).strip("-0.").replace(".", "")) / 2) + 1
        case Mapping():
            return 3 + sum(1 + len(name.encode()) + size_of(part) for name, part in value.items())
        case _:
            return 3 + sum(1 + size_of(part) for part in value)


@dataclass(frozen=True, slots=True)
class Life:
    """A task: seconds in Runway's queue, and running."""

    name: str
    queued_seconds: float
    running_seconds: float


LIVES = (
    Life("28 s, as gen4_turbo", 2.0, 26.0),
    Life("85 s, as gen4.5", 2.0, 83.0),
    Life("10 minutes", 2.0, 598.0),
    Life("queued for a day", 24 * 3600.0, 85.0),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Write units of one task. sweeps: how often the sweeper has found it due while it was well."""

    units: Counter[str]
    polls: int
    sweeps: int

    @property
    def total(self) -> int:
        return self.units.total()


def cost(life: Life) -> Cost:
    """A task from acceptance to its notice, with the sweep of each minute."""
    world = World()
    table = world.table = BilledTable()
    task = accept(an_order(), world, DEADLINE_SECONDS).task
    swept = {"at": world.clock.now(), "watched": 0}

    def sleep(seconds: float) -> None:
        until = world.clock.now() + seconds
        while swept["at"] + SWEEP_SECONDS <= until:
            swept["at"] += SWEEP_SECONDS
            world.clock.advance(max(0.0, swept["at"] - world.clock.now()))
            swept["watched"] += sweep(world).watched
        world.clock.advance(max(0.0, until - world.clock.now()))

    outcome = submit(task.id, world, 0)
    began, polls = world.clock.now(), 0
    while outcome.word == "running":
        sleep(outcome.wait_seconds)
        show(world, life, world.clock.now() - began)
        outcome = poll(task.id, world, 1)
        polls += 1
    finish(task.id, world, 10_000)
    ended = world.tasks.get(task.id)
    assert (ended.state, ended.notice_state) == ("SUCCEEDED", "SENT")
    return Cost(table.units, polls, int(swept["watched"]))


def show(world: World, life: Life, age: float) -> None:
    """Bring Runway's task to what it is at this age."""
    if age < life.queued_seconds:
        status = "THROTTLED" if life.queued_seconds > 60 else "PENDING"
        world.runway.tasks["up-1"] = UpstreamTask("up-1", status)
    elif age < life.queued_seconds + life.running_seconds:
        progress = (age - life.queued_seconds) / life.running_seconds
        world.runway.tasks["up-1"] = UpstreamTask("up-1", "RUNNING", progress=round(progress, 2))
    else:
        link = "https://cdn.example/up-1/1.mp4"
        world.downloads.contents[link] = MP4
        world.runway.tasks["up-1"] = UpstreamTask("up-1", "SUCCEEDED", output=(link,), cost_credits=25.0)


def main() -> None:
    print(f"{'task':<22}{'polls':>7}{'rows':>7}{'byClient':>10}{'due':>7}{'units':>8}{'dollars':>11}{'watched':>9}")
    for life in LIVES:
        found = cost(life)
        units = found.units
        print(
            f"{life.name:<22}{found.polls:>7}{units['rows']:>7}{units['byClient']:>10}{units['due']:>7}"
            f"{found.total:>8}{found.total * DOLLARS_A_MILLION / 1e6:>11.6f}{found.sweeps:>9}"
        )


if __name__ == "__main__":
    main()
