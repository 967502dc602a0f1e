"""`tarmac doctor`: is a deployed stack able to work? Nothing it does costs a credit."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from local.commands.target import StackOption, Target, find_target
from local.errors import LocalError, plain_errors

_RUNWAY_SAYS = {401: "Runway does not accept the key", 403: "Runway forbids the key"}


@dataclass(frozen=True)
class Finding:
    """One check: `problem` is None where all is well, else what to do."""

    check: str
    problem: str | None


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    stack: StackOption = None,
) -> None:
    """Check a stack from outside: API, key, Runway, machine, buckets, backlog. Exit code 1 if anything is wrong."""
    with plain_errors(as_json):
        target = find_target(stack)
        findings = []
        for finding in examine(target):
            findings.append(finding)
            if not as_json:
                print(f"{'ok  ' if finding.problem is None else 'FAIL'}  {finding.check}", flush=True)
                if finding.problem:
                    print(f"      {finding.problem}")
        if as_json:
            print(json.dumps([{"check": each.check, "problem": each.problem} for each in findings]))
        if any(each.problem for each in findings):
            raise typer.Exit(1)


def examine(target: Target) -> Iterator[Finding]:
    """All findings, in the order in which one would mend them."""
    for check, look in _CHECKS.items():
        try:
            look(target)
        except LocalError as problem:
            yield Finding(check, str(problem))
        except Exception as error:
            yield Finding(check, f"{type(error).__name__}: {error}")
        else:
            yield Finding(check, None)


def _api_wants_a_key(target: Target) -> None:
    import httpx

    answer = httpx.get(f"{target.outputs['ApiUrl']}/v1/tasks", timeout=20)
    if answer.status_code != 401:
        raise LocalError(f"a call without a key was answered {answer.status_code}, not 401")


def _api_knows_its_clients(target: Target) -> None:
    import httpx

    answer = httpx.get(
        f"{target.outputs['ApiUrl']}/v1/tasks", headers={"Authorization": "Bearer key_of_nobody"}, timeout=20
    )
    if answer.status_code != 401:
        raise LocalError(f"an unknown key was answered {answer.status_code}, not 401: look at AuthorizeRequest's log")


def _runway_key_is_set(target: Target) -> None:
    from tarmac.adapters.secrets import UNSET

    if target.runway_key in ("", UNSET):
        raise LocalError("no Runway key is stored: run `tarmac secret set`")


def _runway_takes_the_key(target: Target) -> None:
    """GET /v1/organization is free, and tells the balance besides. A reseller has only tasks to ask for."""
    import httpx

    base_url = target.runway_base_url
    headers = {"Authorization": f"Bearer {target.runway_key}", "X-Runway-Version": "2024-11-06"}
    if target.upstream_flavor != "runway":
        answer = httpx.get(f"{base_url}/v1/tasks/{uuid.UUID(int=0)}", headers=headers, timeout=20)
        if answer.status_code in _RUNWAY_SAYS or answer.status_code >= 500:
            raise LocalError(f"{base_url} answered {answer.status_code} to the stored key")
        return
    answer = httpx.get(f"{base_url}/v1/organization", headers=headers, timeout=20)
    if answer.status_code != 200:
        raise LocalError(_RUNWAY_SAYS.get(answer.status_code, f"{base_url} answered {answer.status_code}"))
    if not answer.json().get("creditBalance"):
        raise LocalError("the Runway organization has no credits")


def _machine_is_active(target: Target) -> None:
    states = target.client("stepfunctions")
    status = states.describe_state_machine(stateMachineArn=target.outputs["GenerationStateMachineArn"])["status"]
    if status != "ACTIVE":
        raise LocalError(f"the state machine is {status}")


def _buckets_are_there(target: Target) -> None:
    s3 = target.client("s3")
    for bucket in ("UploadBucket", "ArchiveBucket"):
        s3.head_bucket(Bucket=target.outputs[bucket])


def _uploads_are_heard(target: Target) -> None:
    s3 = target.client("s3")
    found = s3.get_bucket_notification_configuration(Bucket=target.outputs["UploadBucket"])
    if "EventBridgeConfiguration" not in found:
        raise LocalError("the upload bucket does not tell EventBridge of new objects")


def _nothing_is_left_behind(target: Target) -> None:
    """The sweeper looks every minute: what has been due for five was not mended."""
    import time

    from tarmac.stores.tasks import TaskStore

    overdue = TaskStore(target.table).due(time.time() - 300)
    if overdue:
        raise LocalError(f"{len(overdue)} tasks wait for the sweeper, first {overdue[0]}: look at Sweep's log")


_CHECKS: dict[str, Callable[[Target], None]] = {
    "the API asks for a key": _api_wants_a_key,
    "the API refuses an unknown key": _api_knows_its_clients,
    "a Runway key is stored": _runway_key_is_set,
    "Runway accepts the key and has credits": _runway_takes_the_key,
    "the state machine is active": _machine_is_active,
    "upload and archive buckets are there": _buckets_are_there,
    "uploads are announced to EventBridge": _uploads_are_heard,
    "no task is left behind": _nothing_is_left_behind,
}
