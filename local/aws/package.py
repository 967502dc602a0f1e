"""Packages functions and layers as zip files: the same content always gives the same bytes.

The zip of a local layer contains one line: the path of a folder that is built once on this machine. ministack unpacks
every layer again for every worker: with 23 MB of dependencies in the zip a cold start took 0.6 s and another 23 MB of
disk; with the path it takes 0.25 s.
"""

from __future__ import annotations

import compileall
import hashlib
import importlib.util
import io
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from local.errors import LocalError

# Part of every build's name. Change it when layers are built differently, so that they are built again.
RECIPE = "1"
EPOCH = (1980, 1, 1, 0, 0, 0)
BUILD_LIFETIME_SECONDS = 7 * 24 * 3600


def files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder in a fixed order, without Python's byte code."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path


def content_hash(folder: Path) -> str:
    """Return 16 hex digits of a hash of the names and bytes of a folder's files."""
    total = hashlib.sha256()
    for path in files(folder):
        total.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def zip_bytes(entries: dict[str, bytes]) -> bytes:
    """Return a zip file whose bytes depend on its entries alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def zip_folder(folder: Path) -> bytes:
    """Return the zip file of a function's folder. Raise LocalError if the folder has no files."""
    entries = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files(folder)}
    if not entries:
        raise LocalError(f"{folder} contains no files to deploy")
    return zip_bytes(entries)


def zip_pointer(folder: Path) -> bytes:
    """Return the zip file of a layer whose packages are in `folder` on this machine."""
    # A worker treats this directory as a site directory, so it executes the lines of .pth files.
    line = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    return zip_bytes({"python/lib/python3/site-packages/local.pth": line.encode()})


def build_layer(source: Path, name: str, builds: Path, say: Callable[[str], None]) -> Path:
    """Return the folder with a layer's packages for this Python. It is built once per content.

    source: a folder with requirements.txt, which pip installs, or with python/, which is copied.
    Raise LocalError if pip fails.
    """
    requirements = source / "requirements.txt"
    if requirements.exists():
        recipe = f"{RECIPE} {sys.version} {sysconfig.get_platform()}\n".encode()
        key = hashlib.sha256(recipe + requirements.read_bytes()).hexdigest()[:16]
    else:
        key = content_hash(source / "python")
    target = builds / f"{name}-{key}"
    if target.exists():
        os.utime(target)
        return target
    builds.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=builds))
    try:
        if requirements.exists():
            say(f"installing the packages of {requirements.parent.name} (once)")
            install(requirements, scratch)
        else:
            compiled = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source / "python", scratch, dirs_exist_ok=True, ignore=compiled)
        # Compiled once and never compared with the source: the folder's name contains the content hash.
        compileall.compile_dir(
            scratch, quiet=2, force=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        scratch.chmod(0o755)
        try:
            scratch.rename(target)
        except OSError:
            # Another `up` of this checkout has built the same folder in the meantime.
            if not target.exists():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    remove_old_builds(builds, name, target)
    return target


def install(requirements: Path, target: Path) -> None:
    """Run `pip install --target`, and remove what no import needs. Raise LocalError if pip fails."""
    if importlib.util.find_spec("pip") is None:
        raise LocalError(f"{sys.executable} has no pip, which is needed to build the dependencies layer")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    command += ["--disable-pip-version-check", "--no-input"]
    command += ["--target", str(target), "--requirement", str(requirements)]
    # pip rejects --target if a setting asks for --user.
    environment = os.environ | {"PIP_USER": "0"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise LocalError(f"pip could not install {requirements}:\n{answer.stderr.strip()}")
    shutil.rmtree(target / "bin", ignore_errors=True)
    for tests in [path for path in target.rglob("tests") if path.is_dir()]:
        shutil.rmtree(tests, ignore_errors=True)


def remove_old_builds(builds: Path, name: str, current: Path) -> None:
    """Remove builds of this layer that no stack has used for a week."""
    oldest = time.time() - BUILD_LIFETIME_SECONDS
    for build in builds.glob(f"{name}-*"):
        if build != current and build.stat().st_mtime < oldest:
            shutil.rmtree(build, ignore_errors=True)
