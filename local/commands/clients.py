"""`tarmac clients`: clients of the API, their keys and webhook secrets."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer

from local.commands.target import StackOption, find_target
from local.errors import Refused, plain_errors

SCOPE_HELP = """Scope of the key: tasks, uploads, avatars, sessions, account or admin. Repeat for more. Default: all but
admin."""

app = typer.Typer(help="Create, list and revoke client keys.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Client name: lower-case letters, digits and hyphens.")],
    scope: Annotated[list[str] | None, typer.Option(help=SCOPE_HELP, show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    stack: StackOption = None,
) -> None:
    """Create a key for a client and print it. It is shown only once, because only its hash is stored.

    A client may have several keys, so a key can be replaced without interruption.
    """
    with plain_errors(as_json):
        target = find_target(stack)
        from tarmac.http.clients import DEFAULT_SCOPES, ClientStore, InvalidClient

        scopes = scope or list(DEFAULT_SCOPES)
        try:
            key = ClientStore(target.table).create_key(name, scopes, time.time())
        except InvalidClient as problem:
            raise Refused(str(problem)) from problem
        if as_json:
            print(json.dumps({"client": name, "scopes": sorted(scopes), "key": key}))
        else:
            print(f"client {name}, scopes {', '.join(sorted(scopes))}; the key is shown only once:", file=sys.stderr)
            print(key)


@app.command(name="list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    stack: StackOption = None,
) -> None:
    """List the keys: client, date of creation and scopes. The keys themselves are not stored."""
    with plain_errors(as_json):
        target = find_target(stack)
        pages = (
            target.client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=target.outputs["TasksTable"],
                FilterExpression="sk = :key",
                ExpressionAttributeValues={":key": {"S": "key"}},
            )
        )
        keys = sorted(
            (
                {
                    "client": item["clientId"]["S"],
                    "scopes": sorted(scope["S"] for scope in item["scopes"]["L"]),
                    "createdAt": item["createdAt"]["S"],
                }
                for page in pages
                for item in page["Items"]
            ),
            key=lambda key: (key["client"], key["createdAt"]),
        )
        if as_json:
            print(json.dumps(keys))
            return
        for key in keys:
            print(f"{key['client']:<24} {key['createdAt']}  {', '.join(key['scopes'])}")


@app.command(name="webhook-secret")
def webhook_secret(
    name: Annotated[str, typer.Argument(help="Client name.")],
    stack: StackOption = None,
) -> None:
    """Print the secret that signs a client's webhooks: `whsec_…`, as in Standard Webhooks."""
    with plain_errors():
        target = find_target(stack)
        from tarmac.aws.secrets import signing_root
        from tarmac.http.clients import CLIENT_NAME
        from tarmac.webhooks.signing import secret_of

        if not CLIENT_NAME.fullmatch(name):
            raise Refused(f"{name!r} is not a valid client name")
        answer = target.client("secretsmanager").get_secret_value(SecretId=target.resource("WebhookSecret"))
        print(secret_of(signing_root(answer), name))


@app.command()
def revoke(stack: StackOption = None) -> None:
    """Revoke a key, prompted for or read from standard input. Takes effect when the authorizer's cache expires."""
    with plain_errors():
        target = find_target(stack)
        key = typer.prompt("key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        from tarmac.http.clients import ClientStore

        if not ClientStore(target.table).revoke(key.strip()):
            raise Refused("key not found")
        print("revoked", file=sys.stderr)
