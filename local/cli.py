"""The `tarmac` command. Imports of any weight stand inside the commands: `tarmac --help` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

app = typer.Typer(
    help="Tarmac: a backend for the Runway API, in your own AWS account or on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What a person can act on is one message, not a traceback."""
    from local.errors import LocalError

    try:
        yield
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(130) from None


@app.command()
def up() -> None:
    """Start the local stack in the background and deploy to it.

    Ends when everything is ready, and leaves addresses and a client key in .local/stack.json. Run it again
    after a change: only what has changed is deployed.

    The environment may say: PORT (4566) and SIMULATOR_PORT (4577); TIME_SCALE (1), where 0.02 makes all waits
    fifty times shorter; RUNWAYML_API_SECRET to use Runway itself, which costs credits; RUNWAYML_BASE_URL for
    another address of it; CORS_ORIGINS (http://localhost:5173); TARMAC_HOME (.local).
    """
    from local.stack import Stack

    with plain_errors():
        Stack.from_environment().up()


@app.command()
def down() -> None:
    """Stop the local stack. Tables, buckets and videos stay in .local for the next `up`."""
    from local.stack import Stack

    with plain_errors():
        ran = Stack.from_environment().down()
        print("down" if ran else "nothing was running", file=sys.stderr)


@app.command()
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
