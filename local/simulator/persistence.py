"""A simulator's memory across a restart: one JSON file, written whole or not at all.

The clock does not stop meanwhile: like Runway's, tasks go on while nobody can reach the simulator.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from local.simulator.directives import Directives, said
from local.simulator.faults import Rule
from local.simulator.rendering import Clip
from local.simulator.simulator import Simulator
from local.simulator.tasks import Task
from local.simulator.uploads import Upload

FORMAT: Final = 1
_TASK_FIELDS: Final = tuple(each.name for each in fields(Task))


def snapshot(simulator: Simulator) -> str:
    """What must survive, as JSON. The request log does not."""
    return json.dumps(
        {
            "format": FORMAT,
            "savedAt": simulator.caught_up(),
            "secret": simulator.secret.hex(),
            "paused": simulator.paused,
            "tasks": [_task_json(task) for task in simulator.tasks.values()],
            "uploads": [asdict(upload) for upload in simulator.uploads.values()],
            "rules": [asdict(rule) for rule in simulator.faults.rules],
            "faultsMet": simulator.faults.met,
        }
    )


def restore(simulator: Simulator, text: str) -> None:
    """Put a snapshot into a fresh simulator; raises ValueError if it is of another format."""
    state: dict[str, Any] = json.loads(text)
    if state.get("format") != FORMAT:
        raise ValueError(f"simulator state of format {state.get('format')!r}; this one reads {FORMAT}")
    simulator.secret = bytes.fromhex(state["secret"])
    simulator.paused = state["paused"]
    simulator.take_back(map(_task, state["tasks"]), state["savedAt"])
    for upload in state["uploads"]:
        simulator.uploads[upload["token"]] = Upload(**upload)
    simulator.faults.rules = [Rule(**rule) for rule in state["rules"]]
    simulator.faults.met = Counter(state["faultsMet"])


def write(folder: Path, text: str) -> None:
    """Replace the state file."""
    aside = _state_file(folder).with_suffix(".new")
    aside.write_text(text)
    os.replace(aside, _state_file(folder))


def read(folder: Path) -> str | None:
    """The last state written, if there is one."""
    file = _state_file(folder)
    return file.read_text() if file.exists() else None


def _task_json(task: Task) -> dict[str, Any]:
    # By hand: asdict copies deeply, and the event loop waits for this.
    plain = {name: getattr(task, name) for name in _TASK_FIELDS}
    return plain | {"scenario": said(task.scenario), "clip": asdict(task.clip)}


def _task(saved: dict[str, Any]) -> Task:
    return Task(**saved | {"scenario": Directives(**saved["scenario"]), "clip": Clip(**saved["clip"])})


def _state_file(folder: Path) -> Path:
    return folder / "state.json"
