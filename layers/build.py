"""Builds a layer for Lambda's python3.13 on arm64, on any machine: no Docker, no Python 3.13 needed.

    build.py dependencies REQUIREMENTS ARTIFACTS   install hash-checked wheels and trim them
    build.py tarmac SOURCE ARTIFACTS               copy the domain package

Either leaves ARTIFACTS/python, byte-compiled if a Python 3.13 can be found. Standard library only. What people should
read goes to stdout: `sam build` shows that, and keeps stderr to itself unless the build fails.
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

# Read by type checkers, test runners and pip, never by an import in a function.
NEEDLESS_FOLDERS = ("__pycache__", "tests", "test", "bin")
NEEDLESS_FILES = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h")
# METADATA answers importlib.metadata and vulnerability scanners; licences travel with what they cover.
KEPT_OF_DIST_INFO = re.compile(r"METADATA|licenses?|(LICEN[CS]E|COPYING|NOTICE|AUTHORS).*", re.IGNORECASE)

# botocore describes four hundred services; boto3 is asked for these alone (tarmac/aws). A client is made the
# sooner for it, and the layer is half as large.
KEPT_SERVICES = ("s3",)

UNCOMPILED = f"""\
warning: found no Python {LAMBDA_PYTHON} that runs (PATH, pyenv, uv), so this layer ships as source. It works, but
         every cold start compiles it again and takes 2.2 to 2.7 times as long. Install Python {LAMBDA_PYTHON}, or name
         one in TARMAC_PYTHON313, and build again."""


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
    """Installs hash-checked wheels for Lambda's platform, whatever this machine's is. Exits if pip fails.

    --no-deps, because pip judges environment markers by the interpreter that runs it, not by --python-version.
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
        sys.exit(f"error: {sys.executable} could not install {requirements}; PYTHON may name one with pip")


def trim(target: Path) -> None:
    """Removes what no import reads."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.parent.name.endswith(".dist-info"):
            needless = not KEPT_OF_DIST_INFO.fullmatch(path.name)
        elif path.is_dir():
            is_service = path.parent.parts[-2:] == ("botocore", "data")
            needless = path.name in NEEDLESS_FOLDERS or (is_service and path.name not in KEPT_SERVICES)
        else:
            needless = any(path.match(pattern) for pattern in NEEDLESS_FILES)
        if needless:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def copy(source: Path, target: Path) -> None:
    """The package as it is, data files and py.typed included."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))


def lambda_python() -> str | None:
    """Path of a CPython 3.13 on this machine, proven by running it, or None.

    A name on PATH proves nothing: pyenv's shim `python3.13` is there and fails while another version is selected.
    """
    return next((path for path in candidates() if is_lambda_python(path)), None)


def candidates() -> Iterator[str]:
    """Where one may be; empty text for nowhere."""
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
    """Whether path runs and is a final CPython 3.13: all of these share one byte-code format."""
    if not path:
        return False
    question = "import sys; print(sys.implementation.name, *sys.version_info[:2], sys.version_info[3])"
    command = [path, "-I", "-c", question]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.split() == ["cpython", *LAMBDA_PYTHON.split("."), "final"]


def byte_compile(target: Path, interpreter: str) -> None:
    """Adds .pyc files that Lambda takes without a look at the source: its time stamps do not survive the zip.

    Paths inside them are those in Lambda, so that tracebacks are right and two machines build the same bytes.
    """
    command = [interpreter, "-I", "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash"]
    command += ["-s", str(target), "-p", IN_LAMBDA, str(target)]
    subprocess.run(command, check=True)


def size_of(folder: Path) -> int:
    """Bytes of all files in folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
