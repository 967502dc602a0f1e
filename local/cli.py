"""The `tarmac` command. Imports of any weight stand inside the commands: `tarmac --help` answers at once."""

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
from local.commands.tasks import cancel, show, tasks, watch
from local.errors import EXIT_CODES, plain_errors

app = typer.Typer(
    help=f"""Tarmac: a backend for the Runway API, in your own AWS account or on this machine.

    Without --stack (or TARMAC_STACK) commands talk to the local stack. {EXIT_CODES}""",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


TASKS, STACKS, HERE = "Tasks", "Stacks", "This machine"

_OF_TASKS: tuple[Callable[..., None], ...] = (generate, watch, tasks, show, cancel, upload, batch, models)
_OF_STACKS: tuple[Callable[..., None], ...] = (doctor, redrive, destroy_check)

for command in _OF_TASKS:
    app.command(rich_help_panel=TASKS)(command)
app.add_typer(clients.app, name="clients", rich_help_panel=STACKS)
app.add_typer(avatars.app, name="avatars", rich_help_panel=STACKS)
app.add_typer(secret.app, name="secret", rich_help_panel=STACKS)
for command in _OF_STACKS:
    app.command(rich_help_panel=STACKS)(command)


@app.command(rich_help_panel=HERE)
def up() -> None:
    """Start the local stack in the background and deploy to it.

    Ends when everything is ready, and leaves addresses and a client key in `.local/stack.json`. Run it again after
    a change: only what has changed is deployed. The environment may say:

    * PORT (4566), SIMULATOR_PORT (4577): where to listen, on 127.0.0.1 only

    * TIME_SCALE (1): 0.02 makes all waits fifty times shorter

    * RUNWAYML_API_SECRET: use Runway itself, which costs credits

    * RUNWAYML_BASE_URL: another address of it

    * CORS_ORIGINS (http://localhost:5173): browser origins, comma-separated

    * WEBHOOK_ORIGINS: the only origins callbacks may go to, comma-separated; http://127.0.0.1:8000 may be one

    * TARMAC_HOME (.local): where state, logs and stack.json are
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
    """Run the main job: an image over HTTP and an image dropped into S3 become archived, announced videos.

    Starts the local stack if it is not up, and leaves it up. FILE names a picture of yours, PROMPT what should
    happen in it. TIME_SCALE (0.1) says how much faster than at Runway the simulator's clock runs. With
    RUNWAYML_API_SECRET set, Runway itself generates, at its own pace and price.
    """
    from local.demo import run

    with plain_errors():
        raise typer.Exit(run())


@app.command(rich_help_panel=HERE)
def storyboard(
    prompts: Annotated[
        list[str] | None,
        typer.Argument(help="One prompt a shot; without any, those of the sample.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help='A storyboard: {"request": …, "shots": [{"promptText": …}, …]}.')
    ] = None,
) -> None:
    """Make a film of several shots on the local stack, each continuing from the last frame of the one before.

    Puts the sample storyboard.yaml beside the local stack, and leaves both up. TIME_SCALE and RUNWAYML_API_SECRET as
    for `demo`; the sample's three shots cost 216 credits at Runway itself.
    """
    from local.storyboard import run, storyboard_of

    with plain_errors():
        raise typer.Exit(run(storyboard_of(prompts or (), file)))


@app.command(rich_help_panel=HERE)
def status() -> None:
    """Say what runs, and where. Exit code 1 if the local stack is not up."""
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
