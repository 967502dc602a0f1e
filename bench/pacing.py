"""python -m bench.pacing: how often each policy polls a generation, and how late it detects the end.

A simulation with fixed seeds. Run times are lognormal, one in a hundred generations takes twice its time, and a tenth
of the mixed load waits in Runway's queue first. All policies get the same generations. Lag is the time between the end
of a generation and the response that reports it.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from statistics import mean
from typing import NamedTuple

from tarmac.tasks.pacing import EarlierPoll, first_wait, next_wait

SEED = 20241106
RESPONSE_SECONDS = 0.1
"""From a poll to its response."""

TRANSITIONS_PER_POLL, OTHER_TRANSITIONS = 3, 6
"""States of generation.asl.yaml: WaitForProgress, Poll, Route; Enter, Submit, Route, Finish, Ending, Succeeded."""


class Model(NamedTuple):
    """Run times of a model. median: in seconds. sigma: standard deviation of the logarithm."""

    median: float
    sigma: float

    @property
    def p10_seconds(self) -> float:
        return self.median * math.exp(-1.2816 * self.sigma)


MODELS = {"gen4_turbo": Model(28, 0.27), "gen4.5": Model(85, 0.2), "veo3": Model(105, 0.3)}
LOADS = (*MODELS, "mixed")
MEAN_QUEUE_SECONDS = 880.0


class Generation(NamedTuple):
    """One simulated generation. seed: of the random numbers for its progress and its policy."""

    p10_seconds: float
    queue_seconds: float
    run_seconds: float
    seed: int


class Polled(NamedTuple):
    """What a poll returned, in seconds since creation."""

    at: float
    status: str
    progress: float | None


Policy = Callable[[list[Polled], float, random.Random], float]
"""(polls so far, the model's 10th percentile in seconds, random numbers) → seconds until the next poll."""

Progress = Callable[[float, random.Random], float | None]
"""(elapsed share of the run time, random numbers) → progress that Runway reports."""


def ours(polls: list[Polled], p10_seconds: float, _chance: random.Random) -> float:
    """Tarmac's policy. As in `tasks.poll`, a run is assumed to begin at the last poll that did not find it running."""
    if not polls:
        return first_wait(0.0, p10_seconds)
    last = polls[-1]
    if last.status != "RUNNING":
        return next_wait(last.status, last.at, None, p10_seconds)
    running = [poll for poll in polls if poll.status == "RUNNING"]
    began_at = max((poll.at for poll in polls if poll.status != "RUNNING"), default=0.0)
    earlier = running[-2] if len(running) > 1 else None
    before = (
        None if earlier is None or earlier.progress is None else EarlierPoll(earlier.at - began_at, earlier.progress)
    )
    return next_wait("RUNNING", last.at - began_at, last.progress, p10_seconds, before)


def sdk(_polls: list[Polled], _p10_seconds: float, chance: random.Random) -> float:
    """The policy of Runway's official SDKs, `wait_for_task_output`."""
    return chance.uniform(4.5, 7.5)


def fixed(_polls: list[Polled], _p10_seconds: float, _chance: random.Random) -> float:
    """Poll every 5 s."""
    return 5.0


def exponential(polls: list[Polled], _p10_seconds: float, _chance: random.Random) -> float:
    """Exponential backoff from 2 s to 30 s."""
    return float(min(30.0, 2.0 * 1.5 ** len(polls)))


POLICIES: dict[str, Policy] = {
    "Tarmac": ours,
    "official SDK, 6 ± 1.5 s": sdk,
    "fixed, 5 s": fixed,
    "exponential, 2 × 1.5 ≤ 30 s": exponential,
}

POOR_PROGRESS: dict[str, Progress] = {
    "no progress": lambda share, chance: None,
    "progress fast, then slow": lambda share, chance: share**0.5,
    "progress slow, then fast": lambda share, chance: share**1.5,
    "progress slower still at first": lambda share, chance: share**2,
    "progress in tenths": lambda share, chance: math.floor(share * 10) / 10,
    "progress in quarters": lambda share, chance: math.floor(share * 4) / 4,
    "progress off by up to a fifth": lambda share, chance: min(1.0, share * chance.uniform(0.8, 1.2)),
    "progress stuck at 99 %": lambda share, chance: min(0.99, share * 1.3),
}
STALE = {"percentiles 1.5 × too high": 1.5, "percentiles 1.5 × too low": 1 / 1.5}


@dataclass(frozen=True, slots=True)
class Cost:
    """Mean polls and lag of one policy over one load."""

    polls: float
    lag_seconds: float

    @property
    def transitions(self) -> float:
        return OTHER_TRANSITIONS + TRANSITIONS_PER_POLL * self.polls

    def __str__(self) -> str:
        return f"{self.polls:4.1f} / {self.lag_seconds:4.1f}"


@cache
def generations(load: str, count: int) -> tuple[Generation, ...]:
    """Return generations of a model; for the load `mixed`, of all models in turn, with a tenth of them throttled."""
    chance = random.Random(f"{SEED} {load}")
    made = []
    for number in range(count):
        model = list(MODELS.values())[number % len(MODELS)] if load == "mixed" else MODELS[load]
        run = chance.lognormvariate(math.log(model.median), model.sigma) * (2 if chance.random() < 0.01 else 1)
        is_throttled = load == "mixed" and chance.random() < 0.1
        queue = chance.expovariate(1 / MEAN_QUEUE_SECONDS) if is_throttled else 0.0
        made.append(Generation(model.p10_seconds, queue, run, chance.getrandbits(32)))
    return tuple(made)


def simulate(generation: Generation, policy: Policy, progress: Progress, stale: float) -> tuple[int, float]:
    """Return the number of polls until the end of the generation is detected, and the lag in seconds."""
    chance = random.Random(generation.seed)
    end = generation.queue_seconds + generation.run_seconds
    polls: list[Polled] = []
    at = 0.0
    while True:
        at += policy(polls, generation.p10_seconds * stale, chance)
        if at >= end:
            return len(polls) + 1, at - end + RESPONSE_SECONDS
        if at < generation.queue_seconds:
            polls.append(Polled(at, "THROTTLED", None))
        else:
            polls.append(
                Polled(at, "RUNNING", progress((at - generation.queue_seconds) / generation.run_seconds, chance))
            )


def cost(
    load: str, policy: Policy, count: int, progress: Progress = lambda share, chance: share, stale: float = 1.0
) -> Cost:
    """Simulate one policy over one load. stale: the percentile that the policy uses, as a multiple of the true one."""
    results = [simulate(each, policy, progress, stale) for each in generations(load, count)]
    return Cost(mean(polls for polls, _ in results), mean(lag for _, lag in results))


def rows(count: int) -> Iterator[tuple[str, list[Cost]]]:
    """Yield the name of a policy and its costs for each load. The first row is Tarmac's, the second the SDK's."""
    for name, policy in POLICIES.items():
        yield name, [cost(load, policy, count) for load in LOADS]
    for name, progress in POOR_PROGRESS.items():
        yield f"Tarmac, {name}", [cost(load, ours, count, progress) for load in LOADS]
    for name, stale in STALE.items():
        yield f"Tarmac, {name}", [cost(load, ours, count, stale=stale) for load in LOADS]


def table(results: Iterable[tuple[str, list[Cost]]]) -> Iterator[str]:
    """Yield the lines of two tables: polls and mean lag in seconds, then both relative to the SDK's."""
    named = list(results)
    yield f"{'polls / mean lag in s':<40}" + "".join(f"{load:>14}" for load in LOADS)
    yield from (f"{name:<40}" + "".join(f"{one!s:>14}" for one in costs) for name, costs in named)
    reference = dict(named)["official SDK, 6 ± 1.5 s"]
    yield ""
    yield f"{'relative to the official SDK':<40}" + "".join(f"{load:>14}" for load in LOADS)
    for name, costs in named:
        ratios = (
            f"{one.polls / its.polls:4.2f} / {one.lag_seconds / its.lag_seconds:4.2f}"
            for one, its in zip(costs, reference, strict=True)
        )
        yield f"{name:<40}" + "".join(f"{ratio:>14}" for ratio in ratios)


def main() -> int:
    results = list(rows(count=6000))
    print("\n".join(table(results)))
    mine, reference = (costs[-1].transitions for _, costs in results[:2])
    print(f"\nstate transitions of a task of the mixed load: {mine:.0f}; with the SDK's policy: {reference:.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
