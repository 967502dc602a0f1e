"""python -m tests.mutation [MODULE ...]: mutate the rules, and count the mutants that the tests of the rules notice.

mutmut makes the mutants; they run here, since one process that has collected the tests and is forked for each mutant
is many times as quick as a run of pytest each. A mutant meets the tests that call its function, the quickest
first, until one fails. One that no test calls counts as not killed, and so does one that outlives its time.

    --survivors      show what was changed in those that were not killed
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import os
import resource
import shutil
import signal
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings
from mutmut.configuration import config
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.format_utils import mangled_name_from_mutant_name

from tests.progress import Progress
from tests.rule_modules import RULES

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = ROOT / "layers" / "tarmac" / "python" / "tarmac"
STAGE = ROOT / ".local" / "mutation"

LEAST_SHARE = 0.95
WORKERS = os.cpu_count() or 1
LEAST_SECONDS, TIMES_AS_SLOW = 5, 20
"""Of CPU: what a mutant may take, and how many times as long as without it."""

TESTS = tuple(
    f"tests/unit/{path}"
    for path in (
        "requests",
        "media/test_keys.py",
        "characters/test_specs.py",
        "characters/test_kinds.py",
        "tasks/test_failures.py",
        "tasks/test_moves.py",
        "tasks/test_pacing.py",
        "tasks/test_usage_totals.py",
        "sessions/test_client_tokens.py",
        "sessions/test_moves.py",
        "sessions/test_requests.py",
        "inbox/test_batch.py",
        "inbox/test_keys.py",
        "inbox/test_request_files.py",
        "webhooks/test_signing.py",
    )
)
"""The tests of the rule modules themselves (`tests/rule_modules.py`)."""

KILLED, SURVIVED, TIMED_OUT, UNTESTED = "killed", "survived", "timed out", "untested"
_EXIT = {0: SURVIVED, 1: KILLED}


@dataclass(frozen=True, slots=True)
class Mutant:
    module: str
    name: str
    change: str

    @property
    def key(self) -> str:
        """By which mutmut's trampolines know it."""
        return f"tarmac.{self.module}.{self.name}"

    @property
    def function(self) -> str:
        return str(mangled_name_from_mutant_name(self.key))


class Trial:
    """In the place of pytest's loop over the tests: one run without a mutant, then each mutant in a child."""

    def __init__(self, mutants: list[Mutant]) -> None:
        self.mutants = mutants
        self.verdicts: dict[Mutant, str] = {}
        self._tests: dict[str, list[tuple[float, pytest.Item]]] = defaultdict(list)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        self._run_once(session.items)
        # What is never collected is never written to, and stays shared with the children.
        gc.collect()
        gc.freeze()
        gc.disable()
        self._try_all()
        return True

    def _run_once(self, items: Sequence[pytest.Item]) -> None:
        """Which functions each test calls, and how long it takes."""
        set_mutant_under_test("stats")
        for item in items:
            state()._stats.clear()
            began = time.process_time()
            if _fails(item):
                raise pytest.UsageError(f"{item.nodeid} fails without any mutant")
            for function in state()._stats:
                self._tests[function].append((time.process_time() - began, item))

    def _try_all(self) -> None:
        waiting, running = deque(self.mutants), dict[int, Mutant]()
        progress = Progress(len(self.mutants), "mutants tested")
        while waiting or running:
            while waiting and len(running) < WORKERS:
                mutant = waiting.popleft()
                if mutant.function not in self._tests:
                    self.verdicts[mutant] = UNTESTED
                    progress.step()
                elif (child := os.fork()) == 0:
                    os._exit(self._try(mutant))
                else:
                    running[child] = mutant
            if running:
                child, status = os.wait()
                timed_out = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
                verdict = TIMED_OUT if timed_out else _EXIT.get(os.waitstatus_to_exitcode(status), KILLED)
                self.verdicts[running.pop(child)] = verdict
                progress.step()

    def _try(self, mutant: Mutant) -> int:
        """In the child."""
        tests = sorted(self._tests[mutant.function], key=lambda test: test[0])
        seconds = LEAST_SECONDS + int(TIMES_AS_SLOW * sum(seconds for seconds, _ in tests))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        set_mutant_under_test(mutant.key)
        try:
            return int(any(_fails(item) for _, item in tests))
        except BaseException:
            # Not even pytest continues after it.
            return 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="below tarmac, such as tasks.moves (default: all rule modules)"
    )
    parser.add_argument("--survivors", action="store_true", help="show what was changed in those not killed")
    options = parser.parse_args()
    began = time.monotonic()
    names = options.modules or RULES
    trial = Trial(list(stage(names)))
    _settle_hypothesis()
    os.chdir(ROOT)
    arguments = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore", "--rootdir", str(ROOT)]
    code = pytest.main([*arguments, "-c", str(STAGE / "pyproject.toml"), *TESTS], plugins=[trial])
    if code is not pytest.ExitCode.OK:
        return 1
    if options.survivors:
        for mutant, verdict in trial.verdicts.items():
            if verdict is not KILLED:
                print(f"{verdict}: {mutant.module}.{mutant.name}\n{mutant.change}")
    share = print_table(names, trial.verdicts, time.monotonic() - began)
    return 0 if share >= LEAST_SHARE else 1


def stage(names: Sequence[str]) -> Iterator[Mutant]:
    """The domain package with mutants in these rule modules, in STAGE."""
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(DOMAIN, STAGE / "tarmac", ignore=shutil.ignore_patterns("__pycache__"))
    (STAGE / "pyproject.toml").write_text(
        f'[tool.mutmut]\nsource_paths = ["tarmac"]\n\n[tool.pytest.ini_options]\npythonpath = ["{ROOT}", "{STAGE}"]\n'
        'addopts = "--import-mode=importlib"\nmarkers = ["unit", "integration", "slow"]\n'
    )
    # mutmut reads its configuration once, from where it is.
    os.chdir(STAGE)
    config()
    for name in names:
        path = STAGE.joinpath("tarmac", *name.split(".")).with_suffix(".py")
        mutated = mutate_file_contents(str(path), path.read_text(encoding="utf-8"))
        path.write_text(mutated.code, encoding="utf-8")
        sources = _functions(mutated.code)
        for mutant in mutated.mutant_names:
            original = sources[f"{mangled_name_from_mutant_name(mutant)}__mutmut_orig"]
            yield Mutant(name, mutant, _difference(original, sources[mutant]))


def print_table(names: Sequence[str], verdicts: dict[Mutant, str], seconds: float) -> float:
    """A line a module and one for all. Gives the share that was killed."""
    share = 0.0
    kinds = (KILLED, SURVIVED, TIMED_OUT, UNTESTED)
    print(f"{'':<24}{'mutants':>9}" + "".join(f"{kind:>11}" for kind in kinds) + f"{'share':>9}")
    for name in (*names, "all"):
        found = [verdict for mutant, verdict in verdicts.items() if name in (mutant.module, "all")]
        share = found.count(KILLED) / (len(found) or 1)
        counts = "".join(f"{found.count(kind):>11,}" for kind in kinds)
        print(f"{name:<24}{len(found):>9,}{counts}{share:>9.1%}")
    print(f"\n{share:.1%} of the mutants were killed, at least {LEAST_SHARE:.0%} must be; {seconds:.0f} s")
    return share


def _fails(item: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, nextitem=None, log=False))


def _settle_hypothesis() -> None:
    """The same examples for each mutant, and no time spent on making a failure small."""
    settings.register_profile(
        "mutation",
        suppress_health_check=list(HealthCheck),
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
    )
    settings.load_profile("mutation")


def _functions(code: str) -> dict[str, str]:
    """Sources of all functions and methods by name."""
    lines = code.splitlines()
    return {
        node.name: "\n".join(lines[node.lineno : node.end_lineno])
        for node in ast.walk(ast.parse(code))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def _difference(before: str, after: str) -> str:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return "\n".join(f"    {line}" for line in lines if line[0] in "+-")


if __name__ == "__main__":
    sys.exit(main())
