"""Limits of size, with the reasons for exceptions in docs/decisions/0041-size-limits.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("bench", "examples", "functions", "layers", "local", "tests")

MAX_MODULE_LINES = 400
MAX_TEST_MODULE_LINES = 700
MAX_FUNCTION_LINES = 60
EXCEPTIONS = frozenset({"generate", "test_an_image_becomes_an_archived_and_announced_video"})


def _sources() -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def test_no_module_is_too_long() -> None:
    for path, text in _sources():
        limit = MAX_TEST_MODULE_LINES if "tests" in path.parts else MAX_MODULE_LINES
        assert text.count("\n") <= limit, path


def test_no_function_is_too_long() -> None:
    found = {
        node.name: f"{path}: {node.name}"
        for path, text in _sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert [where for name, where in found.items() if name not in EXCEPTIONS] == []
    assert found.keys() >= EXCEPTIONS
