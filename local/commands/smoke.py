"""`tarmac smoke`: proves a deployed stack with real tasks, for at most two credits."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from local.commands.target import StackOption, Target, find_target
from local.errors import Refused, plain_errors

if TYPE_CHECKING:
    from rich.table import Table

    from local.smoke import Outcome

_COLOURS = {"ok": "green", "failed": "red", "skipped": "yellow"}


def smoke(
    webhook_url: Annotated[
        str | None, typer.Option(help="URL that receives a webhook and answers 2xx. Without it, none is sent.")
    ] = None,
    patience: Annotated[float, typer.Option(min=1, help="Longest wait of one check in seconds.")] = 180,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before credits are spent.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    stack: StackOption = None,
) -> None:
    """Run real tasks through a stack and check every result. Costs at most two credits. Exit code 1 if a check fails.

    Starts a task over HTTP, one from the S3 inbox and one by hand; checks the archive, notices, the webhook, a
    cancelled task and a revoked key. Queue, subscription, keys and files of the run are removed at the end; the three
    tasks stay in the table.

    The local stack with the simulator costs nothing. Started with WEBHOOK_ORIGINS on a free loopback port, it also
    sends its webhook there.
    """
    with plain_errors(as_json):
        target = find_target(stack)
        from local.smoke import FAILED, Smoke, webhook_receiver

        _confirm(target, yes)
        with webhook_receiver(target, webhook_url) as receiver_url:
            outcomes = list(_shown(Smoke(target, receiver_url, patience).run(), as_json))
        if as_json:
            print(json.dumps({"stack": target.name, "checks": list(map(asdict, outcomes))}))
        else:
            _print(_table(outcomes))
        if any(each.state == FAILED for each in outcomes):
            raise typer.Exit(1)


def _confirm(target: Target, yes: bool) -> None:
    """Report the cost and ask. Raise Refused if the answer is no or cannot be given, or for another upstream."""
    if target.is_simulated:
        return
    if target.upstream_flavor != "runway":
        raise Refused(f"the smoke test needs UpstreamFlavor runway, which {target.name} is {target.upstream_flavor}")
    from local.smoke import estimated_credits

    credits = estimated_credits()
    print(f"The smoke test of {target.name} costs at most {credits} credits (${credits / 100:.2f}).", file=sys.stderr)
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("confirm the cost with --yes")
    if not typer.confirm("Continue?", err=True):
        raise Refused("not confirmed")


def _shown(outcomes: Iterator[Outcome], quiet: bool) -> Iterator[Outcome]:
    """Yield the outcomes; report each on standard error, because a run takes minutes."""
    for outcome in outcomes:
        if not quiet:
            print(f"{outcome.state:<8} {outcome.check}", file=sys.stderr, flush=True)
        yield outcome


def _table(outcomes: list[Outcome]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("check", "result", "s", box=None, pad_edge=False)
    table.add_column("detail", overflow="fold")
    for each in outcomes:
        colour = _COLOURS[each.state]
        table.add_row(each.check, f"[{colour}]{each.state}[/]", f"{each.seconds:.1f}", escape(each.detail))
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    Console().print(table)
