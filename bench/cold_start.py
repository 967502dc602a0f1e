"""python -m bench.cold_start: time from a new interpreter to a function's first response, against usual functions.

Each start is a new process without site-packages, as in Lambda, with byte code for this interpreter: imports, clients,
one event, the response. AWS and Runway are one local server that responds at once, so only the function is measured.
Tarmac's and the usual function take turns, and the ratios are printed, because machines are noisy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.stub import TASK_ID, World, world
from local.aws.package import build_layer
from local.paths import ROOT

RUNS = 15
USUAL = ROOT / "bench" / "usual"

CHILD = """\
import json, os, sys
from types import SimpleNamespace
sys.path[:0] = json.loads(sys.argv[1])
from {module} import handler
response = handler(json.load(sys.stdin), SimpleNamespace(**{context!r}))
print("response", json.dumps(response), flush=True)
os._exit(0)
"""

CONTEXT = {
    "function_name": "bench",
    "memory_limit_in_mb": 512,
    "invoked_function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:bench",
    "aws_request_id": "52fdfc07-2182-454f-963f-5f0f9a621d72",
}

ARN = "arn:aws:{}:eu-central-1:123456789012:{}"
ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "POWERTOOLS_SERVICE_NAME": "tarmac",
    "POWERTOOLS_METRICS_NAMESPACE": "Tarmac",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "LOG_LEVEL": "INFO",
    "TABLE_NAME": "tasks",
    "UPLOAD_BUCKET": "uploads",
    "ARCHIVE_BUCKET": "archive",
    "INPUT_BUCKETS": "",
    "RUNWAY_SECRET_ARN": ARN.format("secretsmanager", "secret:runway"),
    "WEBHOOK_SECRET_ARN": ARN.format("secretsmanager", "secret:webhook"),
    "GENERATION_STATE_MACHINE_ARN": ARN.format("states", "stateMachine:generation"),
    "SESSION_STATE_MACHINE_ARN": ARN.format("states", "stateMachine:session"),
    "NOTICE_TOPIC_ARN": ARN.format("sns", "notices"),
    "UPSTREAM_FLAVOR": "runway",
    "TASK_DEADLINE_SECONDS": "21600",
    "CONSOLE_CLIENT": "console",
    "WEBHOOK_ORIGINS": "",
    "MAX_OUTPUT_BYTES": "5368709120",
    "MAX_FAILURE_RETRIES": "1",
    "CORS_ORIGINS": "http://localhost:5173",
    "MAX_SESSION_SECONDS": "300",
    "SESSION_MINUTES_PER_CLIENT": "600",
    "CONNECT_SECONDS": "25",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A function with its first event, and the function of `usual` that it is compared with.

    target: the ratio of wall times to reach. has_ended: whether the task has ended at Runway.
    """

    name: str
    event: Mapping[str, Any]
    usual: str
    usual_event: Mapping[str, Any]
    target: float
    has_ended: bool = False


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return event


_CREATE, _TASK = _event("http-image-to-video"), {"taskId": TASK_ID}
SUBJECTS = (
    Subject("create_task", _CREATE, "create_task", _CREATE, 0.7),
    Subject("poll_task", _TASK, "poll_task", _TASK, 0.4),
    Subject("finish_task", _TASK, "finish_task", _TASK, 0.7, has_ended=True),
    # A user waits for it, so it is compared with the slowest usual function.
    Subject("create_session", _event("http-create-session"), "poll_task", _TASK, 0.4),
)


@dataclass(frozen=True, slots=True)
class Start:
    """Wall and CPU time of one cold start, in milliseconds."""

    wall_ms: float
    cpu_ms: float


class Starter:
    """Starts functions that call one local server."""

    def __init__(self, layers: list[Path], world: World) -> None:
        self._layers, self.world = layers, world
        url = world.url
        origins = {"RUNWAYML_BASE_URL": url, "AWS_ENDPOINT_URL": url, "OUTPUT_ORIGINS": url}
        queues = {"WEBHOOK_QUEUE_URL": f"{url}/webhooks", "BATCH_QUEUE_URL": f"{url}/batches"}
        self._environment = {**ENVIRONMENT, **origins, **queues, "PATH": os.environ["PATH"]}

    def start(self, folder: Path, module: str, event: Mapping[str, Any]) -> Start:
        """Start a function in a new process with one event. Raises RuntimeError if its response is not a success."""
        path = json.dumps([str(each) for each in (folder, *self._layers)])
        # Not the interpreter of the virtual environment, which would add site-packages.
        command = [sys._base_executable, "-S", "-c", CHILD.format(module=module, context=CONTEXT), path]  # type: ignore[attr-defined]
        began = time.perf_counter()
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=self._environment) as process:
            assert process.stdin
            assert process.stdout
            assert process.stderr
            process.stdin.write(json.dumps(event).encode())
            process.stdin.close()
            output, errors = process.stdout.read().decode(), process.stderr.read().decode()
            wall_seconds = time.perf_counter() - began
            # Unlike process.wait(), wait4 returns the CPU time of this process alone.
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if not _is_success(output):
            raise RuntimeError(f"{folder.name} failed: {output} {errors}")
        return Start(wall_seconds * 1000, (used.ru_utime + used.ru_stime) * 1000)


def _is_success(output: str) -> bool:
    responses = [json.loads(line[9:]) for line in output.splitlines() if line.startswith("response ")]
    return len(responses) == 1 and responses[0].get("statusCode", 200) == 200


def compare(subject: Subject, starter: Starter, runs: int) -> tuple[list[Start], list[Start]]:
    """Return starts of the usual function and of Tarmac's, measured in turns after one start of each to fill caches."""
    usual, ours = [], []
    for _ in range(runs + 1):
        starter.world.reset(subject.has_ended)
        usual.append(starter.start(USUAL, subject.usual, subject.usual_event))
        starter.world.reset(subject.has_ended)
        ours.append(starter.start(ROOT / "functions" / subject.name, "app", subject.event))
    return usual[1:], ours[1:]


def row(subject: Subject, usual: list[Start], ours: list[Start]) -> str:
    """Return a line: median wall times in ms, and median ratios of wall and CPU times."""
    pairs = list(zip(ours, usual, strict=True))
    walls = f"{median(one.wall_ms for one in usual):>10.0f}{median(one.wall_ms for one in ours):>10.0f}"
    ratios = f"{median(mine.wall_ms / its.wall_ms for mine, its in pairs):>10.2f}"
    ratios += f"{median(mine.cpu_ms / its.cpu_ms for mine, its in pairs):>10.2f}"
    return f"{subject.name:<16}{walls}{ratios}{subject.target:>10.2f}"


def main() -> int:
    builds = ROOT / ".local" / "builds"
    layers = [
        build_layer(ROOT / "layers" / "tarmac", "tarmac", builds, print),
        build_layer(ROOT / "layers" / "dependencies", "dependencies", builds, print),
        build_layer(ROOT / "bench" / "usual", "usual", builds, print),
    ]
    print(f"{'ms, of ' + str(RUNS):<16}{'usual':>10}{'Tarmac':>10}{'ratio':>10}{'CPU ratio':>10}{'target':>10}")
    with world() as server:
        starter = Starter(layers, server)
        for subject in SUBJECTS:
            print(row(subject, *compare(subject, starter, RUNS)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
