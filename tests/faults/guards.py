"""The product with one guard less: the harness must find the fault that the guard prevents.

A guard is removed where its module is imported, in a process of its own: its exact source, which must occur once, is
replaced in memory. Two guards are part of the stores, not of the steps; these are removed from the harness's stores.

    python -m tests.faults.guards 'claim: state'        one guard, with its shortest schedule
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

MOST_SCHEDULES = 60_000
TRANSITIONS, SUBMIT, FINISH = "tarmac.tasks.moves", "tarmac.tasks.submit", "tarmac.tasks.finish"
STORE = "the harness's store"
LATE = ("twin", "runway.create: long stall", "runway.create: stall")


@dataclass(frozen=True, slots=True)
class Guard:
    """`source` in `module` prevents a fault; `instead` in its place permits it. `around`: the scenarios to search;
    `only`: the deviations to draw from, where a fault needs a rare combination.
    """

    name: str
    module: str
    source: str
    instead: str
    around: tuple[str, ...] = ("api success",)
    only: tuple[str, ...] = ()


GUARDS = (
    Guard("row: compare-and-set on its version", STORE, "unconditional updates", "", ("cancelled running",)),
    Guard("row: created once", STORE, "unconditional creates", "", ("s3 success",)),
    Guard("archive: If-None-Match", STORE, "unconditional objects", ""),
    Guard(
        "claim: state",
        TRANSITIONS,
        "if task.state not in (State.ACCEPTED, State.WAITING):\n"
        '            raise TransitionRefused(f"{task.state} cannot be claimed")',
        "",
        only=LATE,
    ),
    Guard(
        "claim: cancel",
        TRANSITIONS,
        "if task.cancel_requested_at is not None:\n            raise",
        "if False:\n            raise",
    ),
    Guard(
        "claim: deadline",
        TRANSITIONS,
        "if self.now >= task.deadline_at:",
        "if False:",
        ("deadline", "deadline just met"),
    ),
    Guard("claim: its own repeated write", TRANSITIONS, "if task.claim == token:\n            return task", ""),
    Guard(
        "bind: its own repeated write", TRANSITIONS, "if task.upstream_id == upstream_id:\n            return task", ""
    ),
    Guard(
        "bind: token",
        TRANSITIONS,
        "            return task\n        self._check_claim(task, token)",
        "            return task\n"
        "        if task.state is not State.SUBMITTING:\n"
        '            raise TransitionRefused("not claimed")',
        only=LATE,
    ),
    Guard(
        "refuse: token",
        TRANSITIONS,
        'so the attempt does not count."""\n        self._check_claim(task, token)',
        'so the attempt does not count."""',
        only=(*LATE, "runway.create: refuse"),
    ),
    Guard(
        "reject: token",
        TRANSITIONS,
        'rejected the request. Nothing was bought."""\n        self._check_claim(task, token)',
        'rejected the request. Nothing was bought."""',
        only=(*LATE, "runway.create: reject"),
    ),
    Guard(
        "ambiguous: lease",
        TRANSITIONS,
        "if task.state is not State.SUBMITTING or not self.lease_is_over(task):",
        "if task.state is not State.SUBMITTING:",
        only=("twin", "runway.create: stall", "runway.create: crash after", "table.get: stall"),
    ),
    Guard("ambiguous: budget", TRANSITIONS, "if task.ambiguous < max_ambiguous_retries and", "if"),
    Guard(
        "retry: bound",
        TRANSITIONS,
        'the cost of the next one is added to it.\n        """\n        self._check_bound(task, upstream_id)',
        'the cost of the next one is added to it.\n        """',
        ("failed, retried",),
        only=("long stall", "twin", "redrive"),
    ),
    Guard(
        "archived: bound and not listed",
        TRANSITIONS,
        "if any(known.key == output.key for known in task.outputs):",
        "if False:",
    ),
    Guard(
        "fail: about this generation",
        TRANSITIONS,
        'None if no attempt was made.\n        """\n        self._check_unsent_or_bound(task, upstream_id)',
        'None if no attempt was made.\n        """',
        ("failed twice",),
        only=("redrive", "stall", "kill"),
    ),
    Guard("ending: with its notice", TRANSITIONS, "notice_state=NoticeState.PENDING,", ""),
    Guard(
        "ending: reservation released",
        TRANSITIONS,
        "cost_credits=cost, reserved_credits=0.0, **changes",
        "cost_credits=cost, **changes",
    ),
    Guard("rerun: a new name", TRANSITIONS, "run=task.run + 1, ", ""),
    Guard(
        "submit: an ambiguous create is not refused",
        SUBMIT,
        "return _response_lost(task, token, effects, max_ambiguous_retries)",
        "effects.tasks.move(task.id, Moves.refuse, token, 5)\n        return Outcome('waiting', 5)",
    ),
    Guard(
        "submit: a late generation is cancelled",
        SUBMIT,
        "_cancel_orphan(created.upstream_id, effects)",
        "pass",
        only=LATE,
    ),
    Guard(
        "submit: a claim that has expired is handled as a lost response",
        SUBMIT,
        "return _response_lost(task, None, effects, max_ambiguous_retries)",
        "return Outcome('waiting', 5)",
    ),
    Guard(
        "accept: the row comes first",
        "tarmac.tasks.accept",
        "effects.tasks.create(task, request, *others)",
        "start_execution(task, effects)\n        effects.tasks.create(task, request, *others)",
    ),
    Guard(
        "accept: one object version, one id",
        "tarmac.inbox.upload_requests",
        "order = order_of(wanted, defaults.client, source, task_id, defaults.allowed)",
        "order = order_of(wanted, defaults.client, source, None, defaults.allowed)",
        ("s3 success",),
    ),
    Guard(
        "accept: a key stands for one body",
        "tarmac.tasks.idempotency",
        "if record.body_sha256 != request_identity.body_sha256:",
        "if False:",
        ("idempotency key",),
    ),
    Guard(
        "accept: a key is taken with its task",
        "tarmac.tasks.accept",
        "effects.tasks.create(task, request, *others)",
        "effects.tasks.create(task, request)",
        ("idempotency key",),
    ),
    Guard(
        "accept: its own repeated write",
        TRANSITIONS,
        "if task.retry_claim == claim:\n            return task",
        "",
        ("a retry of its own",),
    ),
    Guard(
        "accept: a retry takes a task once",
        TRANSITIONS,
        "if not task.claimable or retry <= task.claimed_retry:",
        "if False:",
    ),
    Guard(
        "poll: budget of failures",
        "tarmac.tasks.poll",
        "and task.failure_retries < max_failure_retries",
        "",
        ("failed twice",),
    ),
    Guard(
        "poll: only retryable failures",
        "tarmac.tasks.poll",
        "and is_retryable(upstream.failure_code)",
        "",
        ("failed for good",),
    ),
    Guard(
        "poll: polls before it cancels",
        "tarmac.tasks.poll",
        "if upstream.is_terminal:\n            return",
        "if upstream.is_terminal and not _must_stop(task, effects):\n            return",
        ("cancelled late",),
    ),
    Guard(
        "poll and finish: gone is confirmed",
        "tarmac.rows",
        "CONFIRMATIONS_OF_GONE = 3",
        "CONFIRMATIONS_OF_GONE = 1",
        only=("runway.task: not found",),
    ),
    Guard(
        "finish: SENT only after the publish",
        FINISH,
        "effects.topic.publish(message, attributes)\n"
        "    try:\n"
        "        return effects.tasks.move(task.id, Moves.announced)",
        "try:\n"
        "        sent = effects.tasks.move(task.id, Moves.announced)\n"
        "        effects.topic.publish(message, attributes)\n"
        "        return sent",
    ),
    Guard(
        "finish: the webhook is queued before SENT",
        FINISH,
        'effects.webhook_queue.send(json.dumps({"taskId": task.id}, separators=(",", ":")))',
        "pass",
        ("webhook",),
    ),
    Guard(
        "cancel: polls before it cancels",
        "tarmac.tasks.cancel",
        "if not effects.runway.task(upstream_id).is_terminal:",
        "if True:",
        ("cancelled late",),
    ),
    Guard(
        "cancel: marks the row first",
        "tarmac.tasks.cancel",
        "marked = effects.tasks.move(task.id, Moves.request_cancel)",
        "marked = task",
        ("cancelled running",),
    ),
    Guard(
        "archive: length",
        "tarmac.media.downloads",
        "if self._expected is not None and self.read_bytes != self._expected:",
        "if False:",
    ),
    Guard("sweep: a pending notice is published", "tarmac.tasks.sweep", "announce(task, effects, on_ended)", "pass"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the search without the guard. `story` describes the shortest schedule that breaks an invariant."""

    guard: str
    broken: str | None
    schedule: str
    schedules: int
    story: str


def judge(guard: Guard, seed: int) -> Verdict:
    """Search in a process of its own."""
    command = [sys.executable, "-m", __name__, guard.name, "--json", "--seed", str(seed)]
    # The product's folder may be on this process's path alone, as pytest puts it there.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], env=environment, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{guard.name}: {done.stderr.strip().splitlines()[-1]}")
    return Verdict(**json.loads(done.stdout))


def judge_all(seed: int, workers: int) -> list[Verdict]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda guard: judge(guard, seed), GUARDS))


class WithoutGuard(importlib.abc.MetaPathFinder):
    """Imports one module of the product with a piece of its source replaced. Install it before anything is imported."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        if name != self._guard.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Replacing(name, spec.origin, self._guard)
        return spec


class _Replacing(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, guard: Guard) -> None:
        super().__init__(name, path)
        self._guard = guard

    def get_code(self, name: str) -> Any:
        # Without the byte code cache, which knows the source as it is.
        source = Path(self.path).read_text(encoding="utf-8")
        found = source.count(self._guard.source)
        if found != 1:
            raise ImportError(f"the guard {self._guard.name!r} occurs {found} times in {self.path}, not once")
        return compile(source.replace(self._guard.source, self._guard.instead), self.path, "exec")


def _loosen(what: str) -> None:
    """Remove a guard from the harness's stores."""
    from tests.faults import effects

    def holds(put: Any) -> bool:
        return what == ("unconditional creates" if put.over is None else "unconditional updates")

    check: Callable[..., None] = effects.RowsInMemory.check
    if what == "unconditional objects":
        effects.WatchedObjects.check_new = lambda self, key: self.memory.objects.pop(key, None)  # type: ignore[assignment]
    else:
        effects.RowsInMemory.check = lambda self, put: None if holds(put) else check(self, put)


def _search(guard: Guard, seed: int) -> Verdict:
    if guard.module == STORE:
        _loosen(guard.source)
    else:
        assert not any(name.partition(".")[0] == "tarmac" for name in sys.modules)
        sys.meta_path.insert(0, WithoutGuard(guard))
    from tests.faults.explorer import search, shortest
    from tests.faults.run import quick

    with quick():
        tally = search(guard.around, guard.only, MOST_SCHEDULES, seed)
        if not tally.findings:
            return Verdict(guard.name, None, "", tally.schedules, "")
        found = shortest(min(tally.findings.values(), key=lambda finding: len(finding.schedule.deviations)))
        return Verdict(guard.name, found.broken, str(found.schedule), tally.schedules, found.story())


def main() -> None:
    import argparse
    from dataclasses import asdict

    parser = argparse.ArgumentParser(prog="python -m tests.faults.guards")
    parser.add_argument("guard", choices=[guard.name for guard in GUARDS], metavar="GUARD")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    verdict = _search(next(guard for guard in GUARDS if guard.name == options.guard), options.seed)
    print(json.dumps(asdict(verdict)) if options.json else verdict.story or "not detected")


if __name__ == "__main__":
    main()
