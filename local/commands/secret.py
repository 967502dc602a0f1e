"""`tarmac secret`: the Runway key of a stack."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from local.commands.target import StackOption, find_target
from local.errors import Refused, plain_errors

app = typer.Typer(help="The Runway key that a stack buys with.", no_args_is_help=True)

_RUNWAY_KEY = re.compile(r"key_[0-9a-f]{128}")


@app.command(name="set")
def set_key(
    any_form: Annotated[
        bool, typer.Option("--any-form", help="Accept a key that does not look like Runway's own.")
    ] = False,
    stack: StackOption = None,
) -> None:
    """Store the Runway key in Secrets Manager, asked for without echo or read from standard input.

    Functions take it up within five minutes, or at once when Runway refuses the old one.
    """
    with plain_errors():
        target = find_target(stack)
        key = typer.prompt("Runway key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        key = key.strip()
        if not any_form and not _RUNWAY_KEY.fullmatch(key):
            raise Refused("a Runway key is key_ and 128 hex digits; for another provider's use --any-form")
        if not key:
            raise Refused("the key is empty")
        target.client("secretsmanager").put_secret_value(SecretId=target.outputs["RunwaySecretArn"], SecretString=key)
        print("stored; check it with `tarmac doctor`", file=sys.stderr)
