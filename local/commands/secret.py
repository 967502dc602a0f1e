"""`tarmac secret`: stores the Runway key of a stack."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from local.commands.target import StackOption, find_target
from local.errors import Refused, plain_errors

app = typer.Typer(help="Store the Runway key of a stack.", no_args_is_help=True)

_RUNWAY_KEY = re.compile(r"key_[0-9a-f]{128}")


@app.command(name="set")
def set_key(
    any_form: Annotated[
        bool, typer.Option("--any-form", help="Accept a key that does not have Runway's format.")
    ] = False,
    stack: StackOption = None,
) -> None:
    """Store the Runway key in Secrets Manager. It is prompted for without echo, or read from standard input.

    Functions use the new key within five minutes, or at once if Runway rejects the old one.
    """
    with plain_errors():
        target = find_target(stack)
        key = typer.prompt("Runway key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        key = key.strip()
        if not any_form and not _RUNWAY_KEY.fullmatch(key):
            raise Refused(
                "a Runway key must be key_ and 128 hex digits; use --any-form for the key of another provider"
            )
        if not key:
            raise Refused("the key must not be empty")
        target.client("secretsmanager").put_secret_value(SecretId=target.outputs["RunwaySecretArn"], SecretString=key)
        print("stored; check it with `tarmac doctor`", file=sys.stderr)
