"""Makes ministack check permissions as AWS does, and records every call that a function makes in its role.

With AUTH=true, ministack evaluates the policies of the calling role, but knows neither `dynamodb:LeadingKeys` nor
`s3:RequestObjectTagKeys`, and answers 404 for a missing object to a role without `s3:ListBucket`, where S3 answers
403. The first two are added to the context of each call; for the third, a read of a missing object requires the
permission.

The record is one JSON line for each distinct call. Values that come from callers are replaced by `x`: a line holds
names of roles, actions and resources and the prefixes of keys, never a body, an id or a secret.
"""

from __future__ import annotations

import importlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# Parts of object keys that template.yaml names. Everything else in a key comes from a caller.
KEPT_PARTS = frozenset({"inputs", "inbox", "uploads", "presets", "batches", "failed", "report.json"})
PARTITION_KEY = "pk"
LEADING_KEYS = "dynamodb:LeadingKeys"
TAG_KEYS = "s3:RequestObjectTagKeys"
READS = ("s3:GetObject", "s3:GetObjectVersion")
# Actions of ministack's that are operations only: AWS checks the permission on the right.
CHECKED_AS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
PUT_TAGS = ("s3:PutObjectTagging", "s3:PutObjectVersionTagging")

Json = dict[str, Any]


def leading_keys(request: Mapping[str, Any]) -> list[str]:
    """Return the partition keys that a DynamoDB request names; for a transaction, those of all its items.

    A query names its partition key in its condition; the first value that the condition refers to is taken.
    """
    found: list[str] = []
    for item in request.get("TransactItems", ()):
        for part in item.values():
            found += leading_keys(part)
    row = request.get("Key") or request.get("Item") or {}
    if PARTITION_KEY in row:
        found.append(str(row[PARTITION_KEY]["S"]))
    condition = re.search(r"=\s*(:\w+)", request.get("KeyConditionExpression", ""))
    if condition:
        found.append(str(request.get("ExpressionAttributeValues", {}).get(condition[1], {}).get("S", "")))
    return found


def tag_keys(body: bytes) -> list[str]:
    """Return the tag keys in the body of PutObjectTagging."""
    return [key.decode() for key in re.findall(rb"<Key>([^<]*)</Key>", body)]


def without_values(resource: str, context: Mapping[str, Any]) -> tuple[str, dict[str, list[str]]]:
    """Return a resource and the recorded condition keys of a call, with every value from a caller replaced by x.

    >>> without_values("arn:aws:s3:::bucket/acme/2026/01/31/9b1d/01.mp4", {})
    ('arn:aws:s3:::bucket/x', {})
    """
    if resource.startswith("arn:aws:s3:::"):
        bucket, slash, key = resource.partition("/")
        parts = [part if part in KEPT_PARTS else "x" for part in key.split("/")]
        # One x for each run of values, so that the depth of a caller's folders makes no other call.
        resource = bucket + slash + re.sub(r"\bx(/x)+\b", "x", "/".join(parts) if slash else "")
    elif ":execution:" in resource:
        resource = resource.rpartition(":")[0] + ":x"
    # CloudFormation ends names with random digits.
    resource = re.sub(r"-[0-9A-Fa-f]{13}\b", "-x", resource)
    resource = re.sub(r"(:secret:.*)-[0-9a-f]{6}$", r"\1-x", resource)
    kept: dict[str, list[str]] = {}
    if LEADING_KEYS in context:
        kept[LEADING_KEYS] = sorted({_prefix(key) for key in context[LEADING_KEYS]})
    if TAG_KEYS in context:
        kept[TAG_KEYS] = sorted(context[TAG_KEYS])
    return resource, kept


def _prefix(key: str) -> str:
    kind, separator, _ = key.partition("#")
    return f"{kind}#x" if separator else "x"


class Recorder:
    """Appends each distinct call to a file, which several local AWSs may share."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def record(self, call: Json) -> None:
        line = json.dumps(call, sort_keys=True)
        with self._lock:
            if line not in self._known:
                self._known.add(line)
                with self._file.open("a") as file:
                    file.write(line + "\n")


def complete_checks(recorder: Recorder | None) -> None:
    """Add the missing condition keys and checks to ministack. With a recorder, record every call in a role.

    To be called before ministack's application is imported, which copies some of these names.
    """
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    actions.dynamodb_service_context = _with_leading_keys(actions.dynamodb_service_context)
    actions.request_tag_context = _with_tag_keys(actions.request_tag_context)
    pin_origin, enforce = evaluator.pin_request_origin, evaluator.enforce
    # The local AWS speaks plain HTTP on the loopback interface; the policies that require TLS are for AWS.
    evaluator.pin_request_origin = lambda source_ip, _secure: pin_origin(source_ip, True)

    def enforce_and_record(
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Json | None = None,
    ) -> Any:
        action = CHECKED_AS.get(action, action)
        request = evaluator._signed_request.get()
        denied = enforce(
            access_key, action, service, region, resource_arn=resource_arn, service_context=service_context
        )
        role = _role(evaluator.resolve_caller_identity(access_key))
        if role is None:
            return denied
        if recorder is not None:
            resource, conditions = without_values(resource_arn, service_context or {})
            recorder.record(
                {
                    "role": re.sub(r"-[0-9A-F]{13}$", "-x", role),
                    "action": action,
                    "resource": resource,
                    "conditions": conditions,
                    "link": request is not None and request.presigned,
                    "allowed": denied is None,
                }
            )
        if denied is None and action in READS and not _exists(resource_arn):
            bucket = resource_arn.partition("/")[0]
            return enforce_and_record(access_key, "s3:ListBucket", service, region, bucket)
        return denied

    evaluator.enforce = enforce_and_record


def _role(caller: Mapping[str, Any] | None) -> str | None:
    """Return the role of a caller; None for a user and the root of the account."""
    _, is_role, name = str((caller or {}).get("userArn", "")).partition(":assumed-role/")
    return name.partition("/")[0] if is_role else None


def _with_leading_keys(known: Callable[[bytes], Json]) -> Callable[[bytes], Json]:
    def context(body: bytes) -> Json:
        return {**known(body), LEADING_KEYS: leading_keys(json.loads(body or b"{}"))}

    return context


def _with_tag_keys(known: Callable[..., Json]) -> Callable[..., Json]:
    def context(service: str, action: str, body: bytes, params: Json) -> Json:
        found = known(service, action, body, params)
        return {**found, TAG_KEYS: tag_keys(body)} if action in PUT_TAGS else found

    return context


def _exists(arn: str) -> bool:
    """Return whether the object with an ARN exists."""
    service: Any = importlib.import_module("ministack.services.s3")
    bucket, _, key = arn.removeprefix("arn:aws:s3:::").partition("/")
    return key in service._buckets.get(bucket, {}).get("objects", {})
