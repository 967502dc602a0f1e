"""`tarmac destroy-check`: whether a stack can be deleted without losing tasks or sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from local.commands.target import StackOption, Target, find_target
from local.errors import LocalError, plain_errors

_MACHINES = {"GenerationStateMachineArn": "generation", "SessionStateMachineArn": "session"}


def destroy_check(
    force: Annotated[
        bool, typer.Option("--force", help="Ask whether to delete the stack although executions run.")
    ] = False,
    stack: StackOption = None,
) -> None:
    """Check that no execution runs, before `make destroy` deletes a stack.

    Deletes nothing. Exit code 1 if executions run, or if the question of --force is answered with no.
    """
    with plain_errors():
        target = find_target(stack)
        counts = running(target)
        if not any(counts.values()):
            print(f"{target.name}: no execution runs")
            return
        found = " and ".join(f"{count} {kind} execution{'s'[: count != 1]}" for kind, count in counts.items() if count)
        loss = (
            f"{target.name}: {found} still running. Deleting the stack ends them: their outputs are paid but not "
            "archived, and nothing is announced"
        )
        if not force:
            raise LocalError(
                f"{loss}. Wait for them (docs/operations.md, Delete a stack), or delete anyway: make destroy FORCE=1"
            )
        print(loss)
        if not typer.confirm("Delete the stack anyway?"):
            raise typer.Exit(1)


def running(target: Target) -> Mapping[str, int]:
    """The number of running executions by kind of state machine."""
    pages = target.client("stepfunctions").get_paginator("list_executions")
    return {
        kind: sum(
            len(page["executions"])
            for page in pages.paginate(stateMachineArn=target.outputs[output], statusFilter="RUNNING")
        )
        for output, kind in _MACHINES.items()
    }
