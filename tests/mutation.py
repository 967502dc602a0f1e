"""python -m tests.mutation [MODULE ...]: mutate the rules, and see how many mutants their own tests notice.

mutmut wants sources under src/, so the domain package and the tests are staged in .local/mutation. Prints what survived
and the share that was killed; `.local/mutation` can be looked into with `mutmut browse`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = ROOT / "layers" / "tarmac" / "python" / "tarmac"
STAGE = ROOT / ".local" / "mutation"

# Examples are drawn the same way for each mutant, and a slow machine is no finding.
CONFTEST = """\
from hypothesis import HealthCheck, settings

settings.register_profile(
    "mutation", suppress_health_check=list(HealthCheck), deadline=None, derandomize=True, database=None
)
settings.load_profile("mutation")
"""


def main(names: list[str]) -> int:
    modules = [DOMAIN / "rules" / f"{name}.py" for name in names] or sorted((DOMAIN / "rules").glob("[a-z]*.py"))
    stage([module.relative_to(DOMAIN.parent) for module in modules])
    mutmut = [sys.executable, "-m", "mutmut"]
    if subprocess.run([*mutmut, "run"], cwd=STAGE, check=False).returncode:
        return 1
    subprocess.run([*mutmut, "results"], cwd=STAGE, check=True)
    subprocess.run([*mutmut, "export-cicd-stats"], cwd=STAGE, check=True, stdout=subprocess.DEVNULL)
    stats = json.loads((STAGE / "mutants" / "mutmut-cicd-stats.json").read_text())
    share = stats["killed"] / (stats["total"] or 1)
    print(f"mutants {stats['total']}, killed {stats['killed']} ({share:.1%})")
    return 0


def stage(modules: list[Path]) -> None:
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    shutil.copytree(DOMAIN, STAGE / "src" / "tarmac", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("tests", "events"):
        shutil.copytree(ROOT / folder, STAGE / folder, ignore=shutil.ignore_patterns("__pycache__"))
    # The shared local stack of the end-to-end tests has no part in this.
    (STAGE / "tests" / "conftest.py").unlink()
    (STAGE / "conftest.py").write_text(CONFTEST)
    only = json.dumps([f"src/{module}" for module in modules])
    (STAGE / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\n"
        'pythonpath = [".", "src"]\n\n'
        "[tool.mutmut]\n"
        'source_paths = ["src"]\n'
        f"only_mutate = {only}\n"
        f"pytest_add_cli_args_test_selection = {json.dumps(TESTS)}\n"
        'also_copy = ["conftest.py", "tests", "events", "src"]\n'
    )


TESTS = [
    *("tests/unit/rules/test_transitions.py", "tests/unit/rules/test_pacing.py", "tests/unit/rules/test_failures.py"),
    *("tests/unit/rules/test_media.py", "tests/unit/rules/test_names.py", "tests/unit/rules/test_catalogue.py"),
    *("tests/unit/catalogue", "tests/unit/webhooks/test_webhook_rules.py", "tests/unit/webhooks/test_deliver.py"),
]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
