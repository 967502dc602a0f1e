"""Packages are the same for the same content, and layers load where they are."""

from __future__ import annotations

import io
import os
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local.aws import package
from local.errors import LocalError


@pytest.fixture
def function(tmp_path: Path) -> Path:
    folder = tmp_path / "poll_task"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "app.py").write_text("def handler(event, context): ...\n")
    (folder / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"stale")
    return folder


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    source = tmp_path / "layer"
    (source / "python" / "greeting").mkdir(parents=True)
    (source / "python" / "greeting" / "__init__.py").write_text("WORD = 'hello'\n")
    return source


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_the_same_files_make_the_same_zip(function: Path) -> None:
    first = package.zip_folder(function)
    os.utime(function / "app.py", (0, 0))
    assert package.zip_folder(function) == first
    assert names(first) == ["app.py"]


def test_another_content_makes_another_hash(function: Path) -> None:
    before = package.content_hash(function)
    (function / "app.py").write_text("def handler(event, context): return 1\n")
    assert package.content_hash(function) != before


def test_an_empty_folder_is_no_function(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no files"):
        package.zip_folder(tmp_path)


def test_a_layer_is_built_once(layer: Path, tmp_path: Path) -> None:
    builds = tmp_path / "build"
    first = package.build_layer(layer, "greeting", builds, print)
    (first / "proof").touch()
    assert package.build_layer(layer, "greeting", builds, print) == first
    assert (first / "proof").exists()
    assert [path.name for path in builds.iterdir()] == [first.name]


def test_a_changed_layer_is_built_beside_the_old_one(layer: Path, tmp_path: Path) -> None:
    builds = tmp_path / "build"
    first = package.build_layer(layer, "greeting", builds, print)
    (layer / "python" / "greeting" / "__init__.py").write_text("WORD = 'servus'\n")
    second = package.build_layer(layer, "greeting", builds, print)
    assert second != first
    assert first.exists()


def test_unused_builds_are_deleted(layer: Path, tmp_path: Path) -> None:
    builds = tmp_path / "build"
    old = builds / "greeting-0123456789abcdef"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    package.build_layer(layer, "greeting", builds, print)
    assert not old.exists()


def test_a_worker_finds_the_packages_through_the_pointer(
    layer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = package.build_layer(layer, "greeting", tmp_path / "o'build", print)
    zipfile.ZipFile(io.BytesIO(package.zip_pointer(built))).extractall(tmp_path / "opt")
    monkeypatch.setattr(sys, "path", [*sys.path])
    site.addsitedir(str(tmp_path / "opt" / "python" / "lib" / "python3" / "site-packages"))
    assert sys.path[0] == str(built)


def test_packages_load_from_their_bytecode(layer: Path, tmp_path: Path) -> None:
    """Unchecked: nothing is compared with the source, so a cold start compiles nothing."""
    built = package.build_layer(layer, "greeting", tmp_path / "build", print)
    (built / "greeting" / "__init__.py").write_text("WORD = 'changed behind its back'\n")
    question = [sys.executable, "-c", "import greeting; print(greeting.WORD)"]
    answer = subprocess.run(question, cwd=built, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "hello"


def test_what_pip_says_is_passed_on(tmp_path: Path) -> None:
    source = tmp_path / "dependencies"
    source.mkdir()
    (source / "requirements.txt").write_text("./nowhere.whl\n")
    with pytest.raises(LocalError, match=r"nowhere\.whl"):
        package.build_layer(source, "dependencies", tmp_path / "build", lambda _: None)
    assert list((tmp_path / "build").iterdir()) == []
