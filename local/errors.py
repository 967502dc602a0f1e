"""Errors of the `tarmac` command: their exit codes, and how they are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

EXIT_CODES = """Exit codes: 0 done; 1 failed, such as a task that failed; 2 invalid or unknown input; 3 no stack, no
    answer, or an invalid key; 4 the stack answers but cannot do it now (5xx or too many requests); 130 interrupted."""


class LocalError(Exception):
    """A message for the user, printed without a traceback. `exit_code` is the exit code of the command.

    issues: what the API found wrong with a request, each `{path, message}`.
    """

    exit_code = 1

    def __init__(self, message: str, issues: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.issues = issues


class Refused(LocalError):
    """Invalid input: a wrong option, or a request that the API answered with 4xx."""

    exit_code = 2


class Unreachable(LocalError):
    """The stack does not exist, does not answer, or rejects the key."""

    exit_code = 3


class TryLater(LocalError):
    """The stack answers but cannot do it now. The request is valid and may succeed later."""

    exit_code = 4


class PortTaken(LocalError):
    """Another program listens on a port of the local stack."""

    def __init__(self, port: int, variable: str) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is taken by another program. "
            f"Stop that program, or choose another port: {variable}={port + 100} make up"
        )
        self.port = port
        self.variable = variable


@contextmanager
def plain_errors(as_json: bool = False) -> Iterator[None]:
    """Print a LocalError as one message instead of a traceback, and exit with its code."""
    import typer

    try:
        yield
    except LocalError as error:
        report(error, as_json)
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(130) from None


def report(error: LocalError, as_json: bool = False) -> None:
    """Print an error on standard error: as text, or as JSON in the API's shape, `{"error", "issues"?}`."""
    if as_json:
        content = {"error": str(error)} | ({"issues": list(error.issues)} if error.issues else {})
        print(json.dumps(content, ensure_ascii=False), file=sys.stderr)
        return
    lines = [f"error: {error}"]
    for issue in error.issues:
        where = ".".join(map(str, issue["path"]))
        line = f"{where}: {issue['message']}" if where else str(issue["message"])
        # The API's message already contains the first issue.
        if line not in str(error):
            lines.append(f"  {line}")
    print("\n".join(lines), file=sys.stderr)
