"""python -m bench.pacing: how often each policy looks at a task, and how late it sees the end.

A simulation with seeds: run times are lognormal, one task in a hundred takes twice as long as it should, and of the
mixed load a tenth waits in Runway's queue first. Every policy meets the same tasks. Lag is what passes between a task's
end and the answer that tells of it.
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
ANSWER_SECONDS = 0.1
"""From a look to its answer."""

TRANSITIONS_A_POLL, TRANSITIONS_BESIDE = 3, 6
"""States of generation.asl.yaml: WaitForProgress, Poll, Route; and Enter, Submit, Route, Finish, Ending, Succeeded."""


class Model(NamedTuple):
    """Run times: their median in seconds, and the standard deviation of their logarithm."""

    median: float
    sigma: float

    @property
    def p10_seconds(self) -> float:
        return self.median * math.exp(-1.2816 * self.sigma)


MODELS = {"gen4_turbo": Model(28, 0.27), "gen4.5": Model(85, 0.2), "veo3": Model(105, 0.3)}
LOADS = (*MODELS, "mixed")
MEAN_QUEUE_SECONDS = 880.0


class Job(NamedTuple):
    """One generation as it will be. `draws` is the seed of whatever its progress and its poller leave to chance."""

    p10_seconds: float
    queue_seconds: float
    run_seconds: float
    draws: int


class Seen(NamedTuple):
    """What one look has told."""

    at: float
    status: str
    progress: float | None


Policy = Callable[[list[Seen], float, random.Random], float]
"""The looks so far, none at first, and the model's 10th percentile; seconds until the next look."""

Progress = Callable[[float, random.Random], float | None]
"""What Runway reports after that share of the run time."""


def ours(looks: list[Seen], p10_seconds: float, _chance: random.Random) -> float:
    """As `steps.poll` paces it: a task began to run after the last look that did not see it run."""
    if not looks:
        return first_wait(0.0, p10_seconds)
    last = looks[-1]
    if last.status != "RUNNING":
        return next_wait(last.status, last.at, None, p10_seconds)
    running = [look for look in looks if look.status == "RUNNING"]
    began_at = max((look.at for look in looks if look.status != "RUNNING"), default=0.0)
    earlier = running[-2] if len(running) > 1 else None
    before = (
        None if earlier is None or earlier.progress is None else EarlierPoll(earlier.at - began_at, earlier.progress)
    )
    return next_wait("RUNNING", last.at - began_at, last.progress, p10_seconds, before)


def sdk(_looks: list[Seen], _p10_seconds: float, chance: random.Random) -> float:
    """Runway's official SDKs, `wait_for_task_output`."""
    return chance.uniform(4.5, 7.5)


def fixed(_looks: list[Seen], _p10_seconds: float, _chance: random.Random) -> float:
    return 5.0


def exponential(looks: list[Seen], _p10_seconds: float, _chance: random.Random) -> float:
    return float(min(30.0, 2.0 * 1.5 ** len(looks)))


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
    """Means of one policy over one load."""

    polls: float
    lag_seconds: float

    @property
    def transitions(self) -> float:
        return TRANSITIONS_BESIDE + TRANSITIONS_A_POLL * self.polls

    def __str__(self) -> str:
        return f"{self.polls:4.1f} / {self.lag_seconds:4.1f}"


@cache
def jobs(load: str, count: int) -> tuple[Job, ...]:
    """The tasks of a model, or of all three in turn with a tenth of them throttled."""
    chance = random.Random(f"{SEED} {load}")
    made = []
    for number in range(count):
        model = list(MODELS.values())[number % len(MODELS)] if load == "mixed" else MODELS[load]
        run = chance.lognormvariate(math.log(model.median), model.sigma) * (2 if chance.random() < 0.01 else 1)
        is_throttled = load == "mixed" and chance.random() < 0.1
        queue = chance.expovariate(1 / MEAN_QUEUE_SECONDS) if is_throttled else 0.0
        made.append(Job(model.p10_seconds, queue, run, chance.getrandbits(32)))
    return tuple(made)


def watch(job: Job, policy: Policy, progress: Progress, stale: float) -> tuple[int, float]:
    """Looks at one task until its end is seen, and the lag."""
    chance = random.Random(job.draws)
    end = job.queue_seconds + job.run_seconds
    looks: list[Seen] = []
    at = 0.0
    while True:
        at += policy(looks, job.p10_seconds * stale, chance)
        if at >= end:
            return len(looks) + 1, at - end + ANSWER_SECONDS
        if at < job.queue_seconds:
            looks.append(Seen(at, "THROTTLED", None))
        else:
            looks.append(Seen(at, "RUNNING", progress((at - job.queue_seconds) / job.run_seconds, chance)))


def cost(
    load: str, policy: Policy, count: int, progress: Progress = lambda share, chance: share, stale: float = 1.0
) -> Cost:
    """`stale`: the percentile that the policy knows, as a multiple of the true one."""
    seen = [watch(job, policy, progress, stale) for job in jobs(load, count)]
    return Cost(mean(polls for polls, _ in seen), mean(lag for _, lag in seen))


def rows(count: int) -> Iterator[tuple[str, list[Cost]]]:
    """Name and costs, a load each. The first row is ours, the second the SDK's."""
    for name, policy in POLICIES.items():
        yield name, [cost(load, policy, count) for load in LOADS]
    for name, progress in POOR_PROGRESS.items():
        yield f"Tarmac, {name}", [cost(load, ours, count, progress) for load in LOADS]
    for name, stale in STALE.items():
        yield f"Tarmac, {name}", [cost(load, ours, count, stale=stale) for load in LOADS]


def table(found: Iterable[tuple[str, list[Cost]]]) -> Iterator[str]:
    """Polls / mean lag in seconds; then both as shares of the SDK's."""
    named = list(found)
    yield f"{'polls / mean lag in s':<40}" + "".join(f"{load:>14}" for load in LOADS)
    yield from (f"{name:<40}" + "".join(f"{one!s:>14}" for one in costs) for name, costs in named)
    reference = dict(named)["official SDK, 6 ± 1.5 s"]
    yield ""
    yield f"{'as shares of the official SDK':<40}" + "".join(f"{load:>14}" for load in LOADS)
    for name, costs in named:
        shares = (
            f"{one.polls / its.polls:4.2f} / {one.lag_seconds / its.lag_seconds:4.2f}"
            for one, its in zip(costs, reference, strict=True)
        )
        yield f"{name:<40}" + "".join(f"{share:>14}" for share in shares)


def main() -> int:
    found = list(rows(count=6000))
    print("\n".join(table(found)))
    mine, reference = (costs[-1].transitions for _, costs in found[:2])
    print(f"\nstate transitions of a mixed task: {mine:.0f}; at the SDK's cadence {reference:.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
