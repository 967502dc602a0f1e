"""`tarmac tasks`, `show`, `watch`, `cancel`: lists, shows, follows and cancels a client's tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from local.commands.api import ENDED, Api, JsonOption, KeyOption, UrlOption, open_api, print_json
from local.commands.following import COLOURS, console_of_tables, credits_of, download_outputs, exit_code, table_of
from local.commands.target import StackOption
from local.errors import LocalError, TryLater, Unreachable, plain_errors, report


def tasks(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most tasks to list.")] = 20,
    status: Annotated[
        str | None,
        typer.Option(help=f"List only this status: {', '.join(COLOURS)}.", metavar="STATUS", show_default=False),
    ] = None,
    as_json: JsonOption = False,
    stack: StackOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """List a client's tasks, newest first."""
    with plain_errors(as_json), open_api(stack, url, key) as api:
        found = api.tasks(limit, status and status.upper())
        if as_json:
            print_json(found)
            return
        console = console_of_tables()
        # A terminal that is too narrow for the shortest row wraps it.
        console.print(table_of(found, console) if found else "no tasks", crop=False)


def show(
    task_id: Annotated[str, typer.Argument(help="Task id.")],
    download: Annotated[
        Path | None, typer.Option("--download", "-d", help="Download the outputs into this folder.")
    ] = None,
    as_json: JsonOption = False,
    stack: StackOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show a task, with output links that expire after an hour. Exit code 1 if it failed or was cancelled."""
    with plain_errors(as_json), open_api(stack, url, key) as api:
        task = api.task(task_id)
        files = download_outputs(api, task, download) if download else []
        if as_json:
            print_json(task | ({"files": files} if download else {}))
        else:
            _print_task(task, files)
        raise typer.Exit(exit_code([task]))


def watch(
    task_ids: Annotated[
        list[str] | None,
        typer.Argument(help="Task ids, followed until all have ended. Default: the newest tasks, without end."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100, help="How many of the newest tasks to follow.")
    ] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print each change as a line of JSON.")] = False,
    stack: StackOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Follow tasks in a live table with progress bars. Ctrl-C stops following; the tasks continue.

    With task ids, the exit code is 1 if one failed or was cancelled. Without a terminal, prints one line per change.
    """
    with plain_errors(as_json), open_api(stack, url, key) as api:
        console = console_of_tables()
        named = list(dict.fromkeys(task_ids or ()))
        poll = (lambda: [api.task(task_id) for task_id in named]) if named else (lambda: api.tasks(limit))
        if console.is_terminal and not as_json:
            last = _follow_live(api, poll, bool(named), console)
        else:
            last = _follow_lines(api, poll, bool(named), as_json)
        raise typer.Exit(exit_code(last))


def cancel(
    task_ids: Annotated[list[str], typer.Argument(help="Task ids.")],
    as_json: JsonOption = False,
    stack: StackOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Cancel running tasks. A task that Runway finishes in the meantime is paid for and archived.

    Exit code 1 if a task has already ended or is not found; the others are still cancelled.
    """
    with plain_errors(as_json), open_api(stack, url, key) as api:
        problems = 0
        for task_id in task_ids:
            try:
                api.cancel(task_id)
            except (Unreachable, TryLater):
                raise
            except LocalError as problem:
                problems += 1
                report(problem, as_json)
                if as_json:
                    print_json({"id": task_id, "cancelled": False, "error": str(problem)})
            else:
                if as_json:
                    print_json({"id": task_id, "cancelled": True})
                else:
                    print(f"{task_id} is being cancelled")
        raise typer.Exit(1 if problems else 0)


def _print_task(task: dict[str, Any], files: Sequence[str]) -> None:
    """Print one line for each known field of a task."""
    from rich.console import Console
    from rich.text import Text

    progress = f", {task['progress']:.0%}" if task.get("progress") is not None else ""
    lines = {
        "task": task["id"],
        "status": task["status"] + progress,
        "created": task["createdAt"],
        "credits": credits_of(task),
        "failure": f"{task['failureCode']}: {task['failure']}" if task["status"] == "FAILED" else "",
        "metadata": " ".join(f"{name}={value}" for name, value in (task.get("metadata") or {}).items()),
    }
    if webhook := task.get("webhook"):
        lines["webhook"] = f"{webhook['state']} after {webhook['tries']} attempts, last answer {webhook['lastStatus']}"
    console = Console(soft_wrap=True, highlight=False)
    for name, text in lines.items():
        if text:
            style = COLOURS.get(task["status"], "") if name == "status" else ""
            console.print(Text(f"{name:<10}"), Text(text, style=style), sep="")
    for output in files or task.get("output") or ():
        console.print(Text(f"{'file' if files else 'output':<10}"), Text(output), sep="")


Poll = Callable[[], list[dict[str, Any]]]


def _all_ended(found: Sequence[dict[str, Any]]) -> bool:
    return all(task["status"] in ENDED for task in found)


def _follow_live(api: Api, poll: Poll, has_end: bool, console: Any) -> list[dict[str, Any]]:
    from rich.live import Live

    with Live(console=console, auto_refresh=False) as live:
        while True:
            found = poll()
            live.update(table_of(found, console), refresh=True)
            if has_end and _all_ended(found):
                return found
            time.sleep(api.pace_seconds)


def _follow_lines(api: Api, poll: Poll, has_end: bool, as_json: bool) -> list[dict[str, Any]]:
    seen: dict[str, Any] = {}
    while True:
        found = poll()
        for task in found:
            state = task["status"], task.get("progress") if as_json else None
            if seen.get(task["id"]) != state:
                seen[task["id"]] = state
                print_json(task) if as_json else print(f"{task['id']}  {task['status']}", flush=True)
        if has_end and _all_ended(found):
            return found
        time.sleep(api.pace_seconds)
