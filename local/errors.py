"""What may go wrong on one's own machine, said so that the reader knows what to do next."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class LocalError(Exception):
    """A message for the person at the terminal. Printed without a traceback; `exit_code` is for scripts."""

    exit_code = 1


class Refused(LocalError):
    """What was asked for is not right as it stands: a wrong option, or a request that the API answered with 4xx."""

    exit_code = 2


class Unreachable(LocalError):
    """There is no stack to ask, it does not answer, or it does not take the key."""

    exit_code = 3


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
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(130) from None
