"""Run by `make test-node`: the state machines' expressions in JSONata's own engine, and asl-validator.

The definitions and the results of the local AWS's engine go to the tests as one JSON file, the plan.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests import node
from tests.machines_node.evaluations import evaluations
from tests.machines_node.malformed import MALFORMED
from tests.workflow.film_cases import CASES
from tests.workflow.machines import Definitions, definitions

TESTS = Path(__file__).parent


def main() -> int:
    """Returns Node's exit code."""
    node.install(TESTS)
    with tempfile.TemporaryDirectory(prefix="tarmac-machines-") as name:
        plan_file = Path(name) / "plan.json"
        plan_file.write_text(json.dumps(plan(definitions())))
        return node.run_tests(sorted(TESTS.glob("*.test.mjs")), {"MACHINES_PLAN": str(plan_file)})


def plan(filled: Definitions) -> dict[str, Any]:
    """What the tests need: evaluations, definitions, and malformed definitions by a name of their fault."""
    return {
        "evaluations": evaluations(filled, CASES),
        "definitions": filled,
        "malformed": {f"{fault.machine}: {fault.id}": fault.plant(filled)[fault.machine] for fault in MALFORMED},
    }


if __name__ == "__main__":
    sys.exit(main())
