"""`make release`: checks that this commit may be released, and tags it `vX.Y.Z`. Pushes nothing.

The version is `tarmac.VERSION`; pyproject.toml, the API document and `GET /health` read it from there.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from local.errors import LocalError
from local.paths import ROOT

BRANCH = "main"
CHANGELOG = "CHANGELOG.md"
VERSION_FILE = "layers/tarmac/python/tarmac/__init__.py"
CHECKS = ("make", "check", "test")

RunChecks = Callable[[], bool]


def release(root: Path, today: date, checks_pass: RunChecks) -> str:
    """Tags the commit and returns the tag. Raises LocalError if anything is in the way; then nothing is tagged."""
    version = version_of(root)
    found = problems(root, version, today)
    if found:
        raise LocalError("\n".join([f"version {version} cannot be released:", *(f"  {line}" for line in found)]))
    if not checks_pass():
        raise LocalError(f"`{' '.join(CHECKS)}` failed; fix it, commit, and run `make release` again")
    # The checks take minutes, in which the work tree may have changed.
    if git(root, "status", "--porcelain"):
        raise LocalError("files changed while the checks ran; commit or discard them, and run `make release` again")
    tag = f"v{version}"
    git(root, "tag", "--annotate", tag, "--message", f"Tarmac {version}\n\n{section(root, version)}")
    return tag


def version_of(root: Path) -> str:
    """The value of VERSION in the domain package, read without importing it."""
    for node in ast.parse((root / VERSION_FILE).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["VERSION"]:
            return str(ast.literal_eval(node.value))
    raise LocalError(f"{VERSION_FILE} has no VERSION")


def problems(root: Path, version: str, today: date) -> list[str]:
    """What prevents a release, each in one line. Reads the repository only."""
    found = []
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        found.append(f"VERSION must have the form X.Y.Z: {VERSION_FILE}")
    if git(root, "status", "--porcelain"):
        found.append("the work tree has uncommitted changes")
    branch = git(root, "branch", "--show-current")
    if branch != BRANCH:
        found.append(f"the current branch is {branch or 'detached'}, not {BRANCH}")
    heading = f"## [{version}] - {today.isoformat()}"
    if heading not in changelog(root).splitlines():
        found.append(f"{CHANGELOG} has no heading `{heading}`")
    elif not section(root, version):
        found.append(f"{CHANGELOG} says nothing about {version}")
    if git(root, "tag", "--list", f"v{version}"):
        found.append(f"the tag v{version} exists already; raise VERSION in {VERSION_FILE}")
    return found


def changelog(root: Path) -> str:
    path = root / CHANGELOG
    return path.read_text(encoding="utf-8") if path.exists() else ""


def section(root: Path, version: str) -> str:
    """What the changelog says about a version, without its heading; empty if it has no section."""
    pattern = rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |\Z)"
    found = re.search(pattern, changelog(root), re.MULTILINE | re.DOTALL)
    return found.group(1).strip() if found else ""


def git(root: Path, *arguments: str) -> str:
    """Output of a git command. Raises LocalError with git's own message if it fails."""
    answer = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise LocalError(f"git {arguments[0]}: {answer.stderr.strip()}")
    return answer.stdout.strip()


def run_checks() -> bool:
    """Whether `make check test` passes in this checkout."""
    return subprocess.run(CHECKS, cwd=ROOT, check=False).returncode == 0


def main() -> None:
    try:
        tag = release(ROOT, datetime.now(UTC).date(), run_checks)
    except LocalError as error:
        sys.exit(f"error: {error}")
    sys.stdout.write(f"tagged {tag}; publish it: git push origin {BRANCH} {tag}\n")


if __name__ == "__main__":
    main()
