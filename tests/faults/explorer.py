"""Many schedules: every set of one and two faults on the baselines, seeded random ones, and the shortest that fails."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from random import Random

from tests.faults.actions import FAULTS, TURNS
from tests.faults.run import Place, Reached, Report, Run, be_quick, quick, scripted
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.scheduler import START
from tests.progress import Progress

PAIRED_TURNS = ("cancel", "twin", "redrive", "stall", "kill")
"""The turns that sets of two are made with, beside all faults; the others are in those of one and the random ones."""

SHORT, MORE_SCHEDULES = 4, 500
"""A search whose finding is longer than this continues for so many schedules."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule: all that is needed to reproduce a run."""

    scenario: str
    max_ambiguous_retries: int
    deviations: tuple[tuple[Place, str], ...]

    def run(self) -> Report:
        return Run(SCENARIOS[self.scenario], scripted(dict(self.deviations)), self.max_ambiguous_retries).go()

    def __str__(self) -> str:
        """One line, which `parse` reads."""
        deviations = "".join(f"; {place.actor}#{place.point}: {action}" for place, action in self.deviations)
        return f"{self.scenario}; {self.max_ambiguous_retries}{deviations}"

    @classmethod
    def parse(cls, text: str) -> Schedule:
        scenario, retries, *deviations = (part.strip() for part in text.split(";"))
        found = []
        for deviation in deviations:
            place, _, action = deviation.partition(": ")
            actor, _, point = place.rpartition("#")
            found.append((Place(actor, int(point)), action))
        return cls(scenario, int(retries), tuple(found))


@dataclass(frozen=True, slots=True)
class Finding:
    """A schedule that breaks an invariant."""

    schedule: Schedule
    broken: str

    def story(self) -> str:
        """Return the schedule and its whole trace as text."""
        report = self.schedule.run()
        lines = [f"{self.broken}", f"  python -m tests.faults --replay '{self.schedule}'", *trace_lines(report)]
        return "\n".join(lines)


@dataclass(slots=True)
class Tally:
    """What was explored, and what was found: the shortest schedule of each broken invariant."""

    schedules: int = 0
    violations: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)

    def add(self, schedule: Schedule, report: Report) -> None:
        self.schedules += 1
        if report.broken is not None:
            self.violations += 1
            self.keep(Finding(schedule, report.broken))

    def keep(self, finding: Finding) -> None:
        shortest = self.findings.get(finding.broken)
        if shortest is None or len(finding.schedule.deviations) < len(shortest.schedule.deviations):
            self.findings[finding.broken] = finding

    def merge(self, other: Tally) -> None:
        self.schedules += other.schedules
        self.violations += other.violations
        for finding in other.findings.values():
            self.keep(finding)


def trace_lines(report: Report) -> list[str]:
    """Return a trace as lines."""
    return [
        f"  {each.at - START:9.1f} s  {each.place.actor + '#' + str(each.place.point):<18} {each.effect:<22} "
        f"{each.about}{'   ← ' + each.action if each.action else ''}"
        for each in report.trace
    ]


def singles(trace: list[Reached], turns: tuple[str, ...], after: Place | None = None) -> Iterator[tuple[Place, str]]:
    """Yield every deviation that is possible in a trace; with `after`, only those behind that place."""
    begun = after is None
    for each in trace:
        if begun:
            for action in (*FAULTS[each.effect], *turns):
                if action != "kill" or each.place.actor.startswith(("execution", "by-hand", "twin", "redrive")):
                    yield each.place, action
        begun = begun or each.place == after


def explore_singles(name: str, tally: Tally, stop: bool = False) -> None:
    """The baseline and every single deviation, with each budget of ambiguous retries that makes a difference.

    With `stop` only until a violation is found.
    """
    baseline = _explore(name, (), tally)
    for deviation in singles(baseline.trace, tuple(TURNS)):
        if stop and tally.findings:
            return
        _explore(name, (deviation,), tally)


def openings(name: str, turns: tuple[str, ...]) -> list[tuple[Place, str]]:
    """The first deviations of all sets of two."""
    return list(singles(Schedule(name, 1, ()).run().trace, turns))


def explore_pairs(name: str, first: tuple[Place, str], turns: tuple[str, ...], tally: Tally) -> None:
    """Every set of two deviations that begins with this one; the second from the trace that the first has made."""
    for retries in (1, 0):
        schedule = Schedule(name, retries, (first,))
        report = schedule.run()
        if retries == 0 and not report.was_ambiguous:
            continue
        for second in singles(report.trace, turns, after=first[0]):
            if retries == 0 or report.was_ambiguous:
                pair = Schedule(name, retries, (first, second))
                tally.add(pair, pair.run())
            else:
                _explore(name, (first, second), tally)


def explore_random(seeds: range, tally: Tally) -> None:
    for seed in seeds:
        chance = RandomDeviations(seed)
        report = chance.run()
        tally.add(chance.schedule(), report)


@dataclass(frozen=True, slots=True)
class Portion:
    """A worker's share: all sets of one of a scenario, all of two with one opening, or some random ones."""

    scenario: str = ""
    opening: tuple[Place, str] | None = None
    turns: tuple[str, ...] = ()
    seeds: range = range(0)

    def explore(self) -> Tally:
        tally = Tally()
        if self.opening is not None:
            explore_pairs(self.scenario, self.opening, self.turns, tally)
        elif self.scenario:
            explore_singles(self.scenario, tally)
        explore_random(self.seeds, tally)
        return tally


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is explored beside all sets of one deviation.

    pairs_of_faults: every set of two faults, on every baseline. openings: of so many first deviations, drawn by the
    seed, all sets of two of faults and turns. randoms: so many seeded schedules.
    """

    pairs_of_faults: bool
    openings: int
    randoms: int

    def portions(self, seed: int) -> list[Portion]:
        with quick():
            shares = [Portion(name) for name in SCENARIOS]
            both = [(name, opening) for name in SCENARIOS for opening in openings(name, PAIRED_TURNS)]
        drawn = Random(seed).sample(both, min(self.openings, len(both)))
        shares += [Portion(name, opening, PAIRED_TURNS) for name, opening in drawn]
        if self.pairs_of_faults:
            shares += [Portion(name, opening) for name, opening in both if opening[1] not in TURNS]
        end = seed + self.randoms
        shares += [Portion(seeds=range(start, min(start + 500, end))) for start in range(seed, end, 500)]
        return shares


def explore(shares: list[Portion], workers: int) -> Tally:
    """Explore all shares, each in its own process, and shorten the findings."""
    tally, progress = Tally(), Progress(len(shares), "portions explored")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=be_quick) as pool:
        for part in pool.map(Portion.explore, shares, chunksize=4):
            tally.merge(part)
            progress.step()
    with quick():
        found = [shortest(finding) for finding in tally.findings.values()]
    tally.findings = {}
    for finding in found:
        tally.keep(finding)
    return tally


class RandomDeviations:
    """Several deviations, drawn by a seed. Each seed allows its own few kinds, so that rare ones meet each other."""

    def __init__(self, seed: int, names: tuple[str, ...] = tuple(SCENARIOS), only: tuple[str, ...] = ()) -> None:
        self._draw = Random(seed)
        self._only = only
        self._scenario: Scenario = SCENARIOS[self._draw.choice(names)]
        self._retries = self._draw.choice((0, 1))
        self._rate = self._draw.choice((0.03, 0.06, 0.12, 0.25))
        self._left = self._draw.choice((3, 5, 8))
        self._turns = [turn for turn in TURNS if self._draw.random() < 0.4]
        self._fault_share = self._draw.choice((0.3, 0.6, 0.9)) if self._turns else 1.0
        self._yields = self._draw.choice((0.0, 0.1, 0.4))
        self._made: dict[Place, str] = {}

    def run(self) -> Report:
        return Run(self._scenario, self._choose, self._retries).go()

    def schedule(self) -> Schedule:
        return Schedule(self._scenario.name, self._retries, tuple(self._made.items()))

    def _choose(self, place: Place, effect: str, run: Run) -> str | None:
        draw = self._draw
        if self._only:
            return self._choose_only(place, effect)
        if self._yields and run.scheduler.ready and draw.random() < self._yields:
            return self._note(place, "yield")
        if not self._left or draw.random() > self._rate:
            return None
        self._left -= 1
        kinds = list(FAULTS[effect]) if draw.random() < self._fault_share else self._turns
        return self._note(place, draw.choice(kinds))

    def _choose_only(self, place: Place, effect: str) -> str | None:
        kinds = [action for where, _, action in map(_parted, self._only) if where in ("", effect)]
        if not kinds or not self._left or self._draw.random() > (0.6 if effect == "runway.create" else 0.1):
            return None
        self._left -= 1
        return self._note(place, self._draw.choice(kinds))

    def _note(self, place: Place, action: str) -> str:
        self._made[place] = action
        return action


def shortest(finding: Finding) -> Finding:
    """Return the same finding without the deviations that it does not need."""
    deviations = list(finding.schedule.deviations)
    number = finding.broken.partition(":")[0]
    broken = finding.broken
    lost_one = True
    while lost_one:
        lost_one = False
        for index in range(len(deviations) - 1, -1, -1):
            fewer = deviations[:index] + deviations[index + 1 :]
            report = Schedule(finding.schedule.scenario, finding.schedule.max_ambiguous_retries, tuple(fewer)).run()
            if report.broken is not None and report.broken.partition(":")[0] == number:
                deviations, broken, lost_one = fewer, report.broken, True
    return Finding(
        Schedule(finding.schedule.scenario, finding.schedule.max_ambiguous_retries, tuple(deviations)), broken
    )


def search(names: tuple[str, ...], only: tuple[str, ...], most_schedules: int, seed: int) -> Tally:
    """Search for a violation where it is cheapest first: no deviation, one, then random ones; stop at a short one.

    only: the actions to draw from, where some are excluded; `effect: action` is drawn at that effect alone.
    """
    tally = Tally()
    for name in () if only else names:
        explore_singles(name, tally, stop=True)
        if tally.findings:
            return tally
    until = most_schedules
    while tally.schedules < until:
        chance = RandomDeviations(seed, names, only)
        report = chance.run()
        tally.add(chance.schedule(), report)
        seed += 1
        if report.broken is not None:
            found = shortest(Finding(chance.schedule(), report.broken))
            tally.keep(found)
            if len(found.schedule.deviations) <= SHORT:
                break
            until = min(until, tally.schedules + MORE_SCHEDULES)
    return tally


def _parted(action: str) -> tuple[str, str, str]:
    """`effect: action`, or the action alone, which may be drawn at every effect."""
    return action.rpartition(": ")


def _explore(name: str, deviations: tuple[tuple[Place, str], ...], tally: Tally) -> Report:
    """With one ambiguous retry; and with none, where an ambiguous outcome makes the two differ."""
    schedule = Schedule(name, 1, deviations)
    report = schedule.run()
    tally.add(schedule, report)
    if report.was_ambiguous:
        without = Schedule(name, 0, deviations)
        tally.add(without, without.run())
    return report
