"""`make storyboard`: deploys examples/storyboard beside the local stack and makes a film of several shots."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.aws import deploy
from local.aws.clients import Clients
from local.demo import DEMO_TIME_SCALE
from local.errors import LocalError
from local.paths import ROOT, build_folder, import_domain
from local.stack import NAME, Stack, StackInfo, say

if TYPE_CHECKING:
    from rich.console import Console

    from tarmac.tasks.store import TaskStore

STACK = f"{NAME}-storyboard"
FILM_BUCKET = f"{NAME}-films"
EXAMPLE = ROOT / "examples" / "storyboard"
PATIENCE_SECONDS = 3600.0


@dataclass(frozen=True)
class Studio:
    """The deployed example."""

    film_machine_arn: str
    film_bucket: str

    def execution_arn(self, film: str) -> str:
        return self.film_machine_arn.replace(":stateMachine:", ":execution:") + f":{film}"


def deploy_storyboard(info: StackInfo, film_bucket: str) -> Studio:
    """Create the bucket and deploy the example beside a stack whose InputBuckets list this bucket."""
    project = deploy.Project(EXAMPLE, build_folder())
    bundle = deploy.prepare(project, {"TarmacStack": NAME, "FilmBucket": film_bucket}, say)
    with Clients(info.aws_endpoint_url, info.region) as clients:
        with contextlib.suppress(clients.s3.exceptions.BucketAlreadyOwnedByYou):
            clients.s3.create_bucket(Bucket=film_bucket)
        outputs = deploy.deploy(clients, STACK, bundle, say)
    return Studio(outputs["FilmStateMachineArn"], outputs["FilmBucket"])


def storyboard_of(prompts: Sequence[str], file: Path | None) -> dict[str, Any]:
    """Return the storyboard of a file, or of the example, with these prompts instead of its shots if there are any.

    Raise LocalError for an invalid file.
    """
    try:
        board: Any = json.loads((file or EXAMPLE / "storyboard.json").read_bytes())
    except (OSError, ValueError) as error:
        raise LocalError(f"{file} cannot be read as a storyboard: {error}") from error
    if not isinstance(board, dict):
        raise LocalError(f"{file} must contain a JSON object")
    return board | {"shots": [{"promptText": prompt} for prompt in prompts]} if prompts else board


def run(board: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> int:
    """Make the film. Return 0 once it is in .local/out, 1 if it failed. Raise LocalError."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    stack = Stack.from_environment(environment)
    if "TIME_SCALE" not in environment and stack.upstream.simulated:
        stack = replace(stack, time_scale=DEMO_TIME_SCALE)
    stack = replace(stack, parameters={**stack.parameters, "InputBuckets": FILM_BUCKET})
    info = stack.up()
    studio = deploy_storyboard(info, FILM_BUCKET)
    film = time.strftime("film-%Y%m%d-%H%M%S")
    console.print(f"\nFilm [bold]{film}[/]: {len(board.get('shots', ()))} shots, one execution of {STACK}-film.")
    if not stack.upstream.simulated:
        console.print(f"[yellow]Runway itself generates, at {stack.upstream.base_url}.[/]")

    import_domain()
    from tarmac.aws.dynamodb import DynamoTable
    from tarmac.clock import Clock
    from tarmac.tasks.store import TaskStore

    with Clients(info.aws_endpoint_url, info.region) as clients:
        clients.states.start_execution(stateMachineArn=studio.film_machine_arn, name=film, input=json.dumps(board))
        tasks = TaskStore(DynamoTable(info.tasks_table, clients.dynamodb), Clock())
        ending = _watch(console, clients, tasks, studio.execution_arn(film), board)
        return _show(console, clients, film, ending, stack.files.root / "out")


def _watch(
    console: Console, clients: Clients, tasks: TaskStore, execution_arn: str, board: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Show a progress bar for each shot until the film has ended. Return its execution."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from tarmac.tasks.responses import shown_status
    from tarmac.tasks.store import NoSuchTask

    columns = (
        TextColumn("{task.description:<48.48}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[status]:<10}"),
        TimeElapsedColumn(),
    )
    film, shots = execution_arn.rpartition(":")[2], board.get("shots") or ()
    with Progress(*columns, console=console) as progress:
        bars = [
            progress.add_task(str(shot.get("promptText", "")), total=1.0, status="…", start=False) for shot in shots
        ]
        patience = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < patience:
            execution = clients.states.describe_execution(executionArn=execution_arn)
            for number, bar in enumerate(bars, 1):
                try:
                    task = tasks.get(f"{film}-{number:02}")
                except NoSuchTask:
                    break
                progress.start_task(bar)
                done = 1.0 if task.state.is_terminal else min(task.progress or 0.0, 0.99)
                progress.update(bar, completed=done, status=shown_status(task))
                if task.state.is_terminal:
                    progress.stop_task(bar)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(0.3)
    raise LocalError(f"the film has not ended after {PATIENCE_SECONDS:.0f} s: see .local/logs")


def _show(console: Console, clients: Clients, film: str, ending: Mapping[str, Any], out: Path) -> int:
    if ending["status"] != "SUCCEEDED":
        console.print(f"[red]{ending.get('error', ending['status'])}: {ending.get('cause', '')}[/]")
        return 1
    summary = json.loads(ending["output"])
    joined = summary["joined"]
    path = out / f"{film}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    clients.s3.download_file(joined["bucket"], joined["key"], str(path))
    how = "copied" if joined["copied"] else "encoded again"
    console.print(f"\n  film       s3://{joined['bucket']}/{joined['key']}")
    console.print(f"  file       {joined['bytes']:,} bytes, {joined['frames']} frames, {joined['seconds']:g} s, {how}")
    console.print(f"  manifest   s3://{summary['manifest']['bucket']}/{summary['manifest']['key']}")
    console.print(f"  your copy  {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
    console.print(f"  cost       {summary['credits']:g} credits")
    return 0
