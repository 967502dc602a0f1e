"""Run by `make test-node`: judges every call of the functions by the policies of the translated template.

Policies and calls go to the tests as one JSON file, the plan.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.permissions.calls import checked_calls, recorded
from local.permissions.page import project
from local.permissions.policies import ACCOUNT, policies
from tests import node

TESTS = Path(__file__).parent


def main() -> int:
    """Return Node's exit code."""
    node.install(TESTS)
    with tempfile.TemporaryDirectory(prefix="tarmac-permissions-") as name:
        plan_file = Path(name) / "plan.json"
        plan_file.write_text(json.dumps(plan()))
        return node.run_tests(sorted(TESTS.glob("*.test.mjs")), {"PERMISSIONS_PLAN": str(plan_file)})


def plan() -> dict[str, Any]:
    """Return the policies by principal, and every call."""
    resolver = project()
    calls = [asdict(call) for call in checked_calls(resolver, recorded())]
    return {"account": ACCOUNT, "policies": policies(resolver), "calls": calls}


if __name__ == "__main__":
    sys.exit(main())
