"""`tarmac clients`: who may call the API."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer

from local.commands.target import StackOption, find_target
from local.errors import Refused, plain_errors

app = typer.Typer(help="Clients of the API and their keys.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The client: lower-case letters, digits, hyphens.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What the key is for; repeat for more. Default: all but admin.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    stack: StackOption = None,
) -> None:
    """Make a key for a client and print it, this once: only its hash is kept.

    A client may have several keys, so that one can be replaced without a gap.
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
            print(f"client {name}, scopes {', '.join(sorted(scopes))}; the key is shown only now:", file=sys.stderr)
            print(key)


@app.command(name="list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    stack: StackOption = None,
) -> None:
    """List the keys there are: client, scopes, day of creation. Keys themselves are not kept."""
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
    name: Annotated[str, typer.Argument(help="The client.")],
    stack: StackOption = None,
) -> None:
    """Print the secret that a client's callbacks are signed with, for its receiver: `whsec_…`, Standard Webhooks."""
    with plain_errors():
        target = find_target(stack)
        from tarmac.aws.secrets import signing_root
        from tarmac.http.clients import CLIENT_NAME
        from tarmac.webhooks.signing import secret_of

        if not CLIENT_NAME.fullmatch(name):
            raise Refused(f"{name!r} is no client name")
        answer = target.client("secretsmanager").get_secret_value(SecretId=target.resource("WebhookSecret"))
        print(secret_of(signing_root(answer), name))


@app.command()
def revoke(stack: StackOption = None) -> None:
    """Revoke a key, asked for or read from standard input. Takes effect when the authorizer's cache runs out."""
    with plain_errors():
        target = find_target(stack)
        key = typer.prompt("key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        from tarmac.http.clients import ClientStore

        if not ClientStore(target.table).revoke(key.strip()):
            raise Refused("there is no such key")
        print("revoked", file=sys.stderr)
