"""The state of a simulator across a restart: one JSON file, replaced atomically.

Times are absolute, so tasks go on while the simulator is down, as Runway's do.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from local.simulator.directives import Directives, changed
from local.simulator.faults import Rule
from local.simulator.library import KINDS, Node
from local.simulator.rendering import Clip
from local.simulator.simulator import Simulator
from local.simulator.tasks import Task
from local.simulator.uploads import Upload

FORMAT: Final = 2
_TASK_FIELDS: Final = tuple(each.name for each in fields(Task))


class Unreadable(ValueError):
    """The state cannot be restored; the message is the reason."""


def snapshot(simulator: Simulator) -> str:
    """The state to keep, as JSON. The request log and the visits to /rtc are not part of it."""
    return json.dumps(
        {
            "format": FORMAT,
            "savedAt": simulator.caught_up(),
            "secret": simulator.secret.hex(),
            "paused": simulator.paused,
            "tasks": [_task_json(task) for task in simulator.tasks.values()],
            "library": {name: [_plain(each) for each in getattr(simulator.library, name).values()] for name in KINDS},
            "previews": {name: asdict(clip) for name, clip in simulator.previews.items()},
            "uploads": [asdict(upload) for upload in simulator.uploads.values()],
            "rules": [asdict(rule) for rule in simulator.faults.rules],
            "faultsMet": simulator.faults.met,
        }
    )


def restore(simulator: Simulator, text: str) -> None:
    """Load a snapshot into a new simulator; raises Unreadable."""
    try:
        _restore(simulator, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        simulator.reset()
        raise Unreadable(str(error) or type(error).__name__) from error


def _restore(simulator: Simulator, state: dict[str, Any]) -> None:
    if state.get("format") != FORMAT:
        raise ValueError(f"format {state.get('format')!r}; expected {FORMAT}")
    simulator.secret = bytes.fromhex(state["secret"])
    simulator.paused = state["paused"]
    simulator.restore_tasks(map(_task, state["tasks"]), state["savedAt"])
    for name, kind in KINDS.items():
        getattr(simulator.library, name).update({each["id"]: _revived(kind, each) for each in state["library"][name]})
    simulator.previews = {name: Clip(**clip) for name, clip in state["previews"].items()}
    for upload in state["uploads"]:
        simulator.uploads[upload["token"]] = Upload(**upload)
    simulator.faults.rules = [Rule(**rule) for rule in state["rules"]]
    simulator.faults.met = Counter(state["faultsMet"])


def write(folder: Path, text: str) -> None:
    """Replace the state file."""
    aside = _state_file(folder).with_suffix(".new")
    aside.write_text(text)
    aside.replace(_state_file(folder))


def read(folder: Path) -> str | None:
    """The last state written, None if there is none; raises Unreadable."""
    file = _state_file(folder)
    try:
        return file.read_text("utf-8") if file.exists() else None
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8") from error


def set_aside(folder: Path) -> Path:
    """Rename the state file, so that the next write does not replace it; returns its new path."""
    aside = _state_file(folder).with_name(f"state.unreadable-{time.time_ns()}.json")
    return _state_file(folder).rename(aside)


def _plain(record: Any) -> dict[str, Any]:
    plain = asdict(record)
    return plain if "scenario" not in plain else plain | {"scenario": changed(record.scenario)}


def _revived(kind: type, saved: dict[str, Any]) -> Any:
    if "scenario" in saved:
        saved = saved | {"scenario": Directives(**saved["scenario"])}
    if "nodes" in saved:
        saved = saved | {"nodes": [Node(**node) for node in saved["nodes"]]}
    return kind(**saved)


def _task_json(task: Task) -> dict[str, Any]:
    # Not asdict: it copies deeply, and this blocks the event loop.
    plain = {name: getattr(task, name) for name in _TASK_FIELDS}
    return plain | {"scenario": changed(task.scenario), "clip": asdict(task.clip)}


def _task(saved: dict[str, Any]) -> Task:
    return Task(**saved | {"scenario": Directives(**saved["scenario"]), "clip": Clip(**saved["clip"])})


def _state_file(folder: Path) -> Path:
    return folder / "state.json"
