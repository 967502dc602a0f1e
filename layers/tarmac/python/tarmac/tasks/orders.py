"""Orders from the body of a create, or from a request `{operation, request, metadata?, webhookUrl?}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.catalogue import UnknownOperation, operation
from tarmac.idempotency import RequestIdentity
from tarmac.requests.contract import parse_create
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.tasks.accept import Order


@dataclass(frozen=True, slots=True)
class AllowLists:
    """Buckets and origins that the operator allows in requests.

    input_buckets: buckets that `s3://` links may name. webhook_origins: origins that webhook URLs may have; if empty,
    every public https host.
    """

    input_buckets: frozenset[str] = frozenset()
    webhook_origins: frozenset[str] = frozenset()


NO_ALLOW_LISTS = AllowLists()


def order_of_create(
    name: str,
    client: str,
    body: dict[str, Any],
    source: Mapping[str, str | int],
    allowed: AllowLists,
    *,
    task_id: str | None = None,
    request_identity: RequestIdentity | None = None,
    needs_model: bool = True,
) -> Order:
    """Return the order for the body of a create, including `metadata` and `webhookUrl`.

    needs_model: false if the model may be missing, as in a preset. Raises UnknownOperation, InvalidRequest.
    """
    parsed = parse_create(body, needs_model and operation(name).sole_model is None, allowed.webhook_origins)
    return Order(
        name,
        client,
        parsed.upstream_body(),
        source,
        dict(parsed.metadata),
        task_id,
        s3_allowed=allowed.input_buckets,
        request_identity=request_identity,
        webhook_url=parsed.webhookUrl,
    )


def order_of(
    wanted: Mapping[str, Any],
    client: str,
    source: Mapping[str, str | int],
    task_id: str | None,
    allowed: AllowLists,
    needs_model: bool = True,
) -> Order:
    """Return the order for a request that names its operation. Raises InvalidRequest."""
    name, request = wanted.get("operation"), wanted.get("request")
    if not isinstance(name, str) or not name:
        raise InvalidRequest([Issue("invalid_type", ("operation",), "Required, such as text_to_video")])
    if not isinstance(request, dict):
        raise InvalidRequest([Issue("invalid_type", ("request",), "Required, the body of a create")])
    body = {**request, "metadata": wanted.get("metadata") or {}}
    if "webhookUrl" in wanted:
        body["webhookUrl"] = wanted["webhookUrl"]
    try:
        return order_of_create(name, client, body, source, allowed, task_id=task_id, needs_model=needs_model)
    except UnknownOperation:
        raise InvalidRequest([Issue("custom", ("operation",), f"Unknown operation {name!r}")]) from None
