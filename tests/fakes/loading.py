"""A function as Lambda loads it, over the world of the fakes."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.fakes.world import World

Ask = Callable[..., Any]
"""A call of a function over HTTP: (status, response)."""

FUNCTIONS = Path(__file__).parents[2] / "functions"


def load_function(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    world: World | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path = FUNCTIONS,
) -> ModuleType:
    """Load `{folder}/{name}/app.py` with these environment variables, and with `world` as its effects if given."""
    for variable, value in (environment or {}).items():
        monkeypatch.setenv(variable, value)
    spec = importlib.util.spec_from_file_location(f"function_{name}", folder / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses read their own module from sys.modules.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    if world is not None:
        monkeypatch.setattr(module, "effects", world)
    return module
