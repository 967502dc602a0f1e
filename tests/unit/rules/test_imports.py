"""Imports flow one way, and rules stay rules: nothing of AWS, HTTP or pydantic comes along with them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tarmac

ROOT = Path(tarmac.__file__).parent
EFFECTFUL = ("boto3", "botocore", "httpx", "pydantic", "aws_lambda_powertools", "urllib3", "ssl", "socket")


def modules(under: str = "") -> list[str]:
    """Dotted names of the modules in a folder of the package."""
    found = []
    for path in sorted((ROOT / under).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found.append(".".join(("tarmac", *(part for part in parts if part != "__init__"))))
    return found


def imports_of(name: str) -> Iterator[str]:
    """What a module imports from the package when it is loaded; what it imports inside a function or for types."""
    path = ROOT.joinpath(*name.split(".")[1:])
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in ALL)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


ALL = frozenset(modules())
RULES = modules("rules")

ALLOWED: dict[str, tuple[str, ...]] = {
    "tarmac.clock": (),
    "tarmac.task": ("tarmac.clock",),
    "tarmac.session": ("tarmac.task", "tarmac.clock"),
    "tarmac.strict_json": (),
    "tarmac.settings": (),
    "tarmac.ports": (),
    "tarmac.rules": ("tarmac.rules", "tarmac.task", "tarmac.session", "tarmac.clock"),
    "tarmac.catalogue": (),
    "tarmac.runway.errors": (),
    "tarmac.views": ("tarmac.rules", "tarmac.task", "tarmac.clock"),
    "tarmac.notices": ("tarmac.rules", "tarmac.task", "tarmac.session", "tarmac.clock"),
    "tarmac.contract": ("tarmac.rules",),
    "tarmac.stores": (
        "tarmac.stores",
        "tarmac.ports",
        "tarmac.rules",
        "tarmac.task",
        "tarmac.session",
        "tarmac.clock",
    ),
    "tarmac.tls": (),
    "tarmac.adapters": ("tarmac.adapters", "tarmac.ports", "tarmac.clock", "tarmac.tls", "tarmac.runway.errors"),
    "tarmac.runway": ("tarmac.runway", "tarmac.ports", "tarmac.rules", "tarmac.clock", "tarmac.tls"),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_module_brings_no_effects_along(name: str) -> None:
    """In a fresh interpreter: what the module imports, and what that imports."""
    script = f"import sys; import {name}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(ROOT.parent)}, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert name in loaded
    assert not loaded & set(EFFECTFUL)


@pytest.mark.parametrize("name", [name for name in sorted(ALL) if any(name.startswith(rule) for rule in ALLOWED)])
def test_a_module_imports_only_what_lies_below_it(name: str) -> None:
    allowed = next(ALLOWED[rule] for rule in sorted(ALLOWED, key=len, reverse=True) if name.startswith(rule))
    for imported in imports_of(name):
        if imported.startswith("tarmac."):
            assert imported.startswith(allowed), f"{name} imports {imported}"


@pytest.mark.parametrize("name", modules("steps"))
def test_steps_know_ports_and_never_adapters(name: str) -> None:
    forbidden = (
        "tarmac.adapters",
        "tarmac.runway.client",
        "tarmac.runway.connection",
        "tarmac.http_api",
        "tarmac.settings",
        "boto",
        "httpx",
    )
    assert not [imported for imported in imports_of(name) if imported.startswith(forbidden)]


def knowing(*libraries: str) -> set[str]:
    return {name for name in ALL if any(imported.partition(".")[0] in libraries for imported in imports_of(name))}


def test_only_the_adapter_of_s3_knows_boto3() -> None:
    """It is more than half of a cold start: docs/decisions.md, "AWS with and without boto3"."""
    assert knowing("boto3", "botocore") == {"tarmac.adapters.s3"}


def test_only_what_talks_to_aws_runway_and_the_archive_knows_httpx() -> None:
    found = knowing("httpx")
    assert {"tarmac.runway.connection", "tarmac.archive", "tarmac.adapters.services"} <= found
    others = found - {"tarmac.archive", "tarmac.adapters.services", "tarmac.tls"}
    assert not [name for name in others if not name.startswith("tarmac.runway.")]


def test_no_module_of_the_domain_imports_a_function() -> None:
    assert not [name for name in ALL if any(i.startswith("functions") for i in imports_of(name))]
