"""The `tarmac` command: exit codes, and messages without tracebacks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.cli import app
from local.commands.clients import SCOPE_HELP
from local.errors import EXIT_CODES, LocalError, Refused, TryLater, Unreachable
from local.paths import ROOT
from tarmac.http.clients import SCOPES


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("TARMAC_HOME", str(tmp_path / "home"))
    return CliRunner()


def test_status_without_a_stack_exits_with_1(run: CliRunner) -> None:
    answer = run.invoke(app, ["status"])
    assert answer.exit_code == 1
    assert "aws        not running" in answer.stdout


def test_down_without_a_stack_succeeds(run: CliRunner) -> None:
    answer = run.invoke(app, ["down"])
    assert answer.exit_code == 0
    assert "nothing was running" in answer.stderr


def test_a_wrong_setting_is_one_message(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIME_SCALE", "fast")
    answer = run.invoke(app, ["up"])
    assert answer.exit_code == 1
    assert answer.stderr == "error: TIME_SCALE=fast must be a number\n"


def test_the_exit_codes_are_documented_and_raised(run: CliRunner) -> None:
    """The help, the documentation and the exceptions agree."""

    def codes(text: str) -> list[int]:
        return [int(code) for code in re.findall(r"(\d+)\s+[a-z]", text)]

    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    documented = [text for page in pages for text in re.findall(r"(?s)Exit codes: .*?\.\n", page.read_text())]
    helped = " ".join(re.sub("[│ ]+", " ", run.invoke(app, ["--help"]).stdout).split())
    assert " ".join(EXIT_CODES.split()) in helped
    assert codes(EXIT_CODES) == [0, 1, 2, 3, 4, 130]
    assert documented
    assert all(codes(text) == codes(EXIT_CODES) for text in documented)
    raised = {kind.exit_code for kind in (LocalError, Refused, Unreachable, TryLater)}
    assert raised == {1, 2, 3, 4}


@pytest.mark.parametrize(
    "command",
    [
        "generate text_to_video -m gen4.5",
        "tasks",
        "show t",
        "watch t",
        "cancel t",
        "upload a.jpg",
        "batch a.csv",
        "models --operation text_to_gold",
        "doctor",
        "redrive",
        "clients create acme",
        "clients list",
        "avatars list",
    ],
)
def test_an_error_is_text_or_json(run: CliRunner, command: str) -> None:
    printed, printed_as_json = (run.invoke(app, [*command.split(), *more]) for more in ((), ("--json",)))
    assert printed.exit_code == printed_as_json.exit_code != 0
    assert (printed.stdout, printed_as_json.stdout) == ("", "")
    assert printed.stderr == f"error: {json.loads(printed_as_json.stderr)['error']}\n"


def test_help_does_not_load_the_aws_libraries() -> None:
    code = (
        "import sys; import local.cli;"
        "heavy = {'boto3', 'samtranslator', 'ministack', 'yaml'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_models_are_listed_without_a_stack() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "local.cli", "models", "--json"]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    models = {(entry["operation"], entry["model"]) for entry in json.loads(answer.stdout)}
    assert {("image_to_video", "gen4_turbo"), ("character_performance", "act_two")} <= models


def test_the_help_of_scope_lists_every_scope() -> None:
    listed = re.findall(r"[a-z]+", SCOPE_HELP.partition(":")[2].partition(".")[0])
    assert set(listed) - {"or"} == set(SCOPES)
