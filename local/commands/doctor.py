"""`tarmac doctor`: checks whether a deployed stack works. Costs no credits."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import typer

from local.commands.redrive import QUEUES
from local.commands.target import StackOption, Target, find_target
from local.errors import LocalError, plain_errors

_KEY_PROBLEMS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Runway does not accept the key",
    HTTPStatus.FORBIDDEN: "Runway forbids the key",
}


@dataclass(frozen=True)
class Finding:
    """The result of one check. problem: what is wrong and what to do, None if the check passed."""

    check: str
    problem: str | None


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    stack: StackOption = None,
) -> None:
    """Check a stack: API, keys, Runway, state machines, buckets, backlog. Exit code 1 if a check fails.

    Only reads, and costs no credits. The backlog is tasks, sessions and batches that the sweeper should have handled,
    and messages in dead-letter queues, which `tarmac redrive` sends again.
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
    """Yield the result of every check, in the order in which to fix problems."""
    for name, check in _CHECKS.items():
        try:
            check(target)
        except LocalError as problem:
            yield Finding(name, str(problem))
        except Exception as error:
            yield Finding(name, f"{type(error).__name__}: {error}")
        else:
            yield Finding(name, None)


def _api_requires_a_key(target: Target) -> None:
    import httpx

    answer = httpx.get(f"{target.outputs['ApiUrl']}/v1/tasks", timeout=20)
    if answer.status_code != HTTPStatus.UNAUTHORIZED:
        raise LocalError(f"the API answered {answer.status_code} to a call without a key, not 401")


def _api_rejects_an_unknown_key(target: Target) -> None:
    import httpx

    answer = httpx.get(
        f"{target.outputs['ApiUrl']}/v1/tasks", headers={"Authorization": "Bearer key_unknown"}, timeout=20
    )
    if answer.status_code != HTTPStatus.UNAUTHORIZED:
        problem = f"the API answered {answer.status_code} to an unknown key, not 401"
        raise LocalError(f"{problem}: check the log of AuthorizeRequest")


def _runway_key_is_set(target: Target) -> None:
    from tarmac.aws.secrets import UNSET

    if target.runway_key in ("", UNSET):
        raise LocalError("no Runway key is stored: run `tarmac secret set`")


def _runway_accepts_the_key(target: Target) -> None:
    """GET /v1/organization is free and returns the balance. Another provider has only tasks to ask for."""
    import httpx

    base_url = target.runway_base_url
    headers = {"Authorization": f"Bearer {target.runway_key}", "X-Runway-Version": "2024-11-06"}
    if target.upstream_flavor != "runway":
        answer = httpx.get(f"{base_url}/v1/tasks/{uuid.UUID(int=0)}", headers=headers, timeout=20)
        if answer.status_code in _KEY_PROBLEMS or answer.is_server_error:
            raise LocalError(f"{base_url} answered {answer.status_code} to the stored key")
        return
    answer = httpx.get(f"{base_url}/v1/organization", headers=headers, timeout=20)
    if answer.status_code != HTTPStatus.OK:
        raise LocalError(_KEY_PROBLEMS.get(answer.status_code, f"{base_url} answered {answer.status_code}"))
    if not answer.json().get("creditBalance"):
        raise LocalError("the Runway organization has no credits")


def _webhooks_can_be_signed(target: Target) -> None:
    from tarmac.aws.secrets import signing_root

    answer = target.client("secretsmanager").get_secret_value(SecretId=target.resource("WebhookSecret"))
    try:
        signing_root(answer)
    except RuntimeError as problem:
        raise LocalError(f"{problem}: store at least 32 random characters in it") from None


def _machines_are_active(target: Target) -> None:
    states = target.client("stepfunctions")
    for machine in ("Generation", "Session"):
        arn = target.outputs[f"{machine}StateMachineArn"]
        status = states.describe_state_machine(stateMachineArn=arn)["status"]
        if status != "ACTIVE":
            raise LocalError(f"{arn.rpartition(':')[2]} is {status}")


def _buckets_exist(target: Target) -> None:
    s3 = target.client("s3")
    for bucket in ("UploadBucket", "ArchiveBucket"):
        s3.head_bucket(Bucket=target.outputs[bucket])


def _uploads_send_events(target: Target) -> None:
    s3 = target.client("s3")
    found = s3.get_bucket_notification_configuration(Bucket=target.outputs["UploadBucket"])
    if "EventBridgeConfiguration" not in found:
        raise LocalError("the upload bucket sends no events to EventBridge")


def _sweeper_has_no_backlog(target: Target) -> None:
    """The sweeper runs every minute, so anything due for five minutes was not handled."""
    import time

    from tarmac.rows import DUE, SESSION_DUE

    before = time.time() - 300
    keys = [*DUE.keys(target.table, before), *SESSION_DUE.keys(target.table, before)]
    overdue = [key.replace("session-attempt#", "session's create#").partition("#") for key in keys]
    if overdue:
        counts = Counter(kind for kind, _, _ in overdue)
        firsts = {kind: name for kind, _, name in reversed(overdue)}
        more = {kind: f" and {count - 1} more" if count > 1 else "" for kind, count in counts.items()}
        listed = ", ".join(f"{kind} {firsts[kind]}{more[kind]}" for kind in counts)
        raise LocalError(f"overdue for five minutes: {listed}: check the log of Sweep")


def _dead_letter_queues_are_empty(target: Target) -> None:
    sqs = target.client("sqs")
    # Messages that are being received by another reader are not visible.
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = {}
    for queue in QUEUES:
        found = sqs.get_queue_attributes(QueueUrl=target.resource(queue), AttributeNames=names)["Attributes"]
        counts[queue] = sum(int(found[name]) for name in names)
    if any(counts.values()):
        listed = ", ".join(f"{queue} {count}" for queue, count in counts.items() if count)
        raise LocalError(f"messages are in {listed}: `tarmac redrive --dry-run` lists them")


_CHECKS: dict[str, Callable[[Target], None]] = {
    "the API requires a key": _api_requires_a_key,
    "the API rejects an unknown key": _api_rejects_an_unknown_key,
    "a Runway key is stored": _runway_key_is_set,
    "Runway accepts the key and has credits": _runway_accepts_the_key,
    "webhooks can be signed": _webhooks_can_be_signed,
    "the state machines are active": _machines_are_active,
    "upload and archive buckets exist": _buckets_exist,
    "the upload bucket sends events to EventBridge": _uploads_send_events,
    "no task, session or batch is overdue": _sweeper_has_no_backlog,
    "the dead-letter queues are empty": _dead_letter_queues_are_empty,
}
