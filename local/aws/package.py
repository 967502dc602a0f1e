"""Functions and layers as zip files, the same bytes for the same content.

A local layer's zip holds one line: the path of a folder built once on this machine. ministack unpacks every
layer anew for every worker it starts: with 23 MB of dependencies in the zip a cold start took 0.6 s and as
much disk again, with the path it takes 0.25 s.
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

# Part of every build's name: a change of how layers are built builds them again.
RECIPE = "1"
EPOCH = (1980, 1, 1, 0, 0, 0)
KEPT_FOR_SECONDS = 7 * 24 * 3600


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in one order on every machine, without what Python leaves there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path


def content_hash(folder: Path) -> str:
    """16 hex digits over the names and bytes of a folder's files."""
    total = hashlib.sha256()
    for path in files(folder):
        total.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def zip_bytes(entries: dict[str, bytes]) -> bytes:
    """A zip that is the same, byte for byte, for the same entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def zip_folder(folder: Path) -> bytes:
    """A function's folder as its zip. Raises LocalError if there is nothing to run."""
    entries = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files(folder)}
    if not entries:
        raise LocalError(f"{folder} has no files to deploy")
    return zip_bytes(entries)


def zip_pointer(folder: Path) -> bytes:
    """A layer whose packages are in `folder` on this machine."""
    # A worker treats this directory as a site directory, and such a directory's .pth lines are executed.
    line = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    return zip_bytes({"python/lib/python3/site-packages/local.pth": line.encode()})


def build_layer(source: Path, name: str, builds: Path, say: Callable[[str], None]) -> Path:
    """The folder with a layer's packages, for the interpreter that runs this. Built once for each content.

    `source` holds requirements.txt, installed by pip, or python/, copied. Raises LocalError when pip fails.
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
        # Compiled once, and never compared with the source again: the folder's name vouches for it.
        compileall.compile_dir(
            scratch, quiet=2, force=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        scratch.chmod(0o755)
        try:
            scratch.rename(target)
        except OSError:
            # Another `up` of this checkout built the same folder meanwhile.
            if not target.exists():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    forget_old_builds(builds, name, target)
    return target


def install(requirements: Path, target: Path) -> None:
    """pip install --target, without what no import needs."""
    if importlib.util.find_spec("pip") is None:
        raise LocalError(f"{sys.executable} has no pip, which builds the dependencies layer")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    command += ["--disable-pip-version-check", "--no-input"]
    command += ["--target", str(target), "--requirement", str(requirements)]
    # pip refuses --target beside a setting that asks for --user.
    environment = os.environ | {"PIP_USER": "0"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise LocalError(f"pip could not install {requirements}:\n{answer.stderr.strip()}")
    shutil.rmtree(target / "bin", ignore_errors=True)
    for tests in [path for path in target.rglob("tests") if path.is_dir()]:
        shutil.rmtree(tests, ignore_errors=True)


def forget_old_builds(builds: Path, name: str, current: Path) -> None:
    """Remove this layer's builds that no stack has asked for in a week."""
    oldest = time.time() - KEPT_FOR_SECONDS
    for build in builds.glob(f"{name}-*"):
        if build != current and build.stat().st_mtime < oldest:
            shutil.rmtree(build, ignore_errors=True)
