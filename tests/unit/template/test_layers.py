"""The layers: pinned packages, the build, and the build without a Python 3.13."""

import importlib.metadata
import importlib.util
import marshal
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.paths import ROOT

LAYERS = ROOT / "layers"
DIRECT = ("aws-lambda-powertools", "boto3", "httpcore", "httpx", "pydantic")
IN_LAMBDA = {"python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux", "extra": ""}


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """Returns layers/build.py, a script that is not part of a package."""
    spec = importlib.util.spec_from_file_location("layer_build", LAYERS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(layer: str = "dependencies") -> dict[str, str]:
    folder = ROOT / "examples" / "storyboard" / "layers" if layer == "video" else LAYERS
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (folder / layer / "requirements.txt").read_text(), re.MULTILINE))


def executable(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_exactly_the_needed_packages_are_pinned() -> None:
    """The layer is installed with --no-deps, so each package that the direct ones need in Lambda must be pinned."""
    needed: set[str] = set()
    ahead = list(DIRECT)
    while ahead:
        name = canonicalize_name(ahead.pop())
        if name in needed:
            continue
        needed.add(name)
        for line in importlib.metadata.requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(IN_LAMBDA):
                ahead.append(requirement.name)
    assert pins().keys() == needed


@pytest.mark.parametrize(
    ("layer", "name"), [(layer, name) for layer in ("dependencies", "video") for name in pins(layer)]
)
def test_pinned_versions_are_those_that_the_tests_run_with(layer: str, name: str) -> None:
    assert importlib.metadata.version(name) == pins(layer)[name]


def test_the_video_layer_needs_nothing_else() -> None:
    assert list(pins("video")) == ["av"]
    assert not importlib.metadata.requires("av")


def test_trim_removes_files_that_imports_do_not_read(build: ModuleType, tmp_path: Path) -> None:
    write(
        tmp_path,
        "thing/__init__.py",
        "thing/core.so",
        "thing/data.json",
        "thing/py.typed",
        "thing/stub.pyi",
        "thing/tests/test_thing.py",
        "thing/__pycache__/stale.pyc",
        "bin/thing",
        "botocore/data/endpoints.json",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "thing-1.0.dist-info/METADATA",
        "thing-1.0.dist-info/RECORD",
        "thing-1.0.dist-info/LICENSE.txt",
        "thing-1.0.dist-info/licenses/NOTICE",
    )
    build.trim(tmp_path)
    assert files(tmp_path) == [
        "botocore/data/endpoints.json",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "thing-1.0.dist-info/LICENSE.txt",
        "thing-1.0.dist-info/METADATA",
        "thing-1.0.dist-info/licenses/NOTICE",
        "thing/__init__.py",
        "thing/core.so",
        "thing/data.json",
        "thing/py.typed",
    ]


def test_byte_code_is_used_without_checking_the_source(build: ModuleType, tmp_path: Path) -> None:
    """Flag 1 in the header means: hash-based, not checked. Time stamps would be stale after zipping."""
    (tmp_path / "module.py").write_text("def f(): pass\n")
    build.byte_compile(tmp_path, sys.executable)
    [compiled] = tmp_path.glob("__pycache__/*.pyc")
    content = compiled.read_bytes()
    assert int.from_bytes(content[4:8], "little") == 1
    assert marshal.loads(content[16:]).co_filename == "/opt/python/module.py"  # noqa: S302 (compiled just now)


def test_a_shim_without_python_is_rejected(build: ModuleType, tmp_path: Path) -> None:
    """The `python3.13` of pyenv on PATH exits with 127 while another version is selected."""
    shim = executable(tmp_path / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    assert not build.is_lambda_python(str(shim))


@pytest.mark.parametrize(
    ("output", "accepted"),
    [
        ("cpython 3 13 final", True),
        ("cpython 3 13 candidate", False),
        ("cpython 3 12 final", False),
        ("pypy 3 13 final", False),
    ],
)
def test_only_a_final_cpython_313_is_accepted(build: ModuleType, tmp_path: Path, output: str, accepted: bool) -> None:
    assert build.is_lambda_python(str(executable(tmp_path / "python", f"echo {output}"))) is accepted


def test_a_missing_interpreter_is_rejected(build: ModuleType, tmp_path: Path) -> None:
    assert not build.is_lambda_python("")
    assert not build.is_lambda_python(str(tmp_path / "absent"))


def test_a_layer_without_python313_is_not_compiled_and_a_warning_is_printed(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The warning is printed to stdout, because `sam build` hides stderr."""
    write(tmp_path, "source/package/__init__.py", "source/package/py.typed", "source/package/data.toml")
    monkeypatch.setattr(build, "candidates", lambda: iter(["", str(tmp_path / "absent")]))
    monkeypatch.setattr(sys, "argv", ["build.py", "tarmac", str(tmp_path / "source"), str(tmp_path / "artifacts")])
    build.main()
    assert files(tmp_path / "artifacts/python") == ["package/__init__.py", "package/data.toml", "package/py.typed"]
    printed = capsys.readouterr().out
    assert re.search(r"warning: Python 3\.13 not found .* 2\.2 to 2\.7 times", printed, re.DOTALL)


def test_every_python_on_path_is_a_candidate(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search continues after a shim that does not run, and finds the versions that pyenv has installed."""
    for folder in ("shims", "real"):
        (tmp_path / folder).mkdir()
    shim = executable(tmp_path / "shims" / "python3.13", "exit 127")
    real = executable(tmp_path / "real" / "python3.13", "echo cpython 3 13 final")
    (tmp_path / "pyenv/versions/3.13.5/bin").mkdir(parents=True)
    behind = executable(tmp_path / "pyenv/versions/3.13.5/bin/python3.13", "echo cpython 3 13 final")
    monkeypatch.setattr(sys, "executable", str(shim))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(shim.parent), str(real.parent)]))
    assert build.lambda_python() == str(real)
    monkeypatch.setenv("PATH", str(shim.parent))
    assert build.lambda_python() == str(behind)
    monkeypatch.setenv("TARMAC_PYTHON313", str(real))
    assert build.lambda_python() == str(real)


def test_make_builds_the_domain_layer(tmp_path: Path) -> None:
    """The command of `sam build`, with a space in the name of the target folder."""
    artifacts = tmp_path / "artifacts here"
    artifacts.mkdir()
    subprocess.run(
        ["make", "--directory", str(LAYERS / "tarmac"), "build-TarmacLayer"],
        env={**os.environ, "PYTHON": sys.executable, "ARTIFACTS_DIR": str(artifacts)},
        capture_output=True,
        check=True,
    )
    package = LAYERS / "tarmac" / "python"
    assert not_compiled(artifacts / "python") == not_compiled(package)
    assert "tarmac/py.typed" in not_compiled(package)


def not_compiled(root: Path) -> list[str]:
    return [name for name in files(root) if "__pycache__" not in name]
