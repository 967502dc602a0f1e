"""The catalogue: which models each operation knows, with their parameters, prices and run times. Data, not code.

One TOML file per operation stands beside this module; adding a model is one entry in it. Only the file of the
operation at hand is read, once per process.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_DEFAULT_P10_SECONDS = 20.0


class UnknownOperation(LookupError):
    """No such operation: the caller's path is wrong."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model in one operation. `parameters` is empty for a model that the catalogue does not know."""

    name: str
    operation: str
    known: bool
    legacy: bool = False
    parameters: Mapping[str, Mapping[str, Any]] | None = None
    spellings: Mapping[str, Any] | None = None
    credits: Mapping[str, Any] | None = None
    p10_seconds: float = _DEFAULT_P10_SECONDS


@dataclass(frozen=True, slots=True)
class Operation:
    """One create endpoint."""

    name: str
    models: Mapping[str, Model]
    also_known_as: Mapping[str, str]

    def model(self, name: str) -> Model:
        """The entry of a model by its name or another name of it; an unknown one passes with shape checks only."""
        canonical = self.also_known_as.get(name, name)
        return self.models.get(canonical) or Model(canonical, self.name, known=False)


@cache
def operations() -> tuple[str, ...]:
    """The names of all operations, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def operation(name: str) -> Operation:
    """Raises UnknownOperation."""
    if name not in operations():
        raise UnknownOperation(name)
    data = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    models: dict[str, Model] = {}
    also_known_as: dict[str, str] = {}
    for model_name, entry in data["models"].items():
        models[model_name] = Model(
            name=model_name,
            operation=name,
            known=True,
            legacy=entry.get("legacy", False),
            parameters=entry["parameters"],
            spellings=entry.get("spellings", {}),
            credits=entry.get("credits"),
            p10_seconds=entry.get("p10Seconds", _DEFAULT_P10_SECONDS),
        )
        also_known_as.update(dict.fromkeys(entry.get("alsoKnownAs", ()), model_name))
    return Operation(name, models, also_known_as)


def operations_of(model_name: str) -> list[str]:
    """Where a model is at home, for an error that helps."""
    return [name for name in operations() if operation(name).model(model_name).known]
