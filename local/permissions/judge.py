"""Compares calls with policies by the local AWS's own evaluator: calls that are denied, permissions that none needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.permissions.calls import Call
from local.permissions.policies import ACCOUNT, REGION, STACK, Statement, actions_of

Policies = Mapping[str, Sequence[Statement]]


@dataclass(frozen=True)
class Permission:
    """One action of one statement of a principal."""

    principal: str
    sid: str
    action: str


def denied(calls: Iterable[Call], policies: Policies) -> list[Call]:
    """Return the calls that no statement of their principal allows."""
    return [call for call in calls if not _allows(policies.get(call.principal, ()), call)]


def users(calls: Iterable[Call], policies: Policies) -> dict[Permission, list[Call]]:
    """Return for each permission the calls that would be denied without it. An empty list: nothing needs it."""
    of_principal: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        of_principal[call.principal].append(call)
    needed: dict[Permission, list[Call]] = {}
    for principal, statements in policies.items():
        for call in of_principal[principal]:
            allowing = [statement["Sid"] for statement in statements if _allows([statement], call)]
            if len(allowing) == 1:
                needed.setdefault(Permission(principal, allowing[0], call.action), []).append(call)
        for statement in statements:
            for action in actions_of(statement):
                needed.setdefault(Permission(principal, statement["Sid"], action), [])
    return needed


def _allows(statements: Sequence[Statement], call: Call) -> bool:
    from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

    context: Any = EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{STACK}-{call.principal}Role-x/x",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=call.action,
        resource_arn=call.resource,
        region=REGION,
        service_context={name.lower(): list(values) for name, values in call.conditions.items()},
    )
    return bool(evaluate(context, [parse_policy_document({"Statement": list(statements)})]).decision == "Allow")
