"""Each fault of Runway in every operation: how the task ends, and what it costs."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from tarmac.tasks.task import State
from tests.storm.books import Books, problems
from tests.storm.requests import OPERATIONS, create_body
from tests.storm.rig import Rig

pytestmark = pytest.mark.xdist_group("storm")

SUCCEEDED, FAILED, AMBIGUOUS = State.SUCCEEDED, State.FAILED, State.AMBIGUOUS_FAILED


@dataclass(frozen=True)
class Schedule:
    """A fault as directives of the simulator, and the expected ending. `paid`: creates in the ledger."""

    fault: str
    ends: State
    paid: int = 1
    code: str | None = None


SCHEDULES = (
    Schedule("pending=1", SUCCEEDED),
    Schedule("throttled=20", SUCCEEDED),
    Schedule("progress=none", SUCCEEDED),
    Schedule("outputs=3", SUCCEEDED),
    # Nothing was bought, so another attempt follows.
    *(Schedule(f"create={status},times=1", SUCCEEDED) for status in (401, 429, 503)),
    *(Schedule(f"create={status},times=2", SUCCEEDED) for status in (401, 429, 503)),
    Schedule("create=503,times=1,retry_after=3", SUCCEEDED),
    # It may have been bought (it was), so no attempt follows.
    *(Schedule(f"create={how}", AMBIGUOUS, 1, "TARMAC.AMBIGUOUS") for how in ("lost", "garbage", "408")),
    *(Schedule(f"create={status}", AMBIGUOUS, 1, "TARMAC.AMBIGUOUS") for status in (500, 502, 504)),
    # Runway rejects the create.
    *(Schedule(f"create={status}", FAILED, 0, f"TARMAC.REJECTED.{status}") for status in (400, 404, 422)),
    # An inconclusive poll does not end a task; four of them exceed the retries of one step.
    *(Schedule(f"poll={status},polls=4", SUCCEEDED) for status in (429, 500, 502, 503, 504)),
    Schedule("poll=404,polls=2", SUCCEEDED),
    Schedule("poll=404", FAILED, 1, "TARMAC.GONE"),
    # A download is retried before the output counts as lost.
    *(Schedule(f"output={flaw},outputs_bad=1", SUCCEEDED) for flaw in ("truncated", "gzip", "redirect", "oversize")),
    *(Schedule(f"output={flaw},outputs_bad=1", SUCCEEDED) for flaw in ("expired", "missing")),
    *(Schedule(f"output={flaw}", SUCCEEDED) for flaw in ("octet", "nolength")),
    *(Schedule(f"output={flaw}", FAILED, 1, "TARMAC.OUTPUT_EXPIRED") for flaw in ("expired", "missing")),
    *(Schedule(f"output={flaw}", FAILED, 1, "TARMAC.OUTPUT_UNUSABLE") for flaw in ("gzip", "oversize")),
    # Runway's own endings. A retryable failure is bought once more, and the row counts that.
    *(Schedule(f"fail={code}", FAILED, 1, code) for code in ("SAFETY.INPUT.TEXT", "INTERNAL.SAFETY.X")),
    *(Schedule(f"fail={code}", FAILED, 1, code) for code in ("ASSET.INVALID", "INPUT_PREPROCESSING.X", "NEVER.SEEN")),
    *(Schedule(f"fail={code}", FAILED, 2, code) for code in ("INTERNAL.BAD_OUTPUT.X", "THIRD_PARTY.X")),
    Schedule("fail=none", FAILED, 2),
    Schedule("cancelled=1", State.CANCELLED),
)


def test_every_fault_in_every_operation_has_its_ending_and_cost(calm: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Each task ends as its fault demands, is announced, and costs no more than it may."""
    allowed = [(operation, False) for operation in OPERATIONS] + [("image_to_video", True)]
    # Each create uploads its inline picture again, so the simulator cannot count equal bodies (`times`).
    pairs = [pair for pair in itertools.product(SCHEDULES, allowed) if "times" not in pair[0].fault or not pair[1][1]]
    plan = {seed: (schedule, *way) for seed, (schedule, way) in enumerate(pairs, start=1)}
    url, key = calm.info.api_url, calm.info.api_key
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60) as api:

        def create(seed: int) -> str:
            schedule, operation, inline = plan[seed]
            body = create_body(operation, seed, f"seconds=2,{schedule.fault}", inline=inline)
            answer = api.post(f"/v1/{operation}", json=body)
            assert answer.status_code == 200, answer.text
            return str(answer.json()["id"])

        with ThreadPoolExecutor(4) as callers:
            ids = dict(zip(plan, callers.map(create, plan), strict=True))
    calm.settle()

    books = Books.of(calm)
    wrong = problems(books, calm, ids.values())
    paid = books.paid
    for seed, (schedule, operation, inline) in plan.items():
        task = books.tasks[ids[seed]]
        ended = (task.state, paid[seed]), (task.state is FAILED and task.failure_code) or None
        code = schedule.code if schedule.ends is FAILED else None
        if ended != ((schedule.ends, schedule.paid), code):
            wrong.append(
                f"{schedule.fault} in {operation}{' with a data URI' if inline else ''}: {task.state}"
                f" {task.failure_code}, paid {paid[seed]}; expected {schedule}"
            )
    assert not wrong, "\n".join(wrong)
    with capsys.disabled():
        print(f"\nsingle faults: {len(plan)} schedules, {sum(paid.values())} paid, {dict(books.endings)}")
