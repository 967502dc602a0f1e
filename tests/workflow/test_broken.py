"""The cases notice every planted fault, on both interpreters."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.workflow import on_ministack, on_moto
from tests.workflow.broken import FAULTS, Fault
from tests.workflow.film_cases import CASES
from tests.workflow.machines import Definitions, definitions
from tests.workflow.scripts import Case, Runaway
from tests.workflow.test_interpreters import Interpreter

DEFINITIONS = definitions()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.machine}: {fault.id}")
def test_a_faulty_definition_is_noticed(fault: Fault) -> None:
    broken = fault.plant(DEFINITIONS)
    cases = [case for case in CASES if case.machine == fault.machine]
    assert any(
        takes_another_course(on_ministack.run, broken, case) and takes_another_course(on_moto.run, broken, case)
        for case in cases
    )


def takes_another_course(run: Interpreter, broken: Definitions, case: Case) -> bool:
    """Whether the run differs from the expected one, does not end, or does not start as the definition is rejected."""
    try:
        return run(broken, case) != case.expected
    except (ClientError, ValueError, Runaway):
        return True
