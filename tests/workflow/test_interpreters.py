"""Every state machine takes the same course on every interpreter: the local AWS's, moto's and the fault harness's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.workflow import on_harness, on_ministack, on_moto
from tests.workflow.cases import FAILED, GENERATIONS
from tests.workflow.film_cases import CASES, FIRST_SHOT_FAILED
from tests.workflow.machines import Definitions, definitions
from tests.workflow.scripts import QUERY_ERROR, Case, Run

DEFINITIONS = definitions()
Interpreter = Callable[[Definitions, Case], Run]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.machine}: {case.id}")
@pytest.mark.parametrize("run", [on_ministack.run, on_moto.run], ids=["ministack", "moto"])
def test_an_execution_takes_its_course(run: Interpreter, case: Case) -> None:
    assert run(DEFINITIONS, case) == case.expected


@pytest.mark.parametrize("case", [case for case in GENERATIONS if case.error != QUERY_ERROR], ids=lambda case: case.id)
def test_the_fault_harness_takes_the_same_course(case: Case) -> None:
    """It knows the expressions by their form only, so expressions that fail are left out."""
    assert on_harness.run(case) == on_harness.expected(case)


def test_a_failed_shot_ends_the_film_before_the_next_one_starts() -> None:
    """On the local AWS the next one starts, and the error is the one of the shot itself."""
    run = on_moto.run(DEFINITIONS, FIRST_SHOT_FAILED)

    assert run.visited == FIRST_SHOT_FAILED.expected.visited
    assert [function for function, _ in run.calls] == [step.function for step in FIRST_SHOT_FAILED.steps]
    failure = run.calls[-1][1]["failure"]
    assert failure["error"] == "States.TaskFailed"
    assert (failure["cause"]["Error"], failure["cause"]["Cause"]) == (FAILED["error"], FAILED["cause"])
