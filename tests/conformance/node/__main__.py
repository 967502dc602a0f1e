"""`make test-node`: Runway's official Node SDK against a local stack of its own.

The tests read their input from one JSON file, the plan.
"""

from __future__ import annotations

import base64
import json
import signal
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from local.paths import ROOT, import_domain
from local.stack import SIMULATOR_KEY, StackInfo, running_stack
from tests import node

import_domain()

from tarmac.http.clients import SCOPES  # noqa: E402
from tests.conformance.exceptions import NOT_ANSWERED, NOT_IN_NODE  # noqa: E402
from tests.conformance.generations import ROUTER, WRITTEN, at_once  # noqa: E402
from tests.e2e.api import Api  # noqa: E402
from tests.e2e.deployment import Deployment  # noqa: E402
from tests.e2e.media import picture  # noqa: E402
from tests.e2e.shared import TIME_SCALE, keep_logs  # noqa: E402
from tests.e2e.simulator import Simulator  # noqa: E402

TESTS = Path(__file__).parent


def main() -> int:
    """Return Node's own exit code."""
    # A CI that cancels a run sends SIGTERM: end the stack then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    node.install(TESTS)
    with tempfile.TemporaryDirectory(prefix="tarmac-node-") as name:
        home = Path(name).resolve()
        with running_stack(home, time_scale=TIME_SCALE) as info:
            status = run(info, home / "plan.json")
            if status:
                keep_logs(home, ROOT / ".local" / "test-logs")
            return status


def run(info: StackInfo, plan_file: Path) -> int:
    with (
        Deployment.of(info) as deployment,
        Simulator.of(info) as simulator,
        Api.of_new_client(deployment, scopes=SCOPES) as caller,
    ):
        simulator.put_record("routers", str(uuid.uuid4()), {"slug": ROUTER})
        plan_file.write_text(json.dumps(plan(info, caller)))
        # A proxy of the shell does not know our loopback.
        variables = {"CONFORMANCE_PLAN": str(plan_file), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return node.run_tests(sorted(TESTS.glob("*.test.mjs")), variables)


def plan(info: StackInfo, caller: Api) -> dict[str, Any]:
    return {
        "baseUrl": info.api_url,
        "apiKey": caller.key,
        "client": caller.client,
        "archiveBucket": info.archive_bucket,
        "simulatorUrl": info.runway_base_url,
        "simulatorKey": SIMULATOR_KEY,
        "picture": base64.b64encode(picture()).decode(),
        "generations": [
            {
                "name": each.name,
                "method": each.method,
                "operation": each.operation,
                "body": at_once(each.body),
                "formats": each.formats,
            }
            for each in WRITTEN.values()
        ],
        "notAnswered": NOT_ANSWERED,
        "notInNode": NOT_IN_NODE,
    }


if __name__ == "__main__":
    sys.exit(main())
