"""The `tarmac` command. Slow imports are inside the commands, so that `tarmac --help` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from local.commands import avatars, clients, secret
from local.commands.batch import batch
from local.commands.destroy_check import destroy_check
from local.commands.doctor import doctor
from local.commands.generate import generate, upload
from local.commands.models import models
from local.commands.redrive import redrive
from local.commands.smoke import smoke
from local.commands.tasks import cancel, show, tasks, watch
from local.errors import EXIT_CODES, plain_errors

app = typer.Typer(
    help=f"""Tarmac: a backend for the Runway API, in your own AWS account or on this machine.

    Without --stack (or TARMAC_STACK) commands use the local stack. {EXIT_CODES}""",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


TASKS, STACKS, HERE = "Tasks", "Stacks", "This machine"

_TASK_COMMANDS: tuple[Callable[..., None], ...] = (generate, watch, tasks, show, cancel, upload, batch, models)
_STACK_COMMANDS: tuple[Callable[..., None], ...] = (doctor, smoke, redrive, destroy_check)

for command in _TASK_COMMANDS:
    app.command(rich_help_panel=TASKS)(command)
app.add_typer(clients.app, name="clients", rich_help_panel=STACKS)
app.add_typer(avatars.app, name="avatars", rich_help_panel=STACKS)
app.add_typer(secret.app, name="secret", rich_help_panel=STACKS)
for command in _STACK_COMMANDS:
    app.command(rich_help_panel=STACKS)(command)


@app.command(rich_help_panel=HERE)
def up() -> None:
    """Start the local stack in the background and deploy to it.

    Returns once everything is ready, and writes addresses and a client key to `.local/stack.json`. Run it again after
    a change: it deploys only what has changed. Environment variables and their defaults:

    * PORT (4566), SIMULATOR_PORT (4577): ports to listen on, on 127.0.0.1 only

    * TIME_SCALE (1): factor of all waits; 0.02 makes them fifty times shorter

    * RUNWAYML_API_SECRET: key for Runway itself, which costs credits

    * RUNWAYML_BASE_URL: address of the Runway API to use

    * CORS_ORIGINS (http://localhost:5173): browser origins, comma-separated

    * WEBHOOK_ORIGINS: restricts webhooks to these origins, comma-separated, such as http://127.0.0.1:8000

    * TARMAC_HOME (.local): folder of state, logs and stack.json
    """
    from local.stack import Stack

    with plain_errors():
        Stack.from_environment().up()


@app.command(rich_help_panel=HERE)
def down() -> None:
    """Stop the local stack. Tables, buckets and videos stay in .local for the next `up`."""
    from local.stack import Stack

    with plain_errors():
        ran = Stack.from_environment().down()
        print("down" if ran else "nothing was running", file=sys.stderr)


@app.command(rich_help_panel=HERE)
def demo() -> None:
    """Turn one image sent over HTTP and one put into S3 into archived, announced videos.

    Starts the local stack if it is not up, and leaves it up. FILE names your own image, PROMPT describes the video.
    TIME_SCALE (0.1) is the factor of all waits. With RUNWAYML_API_SECRET set, Runway itself generates, in real time and
    at its price.
    """
    from local.demo import run

    with plain_errors():
        raise typer.Exit(run())


@app.command(rich_help_panel=HERE)
def storyboard(
    prompts: Annotated[
        list[str] | None,
        typer.Argument(help="One prompt for each shot. Default: the shots of the example.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help='Read a file: {"request": …, "shots": [{"promptText": …}, …]}.'),
    ] = None,
) -> None:
    """Make a film of several shots on the local stack, each beginning with the last frame of the shot before.

    Deploys examples/storyboard beside the local stack, and leaves both up. TIME_SCALE and RUNWAYML_API_SECRET work as
    for `demo`; at Runway itself the three shots of the example cost 216 credits.
    """
    from local.storyboard import run, storyboard_of

    with plain_errors():
        raise typer.Exit(run(storyboard_of(prompts or (), file)))


@app.command(rich_help_panel=HERE)
def status() -> None:
    """Print which parts of the local stack run, and their addresses. Exit code 1 if the stack is not up."""
    from local.stack import Stack

    with plain_errors():
        stack = Stack.from_environment()
        running = stack.status()
        info = stack.info() if running["aws"] else None
        for name, pid in running.items():
            print(f"{name:<10} {'not running' if pid is None else f'running, pid {pid}'}")
        if info is None:
            raise typer.Exit(1)
        print(f"{'api':<10} {info.api_url}")
        print(f"{'runway':<10} {info.runway_base_url}")
        print(f"{'time':<10} x{info.time_scale:g}")


if __name__ == "__main__":
    app()
