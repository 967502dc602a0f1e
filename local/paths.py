"""Where things are: the project's files, and the folders that one local stack owns."""

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
    """The folder of one local stack. Two stacks with two homes and two sets of ports do not meet."""

    root: Path

    @classmethod
    def default(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """TARMAC_HOME, else `.local` in the project."""
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
        """Pid files."""
        return self.root / "run"

    @property
    def tmp(self) -> Path:
        """Scratch space of the running services, emptied at every start."""
        return self.root / "tmp"

    @property
    def state(self) -> Path:
        """Tables, buckets and machines between two runs."""
        return self.root / "state"

    @property
    def unsaved(self) -> Path:
        """Exists while the local AWS holds state that only its end writes. Left behind by a kill."""
        return self.root / "unsaved"

    @property
    def lost(self) -> Path:
        """Where the state goes that a killed local AWS left incomplete. Its buckets' files are all there."""
        return self.root / "state.lost"

    @property
    def simulator(self) -> Path:
        return self.root / "simulator"

    def create(self) -> None:
        """Make the folder, for the owner's eyes only: it holds a client key and perhaps a Runway key."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for folder in (self.logs, self.run, self.tmp, self.state, self.simulator):
            folder.mkdir(exist_ok=True)


def build_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Built layers, shared by all stacks of this checkout: their names hold a hash of their content."""
    return Path(environment.get("TARMAC_BUILD") or ROOT / ".local" / "build").resolve()


def import_domain() -> None:
    """Make `import tarmac` find the domain package of this checkout."""
    if str(DOMAIN) not in sys.path:
        sys.path.insert(0, str(DOMAIN))
