"""Following tasks to their end, with progress bars where somebody looks and without where nobody does."""

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
_LEAST_WORDS = 12
"""As narrow may the last column become: its words go on below."""
_GAP = 2
"""Between two columns of the table."""

COLOURS = {
    "PENDING": "dim",
    "THROTTLED": "yellow",
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "CANCELLED": "magenta",
}


def wait_for(api: Api, task_id: str, quiet: bool) -> dict[str, Any]:
    """The task once it has ended. An interruption leaves the task alone, and says how to find it again."""
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
            print(f"{task_id} goes on without this command: tarmac watch {task_id}", file=sys.stderr)
            raise


def done(task: Mapping[str, Any]) -> float:
    """From 0 to 1."""
    return 1.0 if task["status"] in ENDED else float(task.get("progress") or 0.0)


def exit_code(tasks: Sequence[Mapping[str, Any]]) -> int:
    """1 where a task has ended other than well."""
    return int(any(task["status"] in ("FAILED", "CANCELLED") for task in tasks))


def download_outputs(api: Api, task: Mapping[str, Any], folder: Path) -> list[str]:
    """The files, `{taskId}-{nn}.{ext}`; one that is there is written again."""
    files = []
    for link in task.get("output") or ():
        path = folder / f"{task['id']}-{urlsplit(link).path.rpartition('/')[2]}"
        api.download(link, path)
        files.append(str(path))
    return files


def credits_of(task: Mapping[str, Any]) -> str:
    """`25`, `~60` while it is an estimate, and nothing where nobody knows."""
    cost, estimate = task.get("cost") or {}, task.get("estimatedCost") or {}
    if cost.get("credits") is not None:
        return f"{cost['credits']:g}"
    return f"~{estimate['credits']:g}" if estimate.get("credits") is not None else ""


def console_of_tables() -> Console:
    """Standard output, as wide as the terminal is; as wide as it takes where there is none."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=10_000)


def table_of(tasks: Sequence[Mapping[str, Any]], console: Console) -> Table:
    """A row each: id, status, progress, age, credits, what the client has said of it, why it failed.

    Where lines are short the bar is left out, then credits, then words: what a task is called, how it stands and when
    it was made are never cut. Where nobody looks, as in a pipe, a row is one line.
    """
    from rich import box
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    rows: list[dict[str, Any]] = []
    for task in tasks:
        status = task["status"]
        said = " ".join(f"{name}={value}" for name, value in (task.get("metadata") or {}).items())
        failure = f"{task['failureCode']}: {task['failure']}" if status == "FAILED" else ""
        rows.append(
            {
                "task": Text(task["id"]),
                "status": Text(status, style=COLOURS.get(status, "")),
                "progress": ProgressBar(total=1.0, completed=done(task), width=_BAR_WIDTH),
                "created": Text(task["createdAt"][5:16].replace("T", " ")),
                "credits": Text(credits_of(task)),
                "": Text(failure or said, style="red" if failure else "dim"),
            }
        )
    widths = {
        name: max([len(name), *(_BAR_WIDTH if name == "progress" else len(row[name]) for row in rows)])
        for name in ("task", "status", "progress", "created", "credits", "")
    }
    if console.is_terminal:
        widths[""] = min(widths[""], _LEAST_WORDS)
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
