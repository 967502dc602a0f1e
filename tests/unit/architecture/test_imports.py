"""The structure of the layer: packages form an acyclic graph, rules do no I/O, and few modules know AWS or HTTP."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import tarmac
from tests.rule_modules import OTHER_PURE, RULES

ROOT = Path(tarmac.__file__).parent
EFFECTFUL = frozenset(
    {"boto3", "botocore", "httpx", "pydantic", "aws_lambda_powertools", "urllib3", "ssl", "socket", "time", "random"}
)
STANDARD_LIBRARY_LOADS_THEM = frozenset({"time", "random"})
"""Modules of the standard library import these themselves, so only a direct import by a rule counts."""


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), ast.parse(path.read_text(encoding="utf-8"))


SOURCES = dict(_modules())


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING:`, which never run."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _runtime_nodes(child)


def imports_of(name: str) -> Iterator[str]:
    """Dotted names of the modules that a module imports, at load or inside its functions."""
    for node in _runtime_nodes(SOURCES[name]):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _package(name: str) -> str:
    """`tasks` for `tasks.poll`; a module at the top is a package of its own."""
    return name.partition(".")[0]


def test_packages_form_an_acyclic_graph() -> None:
    graph: dict[str, set[str]] = {_package(name): set() for name in SOURCES if name}
    for name in SOURCES:
        for imported in imports_of(name):
            top, _, below = imported.partition(".")
            target = _package(below)
            if top == "tarmac" and target in graph and target != _package(name):
                graph[_package(name)].add(target)
    # Raises CycleError, which names the packages of the cycle.
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_rule_modules_load_nothing_that_does_io() -> None:
    """In a fresh interpreter, so that what a rule imports indirectly counts too."""
    names = [f"tarmac.{name}" for name in (*RULES, *OTHER_PURE)]
    script = f"import sys, {', '.join(names)}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(ROOT.parent)}, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert set(names) <= loaded
    assert not loaded & (EFFECTFUL - STANDARD_LIBRARY_LOADS_THEM)


def test_rule_modules_read_no_clock_no_chance_and_no_environment() -> None:
    for name in (*RULES, *OTHER_PURE):
        imported = {each.partition(".")[0] for each in imports_of(name)}
        assert not imported & (EFFECTFUL | {"os", "secrets"}), name


def _modules_that_import(*libraries: str) -> set[str]:
    return {name for name in SOURCES if any(each.partition(".")[0] in libraries for each in imports_of(name))}


def test_only_the_s3_adapter_imports_boto3() -> None:
    """boto3 is more than half of a cold start."""
    assert _modules_that_import("boto3", "botocore") == {"aws.s3"}


def test_only_clients_of_aws_runway_webhooks_and_outputs_import_httpx() -> None:
    allowed = {"aws.services", "media.downloads", "runway.connection", "tls", "webhooks.sender"}
    assert _modules_that_import("httpx") <= allowed | {name for name in SOURCES if name.startswith("runway.")}


def test_features_know_ports_and_never_adapters() -> None:
    features = ("characters.", "inbox.", "media.", "requests.", "sessions.", "tasks.", "webhooks.")
    forbidden = (
        "tarmac.aws",
        "tarmac.http",
        "tarmac.openapi",
        "tarmac.runway.client",
        "tarmac.runway.connection",
        "tarmac.settings",
        "functions",
    )
    for name in SOURCES:
        if name.startswith(features):
            assert not [each for each in imports_of(name) if each.startswith(forbidden)], name


def test_no_module_of_the_layer_imports_a_function() -> None:
    assert not [name for name in SOURCES if any(each.startswith("functions") for each in imports_of(name))]
