"""Builds a layer for Lambda's python3.13 on arm64, on any machine and without Docker.

    build.py dependencies REQUIREMENTS ARTIFACTS   install hash-checked wheels and trim them
    build.py tarmac SOURCE ARTIFACTS               copy the package `tarmac`

The result is ARTIFACTS/python, byte-compiled if this machine has a Python 3.13. Uses only the standard library. Prints
to stdout, because `sam build` hides stderr unless the build fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LAMBDA_PYTHON = "3.13"
LAMBDA_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux2014_aarch64")
IN_LAMBDA = "/opt/python"

# Read by type checkers, test runners and pip, but not by functions.
UNUSED_FOLDERS = ("__pycache__", "tests", "test", "bin")
UNUSED_FILES = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h")
# importlib.metadata and vulnerability scanners read METADATA; licences must be distributed with their packages.
KEPT_OF_DIST_INFO = re.compile(r"METADATA|licenses?|(LICEN[CS]E|COPYING|NOTICE|AUTHORS).*", re.IGNORECASE)

# botocore describes 400 services, but Tarmac uses boto3 only for these (tarmac/aws). Without the others, a client is
# created faster and the layer is half as large.
KEPT_SERVICES = ("s3",)

UNCOMPILED = f"""\
warning: Python {LAMBDA_PYTHON} not found (PATH, pyenv, uv), so this layer is not byte-compiled. It works, but every
         cold start compiles it and takes 2.2 to 2.7 times as long. Install Python {LAMBDA_PYTHON}, or set
         TARMAC_PYTHON313 to its path, and build again."""


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("layer", choices=("dependencies", "tarmac"))
    parser.add_argument("source", type=Path)
    parser.add_argument("artifacts", type=Path)
    given = parser.parse_args()

    target = given.artifacts.resolve() / "python"
    shutil.rmtree(target, ignore_errors=True)
    if given.layer == "dependencies":
        install(given.source, target)
        trim(target)
    else:
        copy(given.source, target)
    interpreter = lambda_python()
    if interpreter is None:
        print(UNCOMPILED)
    else:
        byte_compile(target, interpreter)
    print(f"{given.layer} layer: {size_of(target) / 1e6:.1f} MB")


def install(requirements: Path, target: Path) -> None:
    """Installs hash-checked wheels for Lambda's platform. Exits if pip fails.

    Uses --no-deps, because pip evaluates environment markers for the interpreter that runs it, not --python-version.
    """
    options = ["--no-deps", "--no-compile", "--only-binary=:all:", "--implementation=cp"]
    options += [
        f"--python-version={LAMBDA_PYTHON}",
        *(f"--platform={platform}" for platform in LAMBDA_PLATFORMS),
    ]
    options += [
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        f"--target={target}",
        f"--requirement={requirements}",
    ]
    if subprocess.run([sys.executable, "-m", "pip", "install", *options], check=False).returncode:
        sys.exit(f"error: {sys.executable} cannot install {requirements}; set PYTHON to a Python that has pip")


def trim(target: Path) -> None:
    """Removes files that no import reads."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.parent.name.endswith(".dist-info"):
            is_unused = not KEPT_OF_DIST_INFO.fullmatch(path.name)
        elif path.is_dir():
            is_service = path.parent.parts[-2:] == ("botocore", "data")
            is_unused = path.name in UNUSED_FOLDERS or (is_service and path.name not in KEPT_SERVICES)
        else:
            is_unused = any(path.match(pattern) for pattern in UNUSED_FILES)
        if is_unused:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def copy(source: Path, target: Path) -> None:
    """Copies the package with its data files and py.typed."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))


def lambda_python() -> str | None:
    """Returns the path of a CPython 3.13 on this machine, or None.

    Each candidate is run, because pyenv's shim `python3.13` exists but fails while another version is selected.
    """
    return next((path for path in candidates() if is_lambda_python(path)), None)


def candidates() -> Iterator[str]:
    """Yields paths to try; some are empty."""
    yield os.environ.get("TARMAC_PYTHON313", "")
    yield sys.executable
    name = f"python{LAMBDA_PYTHON}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield shutil.which(name, path=folder or os.curdir) or ""
        yield shutil.which("python3", path=folder or os.curdir) or ""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    yield from map(str, pyenv.glob(f"versions/{LAMBDA_PYTHON}*/bin/{name}"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", "~/.local/share/uv/python")).expanduser()
    yield from map(str, uv.glob(f"cpython-{LAMBDA_PYTHON}*/bin/{name}"))


def is_lambda_python(path: str) -> bool:
    """Whether path is a final release of CPython 3.13: they all have the same byte-code format."""
    if not path:
        return False
    script = "import sys; print(sys.implementation.name, *sys.version_info[:2], sys.version_info[3])"
    command = [path, "-I", "-c", script]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.split() == ["cpython", *LAMBDA_PYTHON.split("."), "final"]


def byte_compile(target: Path, interpreter: str) -> None:
    """Adds .pyc files that Python uses without checking the source, whose time stamps the zip does not preserve.

    They contain the paths in Lambda, so tracebacks are correct and all machines build the same bytes.
    """
    command = [interpreter, "-I", "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash"]
    command += ["-s", str(target), "-p", IN_LAMBDA, str(target)]
    subprocess.run(command, check=True)


def size_of(folder: Path) -> int:
    """Returns the bytes of all files in folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
