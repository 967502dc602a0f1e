"""Paths: the project's root, and the files and folders of a local stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = ROOT / "layers" / "tarmac" / "python"


@dataclass(frozen=True)
class Home:
    """The folder of one local stack. Stacks with different homes and ports run side by side."""

    root: Path

    @classmethod
    def default(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """Return the home that TARMAC_HOME names, or `.local` in the project."""
        return cls(Path(environment.get("TARMAC_HOME") or ROOT / ".local").resolve())

    @property
    def stack_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """The folder of pid files."""
        return self.root / "run"

    @property
    def tmp(self) -> Path:
        """Temporary files of the running services. Emptied at every start."""
        return self.root / "tmp"

    @property
    def state(self) -> Path:
        """Tables, buckets and state machines, kept between runs."""
        return self.root / "state"

    @property
    def unsaved(self) -> Path:
        """A file that exists while the local AWS has unsaved state. It remains if the local AWS was killed."""
        return self.root / "unsaved"

    @property
    def lost(self) -> Path:
        """Where incomplete state is moved after the local AWS was killed. The files of its buckets are complete."""
        return self.root / "state.lost"

    @property
    def simulator(self) -> Path:
        return self.root / "simulator"

    def create(self) -> None:
        """Create the folders, readable by the owner only: they contain a client key and may contain a Runway key."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for folder in (self.logs, self.run, self.tmp, self.state, self.simulator):
            folder.mkdir(exist_ok=True)


def build_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of built layers, shared by all stacks of this checkout. Their names contain a content hash."""
    return Path(environment.get("TARMAC_BUILD") or ROOT / ".local" / "build").resolve()


def import_domain() -> None:
    """Make `import tarmac` find the package in layers/ of this checkout."""
    if str(DOMAIN) not in sys.path:
        sys.path.insert(0, str(DOMAIN))
