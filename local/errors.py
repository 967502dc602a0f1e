"""What may go wrong on one's own machine, said so that the reader knows what to do next."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

EXIT_CODES = """Exit codes: 0 done; 1 it failed, as a task may; 2 it was asked for wrongly, or is not there; 3 there is
    no such stack, it does not answer, or it does not take the key; 4 it answers, but cannot do it now (5xx, or too many
    calls); 130 interrupted."""


class LocalError(Exception):
    """A message for the person at the terminal. Printed without a traceback; `exit_code` is for scripts.

    issues: what the API has found wrong with a request, each `{path, message}`.
    """

    exit_code = 1

    def __init__(self, message: str, issues: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.issues = issues


class Refused(LocalError):
    """What was asked for is not right as it stands: a wrong option, or a request that the API answered with 4xx."""

    exit_code = 2


class Unreachable(LocalError):
    """There is no stack to ask, it does not answer, or it does not take the key."""

    exit_code = 3


class Troubled(LocalError):
    """The stack answers, but cannot do it now. Nothing is wrong with the request, and later it may be done."""

    exit_code = 4


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
def plain_errors(as_json: bool = False) -> Iterator[None]:
    """What a person can act on is one message, not a traceback; for machines, one object."""
    import typer

    try:
        yield
    except LocalError as error:
        tell(error, as_json)
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(130) from None


def tell(error: LocalError, as_json: bool = False) -> None:
    """Print an error on standard error: words, or JSON in the API's shape, `{"error", "issues"?}`."""
    if as_json:
        about = {"error": str(error)} | ({"issues": list(error.issues)} if error.issues else {})
        print(json.dumps(about, ensure_ascii=False), file=sys.stderr)
        return
    lines = [f"error: {error}"]
    for issue in error.issues:
        where = ".".join(map(str, issue["path"]))
        line = f"{where}: {issue['message']}" if where else str(issue["message"])
        # The API says the first one in its message already.
        if line not in str(error):
            lines.append(f"  {line}")
    print("\n".join(lines), file=sys.stderr)
