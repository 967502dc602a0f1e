"""`tarmac doctor`: is a deployed stack able to work? Nothing it does costs a credit."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from local.commands.redrive import QUEUES
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
    """Check a stack from outside: API, keys, Runway, machines, buckets, backlog. Exit code 1 if anything is wrong.

    It only reads, and spends no credit. Backlog is what nobody looks after any more: tasks, sessions and batches that
    the sweeper should have found, and messages that were given up, which wait for `tarmac redrive`.
    """
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
    from tarmac.aws.secrets import UNSET

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


def _callbacks_can_be_signed(target: Target) -> None:
    from tarmac.aws.secrets import signing_root

    answer = target.client("secretsmanager").get_secret_value(SecretId=target.resource("WebhookSecret"))
    try:
        signing_root(answer)
    except RuntimeError as problem:
        raise LocalError(f"{problem}: put 32 random characters or more into it") from None


def _machines_are_active(target: Target) -> None:
    states = target.client("stepfunctions")
    for machine in ("Generation", "Session"):
        arn = target.outputs[f"{machine}StateMachineArn"]
        status = states.describe_state_machine(stateMachineArn=arn)["status"]
        if status != "ACTIVE":
            raise LocalError(f"{arn.rpartition(':')[2]} is {status}")


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
    """The sweeper runs every minute: what has been due for five minutes was not repaired."""
    import time

    from tarmac.rows import DUE, SESSION_DUE

    before = time.time() - 300
    keys = [*DUE.keys(target.table, before), *SESSION_DUE.keys(target.table, before)]
    overdue = [key.replace("session-attempt#", "session's create#").partition("#") for key in keys]
    if overdue:
        counts = Counter(kind for kind, _, _ in overdue)
        firsts = {kind: name for kind, _, name in reversed(overdue)}
        told = ", ".join(f"{kind} {firsts[kind]}{f' and {n - 1} more' if n > 1 else ''}" for kind, n in counts.items())
        raise LocalError(f"the sweeper has left for five minutes: {told}: look at Sweep's log")


def _nothing_was_given_up(target: Target) -> None:
    sqs = target.client("sqs")
    # Those that somebody looks at just now are not visible.
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = {}
    for queue in QUEUES:
        found = sqs.get_queue_attributes(QueueUrl=target.resource(queue), AttributeNames=names)["Attributes"]
        counts[queue] = sum(int(found[name]) for name in names)
    if any(counts.values()):
        told = ", ".join(f"{queue} {count}" for queue, count in counts.items() if count)
        raise LocalError(f"messages wait in {told}: `tarmac redrive --dry-run` lists them")


_CHECKS: dict[str, Callable[[Target], None]] = {
    "the API asks for a key": _api_wants_a_key,
    "the API refuses an unknown key": _api_knows_its_clients,
    "a Runway key is stored": _runway_key_is_set,
    "Runway accepts the key and has credits": _runway_takes_the_key,
    "callbacks can be signed": _callbacks_can_be_signed,
    "the state machines are active": _machines_are_active,
    "upload and archive buckets are there": _buckets_are_there,
    "uploads are announced to EventBridge": _uploads_are_heard,
    "no task, session or batch is left behind": _nothing_is_left_behind,
    "no event, callback or part of a batch was given up": _nothing_was_given_up,
}
