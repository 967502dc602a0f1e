"""Deviations: what may go wrong at an effect, and what else may happen just before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tarmac.aws.dynamodb import judged
from tarmac.aws.services import ServiceError
from tarmac.media.downloads import LinkExpired
from tarmac.ports import ConditionFailed, Throttled, WriteConflict
from tarmac.runway.errors import (
    CreateAmbiguous,
    CreateRefused,
    CreateRejected,
    UpstreamGone,
    UpstreamUnavailable,
)


class AwsError(Exception):
    """What boto3 raises when AWS does not answer, or answers with a 5xx."""


class Crash(BaseException):
    """The function crashed here. Not an Exception: no code of the product runs after it."""


class Killed(BaseException):
    """The execution ended here, and its function with it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A result other than the effect's own. `done`: the effect happened; without an error the function crashes."""

    done: bool
    error: Callable[[], Exception] | None = None


def cancelled(reason: str) -> Exception:
    """A transaction that DynamoDB cancelled for this reason in every attempt, as the table reports it."""
    return judged(ServiceError("TransactionCanceledException", "", {"CancellationReasons": [{"Code": reason}]}))


_READ = {
    "crash": Fault(False),
    "fail": Fault(False, AwsError),
}
_WRITE = {
    "crash before": Fault(False),
    "crash after": Fault(True),
    "fail": Fault(False, AwsError),
    "lose": Fault(True, AwsError),
}
_TABLE_WRITE = {
    **_WRITE,
    "conflict": Fault(False, lambda: judged(ServiceError("TransactionConflictException"))),
    "throttled": Fault(False, lambda: judged(ServiceError("ThrottlingException"))),
}
_S3_WRITE = {**_WRITE, "conflict": Fault(False, WriteConflict)}

FAULTS: dict[str, dict[str, Fault]] = {
    "table.get": _READ,
    "table.query": _READ,
    # boto3 retries a put after a lost response, and the retry finds the row that the first one has written.
    "table.write": {**_TABLE_WRITE, "echo": Fault(True, ConditionFailed)},
    # A transaction carries a token by which DynamoDB recognizes its retry.
    "table.transact": {
        **_WRITE,
        "conflict": Fault(False, lambda: cancelled("TransactionConflict")),
        "throttled": Fault(False, lambda: cancelled("ThrottlingError")),
    },
    "objects.head": _READ,
    "objects.open": _READ,
    "objects.put": _WRITE,
    "objects.put_new": _S3_WRITE,
    "objects.delete": _WRITE,
    "objects.tags": _READ,
    "objects.set_tags": _WRITE,
    "topic.publish": _WRITE,
    "webhooks.send": _WRITE,
    "executions.start": _WRITE,
    "executions.is_running": {**_READ, "throttled": Fault(False, Throttled)},
    "runway.create": {
        "crash before": Fault(False),
        "crash after": Fault(True),
        "lose": Fault(True, lambda: CreateAmbiguous("read timeout")),
        "time out": Fault(False, lambda: CreateAmbiguous("read timeout")),
        "refuse": Fault(False, lambda: CreateRefused("HTTP 503", status=503)),
        "over quota": Fault(False, lambda: CreateRefused("HTTP 429", status=429, retry_after_seconds=90.0)),
        "reject": Fault(False, lambda: CreateRejected("HTTP 400", status=400)),
    },
    "runway.task": {
        "crash": Fault(False),
        "fail": Fault(False, lambda: UpstreamUnavailable("HTTP 502")),
        "not found": Fault(False, lambda: UpstreamGone("HTTP 404")),
    },
    "runway.cancel": {
        "crash before": Fault(False),
        "crash after": Fault(True),
        "fail": Fault(False, lambda: UpstreamUnavailable("HTTP 502")),
        "lose": Fault(True, lambda: UpstreamUnavailable("read timeout")),
    },
    "runway.upload": {
        "crash": Fault(False),
        "refuse": Fault(False, lambda: CreateRefused("the key cannot be read", status=401)),
        "reject": Fault(False, lambda: CreateRejected("HTTP 400", status=400)),
    },
    "downloads.open": {
        "crash": Fault(False),
        "cut": Fault(True),
        "expire": Fault(False, lambda: LinkExpired("HTTP 403")),
    },
}

TURNS: dict[str, str] = {
    "stall": "this actor stands still for longer than a claim's lease",
    "long stall": "this actor stands still until others may have claimed, waited and claimed again",
    "yield": "another actor that is ready goes first",
    "cancel": "the client deletes its task",
    "twin": "a second execution of the task enters at the start",
    "redrive": "an operator redrives the task's Finish",
    "sweep": "a sweep begins, due or not",
    "again": "the client retries its create, S3 its event",
    "another": "the client makes another create, under the same key if there is one",
    "kill": "this execution is stopped",
}
"""What else may happen at any effect. Except for `kill`, the effect itself follows."""

STALLS = {"stall": 200.0, "long stall": 400.0}
"""Seconds. No Lambda function lives that long after a claim; what it has written may well be seen that late."""
