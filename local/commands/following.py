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
    from rich.table import Table

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


def table_of(tasks: Sequence[Mapping[str, Any]]) -> Table:
    """A row each: id, status, progress, age, credits, what the client has said of it, why it failed."""
    from rich import box
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("task", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("progress", width=12)
    table.add_column("created", no_wrap=True)
    table.add_column("credits", justify="right")
    table.add_column("", overflow="fold")
    for task in tasks:
        status = task["status"]
        said = " ".join(f"{name}={value}" for name, value in (task.get("metadata") or {}).items())
        failure = f"{task['failureCode']}: {task['failure']}" if status == "FAILED" else ""
        table.add_row(
            Text(task["id"]),
            Text(status, style=COLOURS.get(status, "")),
            ProgressBar(total=1.0, completed=done(task), width=12),
            Text(task["createdAt"][5:16].replace("T", " ")),
            credits_of(task),
            Text(failure or said, style="red" if failure else "dim"),
        )
    return table
