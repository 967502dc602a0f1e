"""The `tarmac` command answers people: exit codes, and messages without tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.cli import app
from local.paths import ROOT


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("TARMAC_HOME", str(tmp_path / "home"))
    return CliRunner()


def test_status_without_a_stack_exits_1(run: CliRunner) -> None:
    answer = run.invoke(app, ["status"])
    assert answer.exit_code == 1
    assert "aws        not running" in answer.stdout


def test_down_without_a_stack_is_no_error(run: CliRunner) -> None:
    answer = run.invoke(app, ["down"])
    assert answer.exit_code == 0
    assert "nothing was running" in answer.stderr


def test_a_wrong_setting_is_one_message(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIME_SCALE", "fast")
    answer = run.invoke(app, ["up"])
    assert answer.exit_code == 1
    assert answer.stderr == "error: TIME_SCALE=fast is not a number\n"


def test_help_does_not_load_the_aws_libraries() -> None:
    code = (
        "import sys; import local.cli;"
        "heavy = {'boto3', 'samtranslator', 'ministack', 'yaml'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_models_are_listed_without_a_stack_by_a_command_that_finds_the_catalogue_itself() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "local.cli", "models", "--json"]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    models = {(entry["operation"], entry["model"]) for entry in json.loads(answer.stdout)}
    assert {("image_to_video", "gen4_turbo"), ("character_performance", "act_two")} <= models
