"""Each function has the settings of the effects that it uses, and no others.

Found in the source: the functions of the layer that an app.py reaches by name, the effects that these use, and the
settings that the wiring reads for each of them.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import tarmac
from tarmac.aws.wiring import AwsEffects
from tarmac.effects import Effects
from tarmac.settings import Settings

LAYER = Path(tarmac.__file__).parent
FUNCTIONS = LAYER.parents[3] / "functions"
KINDS = {kind.__name__: kind for kind in Settings.__subclasses__()}


class Place(NamedTuple):
    """A function or class of a module, or (without a name) the module itself."""

    module: str
    name: str = ""


class Module:
    """Definitions of a module, and the origins of the names that it imports."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.definitions = {
            node.name: node
            for node in self.tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        }
        self.imports = {
            alias.asname or alias.name: Place(node.module or "", alias.name)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    def place_of(self, name: str) -> Place | None:
        return Place(self.name, name) if name in self.definitions else self.imports.get(name)


@cache
def module(name: str) -> Module | None:
    path = LAYER.parent.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return Module(name, candidate)
    return None


def names_in(node: ast.AST) -> Iterator[str]:
    return (each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def attributes_of(name: str, node: ast.AST) -> set[str]:
    """`x` for each `name.x`."""
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == name
    }


def reached(app: Module) -> list[ast.AST]:
    """The app, and all definitions of the layer that it uses, directly or through others."""
    found: dict[Place, ast.AST] = {Place(app.name): app.tree}
    waiting: list[tuple[Module, ast.AST]] = [(app, app.tree)]
    while waiting:
        at, node = waiting.pop()
        for name in names_in(node):
            place = at.place_of(name)
            home = module(place.module) if place and place.module.startswith("tarmac") else None
            if place is None or home is None or place in found or place.name not in home.definitions:
                continue
            # How the wiring builds an effect is not a use of it.
            if place != Place("tarmac.aws.wiring", "AwsEffects"):
                found[place] = home.definitions[place.name]
                waiting.append((home, home.definitions[place.name]))
    return list(found.values())


def settings_of_effects() -> dict[str, set[str]]:
    """The settings that the wiring reads for each effect, also by way of other effects."""
    wiring = module("tarmac.aws.wiring")
    assert wiring is not None
    methods = {
        node.name: node
        for node in wiring.definitions[AwsEffects.__name__].body
        if isinstance(node, ast.FunctionDef) and node.name != "__init__"
    }

    def read_by(name: str) -> set[str]:
        direct = {
            each.attr
            for each in ast.walk(methods[name])
            if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self._settings"
        }
        others = attributes_of("self", methods[name]) & methods.keys()
        return direct.union(*(read_by(other) for other in others))

    return {name: read_by(name) for name in methods}


NEEDED = settings_of_effects()
APPS = {
    path.parent.name: Module(path.parent.name, path)
    for path in sorted(FUNCTIONS.glob("*/app.py"))
    if "AwsEffects" in path.read_text(encoding="utf-8")
}


def settings_class(app: Module) -> type[Settings]:
    [kind] = {name for name in names_in(app.tree) if name in KINDS}
    return KINDS[kind]


def test_the_wiring_has_every_effect() -> None:
    members = {name for name in vars(Effects) if not name.startswith("_")}
    assert members <= NEEDED.keys() | {"clock"}


@pytest.mark.parametrize("name", APPS)
def test_a_function_has_the_settings_of_its_effects_and_no_others(name: str) -> None:
    app = APPS[name]
    used = {effect for node in reached(app) for effect in attributes_of("effects", node)} - {"clock"}
    needed = {setting: effect for effect in sorted(used) for setting in NEEDED[effect]}
    given = settings_class(app).fields().keys()
    missing = {f"{setting} (for effects.{effect})" for setting, effect in needed.items() if setting not in given}
    assert not missing
    read = {each for node in reached(app) for each in attributes_of("settings", node)}
    unused = given - needed.keys() - read
    assert not unused


def test_the_wiring_loads_a_feature_only_when_its_effect_is_used() -> None:
    """So that PollTask's cold start does not pay for sessions."""
    script = "import sys, tarmac.aws.wiring; print(*(name for name in sys.modules if name.startswith('tarmac')))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(LAYER.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == {"tarmac", "tarmac.aws", "tarmac.aws.wiring", "tarmac.clock"}


def test_every_class_of_settings_is_of_a_function_that_is_checked() -> None:
    assert {settings_class(app).__name__ for app in APPS.values()} == KINDS.keys()
