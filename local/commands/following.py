"""Following tasks to their end: progress bars and tables on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.commands.api import ENDED, Api

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_BAR_WIDTH = 12
_LEAST_TEXT_WIDTH = 12
"""Least width of the last column, whose text is wrapped."""
_GAP = 2
"""Width between two columns of the table."""

COLOURS = {
    "PENDING": "dim",
    "THROTTLED": "yellow",
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "CANCELLED": "magenta",
}


def wait_for(api: Api, task_id: str, quiet: bool) -> dict[str, Any]:
    """Wait for the end of a task and return it. An interruption does not stop the task."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[status]:<10}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        bar = progress.add_task(task_id, total=1.0, status="…")
        try:
            while True:
                task = api.task(task_id)
                progress.update(bar, completed=done(task), status=task["status"])
                if task["status"] in ENDED:
                    return task
                time.sleep(api.pace_seconds)
        except KeyboardInterrupt:
            print(f"{task_id} continues; follow it with: tarmac watch {task_id}", file=sys.stderr)
            raise


def done(task: Mapping[str, Any]) -> float:
    """Return the progress from 0 to 1."""
    return 1.0 if task["status"] in ENDED else float(task.get("progress") or 0.0)


def exit_code(tasks: Sequence[Mapping[str, Any]]) -> int:
    """Return 1 if a task failed or was cancelled, otherwise 0."""
    return int(any(task["status"] in ("FAILED", "CANCELLED") for task in tasks))


def download_outputs(api: Api, task: Mapping[str, Any], folder: Path) -> list[str]:
    """Download the outputs as `{taskId}-{nn}.{ext}`, overwriting existing files. Return the paths."""
    files = []
    for link in task.get("output") or ():
        path = folder / f"{task['id']}-{urlsplit(link).path.rpartition('/')[2]}"
        api.download(link, path)
        files.append(str(path))
    return files


def credits_of(task: Mapping[str, Any]) -> str:
    """Return the cost as text: `25`, `~60` if it is an estimate, or empty if it is unknown."""
    cost, estimate = task.get("cost") or {}, task.get("estimatedCost") or {}
    if cost.get("credits") is not None:
        return f"{cost['credits']:g}"
    return f"~{estimate['credits']:g}" if estimate.get("credits") is not None else ""


def console_of_tables() -> Console:
    """Return a console on standard output: as wide as the terminal, or without a limit if it is not a terminal."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=10_000)


def table_of(tasks: Sequence[Mapping[str, Any]], console: Console) -> Table:
    """Return a table of tasks: id, status, progress, creation, credits, and the failure or the metadata.

    A narrow terminal omits the progress bar first, then credits, then the text; id, status and creation always remain.
    In a pipe each row is one line.
    """
    from rich import box
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    rows: list[dict[str, Any]] = []
    for task in tasks:
        status = task["status"]
        metadata = " ".join(f"{name}={value}" for name, value in (task.get("metadata") or {}).items())
        failure = f"{task['failureCode']}: {task['failure']}" if status == "FAILED" else ""
        rows.append(
            {
                "task": Text(task["id"]),
                "status": Text(status, style=COLOURS.get(status, "")),
                "progress": ProgressBar(total=1.0, completed=done(task), width=_BAR_WIDTH),
                "created": Text(task["createdAt"][5:16].replace("T", " ")),
                "credits": Text(credits_of(task)),
                "": Text(failure or metadata, style="red" if failure else "dim"),
            }
        )
    widths = {
        name: max([len(name), *(_BAR_WIDTH if name == "progress" else len(row[name]) for row in rows)])
        for name in ("task", "status", "progress", "created", "credits", "")
    }
    if console.is_terminal:
        widths[""] = min(widths[""], _LEAST_TEXT_WIDTH)
        for name in ("progress", "credits", ""):
            if sum(widths.values()) + _GAP * (len(widths) - 1) > console.width:
                del widths[name]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True, pad_edge=False)
    for name, width in widths.items():
        if name == "":
            table.add_column(name, overflow="fold", no_wrap=not console.is_terminal)
        else:
            table.add_column(name, min_width=width, no_wrap=True, justify="right" if name == "credits" else "left")
    for row in rows:
        table.add_row(*(row[name] for name in widths))
    return table
