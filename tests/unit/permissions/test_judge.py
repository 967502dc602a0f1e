"""The recorded calls against the template's policies, in the local AWS's own evaluator."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from local.permissions.calls import Call, calls_of_services, checked_calls, rare_calls, recorded, write
from local.permissions.judge import denied, users
from local.permissions.page import project
from local.permissions.policies import Resolver, Statement, policies


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return project()


@pytest.fixture(scope="module")
def granted(resolver: Resolver) -> Mapping[str, list[Statement]]:
    return policies(resolver)


@pytest.fixture(scope="module")
def calls(resolver: Resolver) -> list[Call]:
    return checked_calls(resolver, recorded())


def test_every_call_is_allowed(calls: list[Call], granted: Mapping[str, list[Statement]]) -> None:
    assert denied(calls, granted) == []


def test_every_permission_is_needed(calls: list[Call], granted: Mapping[str, list[Statement]]) -> None:
    """So the removal of any of them is detected: some call is allowed by it alone."""
    assert [permission for permission, using in users(calls, granted).items() if not using] == []


def test_a_removed_statement_is_detected(calls: list[Call], granted: Mapping[str, list[Statement]]) -> None:
    undetected = [
        (principal, statement["Sid"])
        for principal, statements in granted.items()
        for statement in statements
        if not denied(
            (call for call in calls if call.principal == principal),
            {principal: [each for each in statements if each is not statement]},
        )
    ]
    assert undetected == []


def test_a_superfluous_permission_is_detected(
    calls: list[Call], granted: Mapping[str, list[Statement]], resolver: Resolver
) -> None:
    """An action that no call uses, and a statement that another one covers."""
    wider: dict[str, Any] = copy.deepcopy(dict(granted))
    table = resolver.arn("TasksTable")
    wider["PollTask"].append({"Sid": "Scan", "Effect": "Allow", "Action": "dynamodb:Scan", "Resource": table})
    wider["CreateUpload"].append({"Sid": "All", "Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table})
    unused = {(each.principal, each.sid) for each, using in users(calls, wider).items() if not using}
    assert unused == {("PollTask", "Scan"), ("CreateUpload", "All"), ("CreateUpload", "BindSlotsToClients")}


def test_keys_of_rows_are_checked(granted: Mapping[str, list[Statement]], resolver: Resolver) -> None:
    table = resolver.arn("TasksTable")
    own, foreign = (
        Call("AuthorizeRequest", "dynamodb:GetItem", table, {"dynamodb:LeadingKeys": (key,)})
        for key in ("key#x", "task#x")
    )
    assert denied([own, foreign], granted) == [foreign]


def test_a_read_requires_the_permission_to_list(resolver: Resolver) -> None:
    """Except through a signed link, whose holder S3 answers."""
    read = Call("SubmitTask", "s3:GetObject", "arn:aws:s3:::bucket/x")
    link = Call("ReadTasks", "s3:GetObject", "arn:aws:s3:::bucket/x", link=True)
    found = checked_calls(resolver, [read, link])
    lists = {(call.principal, call.resource) for call in found if call.action == "s3:ListBucket"}
    assert ("SubmitTask", "arn:aws:s3:::bucket") in lists
    assert ("ReadTasks", "arn:aws:s3:::bucket") not in lists


def test_no_recorded_call_is_listed_by_hand(resolver: Resolver) -> None:
    known = {call.key for call in recorded()}
    listed = [call for call, _ in rare_calls(resolver)] + list(calls_of_services(resolver))
    assert [call for call in listed if call.key in known] == []


def test_written_calls_are_read_again(tmp_path: Any) -> None:
    write(recorded(), tmp_path / "calls.json")
    assert recorded(tmp_path / "calls.json") == sorted(recorded(), key=lambda call: call.key)
