"""`tarmac avatars`: the owners of avatars, documents, voices and conversations at Runway."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from local.commands.target import StackOption, Target, find_target
from local.errors import LocalError, Refused, TryLater, plain_errors

if TYPE_CHECKING:
    from tarmac.characters.kinds import Kind
    from tarmac.runway.ports import Characters

app = typer.Typer(help="List avatars with their owners, and assign owners.", no_args_is_help=True)


KindOption = Annotated[str, typer.Option(help="Kind of resource: avatar, document, voice or conversation.")]


@app.command(name="list")
def list_items(
    kind: KindOption = "avatar",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    stack: StackOption = None,
) -> None:
    """List all resources of a kind at Runway with their owners. Resources made in Runway's portal are shared."""
    with plain_errors(as_json):
        target = find_target(stack)
        from tarmac.characters.owner_store import OwnerStore

        of_kind, owners = _kind(kind), OwnerStore(target.table)
        items = []
        with _runway(target) as runway:
            for item in _all(of_kind.path, runway):
                owner = owners.find(of_kind, item["id"])
                items.append({"id": item["id"], "name": item.get("name"), "client": owner.client if owner else None})
        if as_json:
            print(json.dumps(items))
            return
        for each in items:
            print(f"{each['id']:<38} {each['client'] or '(shared)':<24} {each['name']}")


@app.command()
def adopt(
    item_id: Annotated[str, typer.Argument(help="Id at Runway.")],
    client: Annotated[str, typer.Option(help="Client that becomes the owner.")],
    kind: KindOption = "avatar",
    stack: StackOption = None,
) -> None:
    """Assign a shared resource to a client, which then owns it alone."""
    with plain_errors():
        target = find_target(stack)
        from tarmac.characters.owner_store import AlreadyOwned, OwnerStore, owned_item
        from tarmac.http.clients import CLIENT_NAME
        from tarmac.ids import is_id
        from tarmac.runway.errors import UpstreamGone

        if not CLIENT_NAME.fullmatch(client):
            raise Refused(f"{client!r} is not a valid client name")
        of_kind, owners = _kind(kind), OwnerStore(target.table)
        missing = Refused(f"{of_kind} {item_id} not found at Runway")
        if not is_id(item_id):
            raise missing
        try:
            with _runway(target) as runway:
                item = runway.read(of_kind.path, item_id)
        except UpstreamGone:
            raise missing from None
        try:
            owners.add(owned_item(of_kind, item, client, time.time()))
        except AlreadyOwned:
            owner = owners.find(of_kind, item_id)
            raise LocalError(f"this {of_kind} is owned by {owner.client if owner else 'another client'}") from None
        print(f"the {of_kind} {item.get('name') or item_id} is owned by {client} now", file=sys.stderr)


def _kind(name: str) -> Kind:
    from tarmac.characters.kinds import Kind

    try:
        return Kind(name)
    except ValueError:
        raise Refused(f"--kind must be one of {', '.join(Kind)}, not {name!r}") from None


@contextmanager
def _runway(target: Target) -> Iterator[Characters]:
    from tarmac.clock import Clock
    from tarmac.runway.characters import RunwayCharacters
    from tarmac.runway.connection import RunwayConnection
    from tarmac.runway.errors import UpstreamUnavailable

    key = target.runway_key
    try:
        yield RunwayCharacters(RunwayConnection(target.runway_base_url, lambda _fresh: key, Clock()))
    except UpstreamUnavailable as problem:
        raise TryLater(f"{problem}: run `tarmac doctor`") from problem


def _all(collection: str, runway: Characters) -> Iterator[dict[str, Any]]:
    query = {"limit": "100"} | ({"sort": "createdAt", "order": "desc"} if collection == "documents" else {})
    while True:
        page = runway.page(collection, query)
        yield from page.items
        if page.next_cursor is None:
            return
        query["cursor"] = page.next_cursor
