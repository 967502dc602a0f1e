"""Every function as Lambda would load it, with the world of the fakes in the place of AWS."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from local.paths import ROOT
from tarmac import settings, telemetry
from tests.fakes import World

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

ENVIRONMENT = {
    "TABLE_NAME": "tasks",
    "UPLOAD_BUCKET": "uploads",
    "ARCHIVE_BUCKET": "archive",
    "TASK_DEADLINE_SECONDS": "21600",
    "CONSOLE_CLIENT": "console",
    "S3_CLIENT": "s3",
    "DEFAULT_MODEL": "gen4_turbo",
    "DEFAULT_PROMPT_TEXT": "",
    "DEFAULT_RATIO": "1280:720",
    "DEFAULT_DURATION": "5",
    "LINK_SECONDS": "600",
    "MAX_OUTPUT_BYTES": "1000000",
    "MAX_FAILURE_RETRIES": "1",
    "MAX_AMBIGUOUS_RETRIES": "0",
    "RUNWAYML_BASE_URL": "https://runway.example",
    "UPSTREAM_FLAVOR": "runway",
}
ANYTHING = {"str": "", "frozenset[str]": "", "int": "1", "float": "1", "bool": "false"}
"""For settings that no test here is about."""


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, world: World) -> Callable[[str], ModuleType]:
    """The module of a function, loaded in its environment."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tarmac")
    monkeypatch.setattr(telemetry.metrics.provider, "namespace", "Tarmac")
    monkeypatch.setattr(telemetry.metrics.provider, "service", "tarmac")

    def module_of(name: str) -> ModuleType:
        kind = getattr(settings, f"{name.title().replace('_', '')}Settings")
        for field, wanted in kind.fields().items():
            variable = field.upper()
            monkeypatch.setenv(variable, ENVIRONMENT.get(variable, ANYTHING[wanted]))
        spec = importlib.util.spec_from_file_location(f"app_of_{name}", ROOT / "functions" / name / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(module, "effects", world)
        return module

    return module_of


@pytest.fixture
def handler_of(load: Callable[[str], ModuleType]) -> Callable[[str], Handler]:
    def handler(name: str) -> Handler:
        found: Handler = load(name).handler
        return found

    return handler
