"""What may go wrong on one's own machine, said so that the reader knows what to do next."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class LocalError(Exception):
    """A message for the person at the terminal. Printed without a traceback."""


class PortTaken(LocalError):
    """Another program listens where a part of the local stack wants to."""

    def __init__(self, port: int, variable: str) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is taken by another program. "
            f"Stop that program, or choose another port: {variable}={port + 100} make up"
        )
        self.port = port
        self.variable = variable


@contextmanager
def plain_errors() -> Iterator[None]:
    """What a person can act on is one message, not a traceback."""
    import typer

    try:
        yield
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(130) from None
