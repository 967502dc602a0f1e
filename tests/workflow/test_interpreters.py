"""Every state machine takes the same course on every interpreter: the local AWS's, moto's and the fault harness's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.workflow import on_ministack, on_moto
from tests.workflow.cases import GENERATIONS, SESSIONS
from tests.workflow.machines import Definitions, definitions
from tests.workflow.scripts import Case, Run

CASES = (*GENERATIONS, *SESSIONS)
Interpreter = Callable[[Definitions, Case], Run]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.machine}: {case.id}")
@pytest.mark.parametrize("run", [on_ministack.run, on_moto.run], ids=["ministack", "moto"])
def test_an_execution_takes_its_course(run: Interpreter, case: Case) -> None:
    assert run(definitions(), case) == case.expected
