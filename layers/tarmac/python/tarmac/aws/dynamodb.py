"""Adapter for the DynamoDB table that holds all rows."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tarmac.aws.services import THROTTLED, DynamoDb, code_of
from tarmac.ports import Add, ConditionFailed, Page, Put, Row, Write, WriteConflict

if TYPE_CHECKING:
    from tarmac.aws.request_types import DynamoDbClient, PutItem, Query, UpdateItem

WRITE_TRIES = 10
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
"""Between the tries of a write that meets another transaction: about three seconds in all."""

_TRANSIENT_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Reasons of a cancelled transaction that a retry can remove. Source: API reference, TransactWriteItems."""

_RETRIED_BY_CLIENT = THROTTLED - {"TransactionInProgressException"}
"""Codes that the client has retried already."""

_SORT_KEYS = {"primary": ("pk", "sk"), "byClient": ("client", "listKey"), "due": ("due", "nextCheckAt")}


class DynamoTable:
    """Rows are dicts of str, bool, int, float, None, list and dict. Numbers are returned as int or float."""

    def __init__(
        self, name: str, dynamodb: DynamoDbClient | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._name = name
        self._dynamodb: DynamoDbClient = dynamodb or DynamoDb.from_environment()
        self._sleep = sleep

    def get(self, pk: str, sk: str) -> Row | None:
        answer = self._dynamodb.get_item(TableName=self._name, Key=_key(pk, sk), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def write(self, *writes: Write) -> None:
        # A condition cannot contain a sum, so it limits the number before the addition. If even the amount is over the
        # limit, no condition can express it.
        if any(each.at_most is not None and each.amount > each.at_most for each in writes if isinstance(each, Add)):
            raise ConditionFailed
        match writes:
            case [Put() as put]:
                self._retrying(lambda: self._dynamodb.put_item(**self._put_request(put)))
            case [Add() as add]:
                self._retrying(lambda: self._dynamodb.update_item(**self._add_request(add)))
            case _:
                parts = [self._part(each) for each in writes]
                # By the token DynamoDB recognizes a transaction that it has made, whose response was lost.
                token = str(uuid.uuid4())
                self._retrying(
                    lambda: self._dynamodb.transact_write_items(TransactItems=parts, ClientRequestToken=token)
                )

    def delete(self, pk: str, sk: str) -> None:
        self._retrying(lambda: self._dynamodb.delete_item(TableName=self._name, Key=_key(pk, sk)))

    def _retrying(self, send: Callable[[], object]) -> None:
        """Send a write, again while other transactions are in its way.

        A throttled request is not sent again here: the client has retried it, and the time of a function is limited.
        """
        for attempt in range(1, WRITE_TRIES + 1):
            try:
                send()
            except Exception as error:
                problem = judged(error)
                if problem is error:
                    raise
                is_final = attempt == WRITE_TRIES or code_of(error) in _RETRIED_BY_CLIENT
                if is_final or not isinstance(problem, WriteConflict):
                    raise problem from error
                self._sleep(random.random() * min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt))
            else:
                return

    def query(
        self,
        index: str,
        partition: str,
        *,
        up_to: float | str | None = None,
        descending: bool = False,
        limit: int = 100,
        start: Row | None = None,
    ) -> Page:
        partition_name, sort_name = _SORT_KEYS[index]
        names = {"#partition": partition_name}
        values: dict[str, Any] = {":partition": {"S": partition}}
        request: Query = {
            "TableName": self._name,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not descending,
            "Limit": limit,
        }
        if index == "primary":
            request["ConsistentRead"] = True
        else:
            request["IndexName"] = index
        if up_to is not None:
            request["KeyConditionExpression"] += " AND #sort <= :up_to"
            names["#sort"] = sort_name
            values[":up_to"] = _to_value(up_to)
        if start is not None:
            request["ExclusiveStartKey"] = to_item(start)
        answer = self._dynamodb.query(**request)
        last = answer.get("LastEvaluatedKey")
        return Page([from_item(item) for item in answer["Items"]], from_item(last) if last else None)

    def _part(self, write: Write) -> dict[str, PutItem | UpdateItem]:
        """A write as part of a transaction."""
        return {"Put": self._put_request(write)} if isinstance(write, Put) else {"Update": self._add_request(write)}

    def _add_request(self, add: Add) -> UpdateItem:
        names = {"#sum": add.name} | {f"#a{n}": name for n, name in enumerate(add.about)}
        values = {":amount": _to_value(add.amount)} | {
            f":a{n}": _to_value(value) for n, value in enumerate(add.about.values())
        }
        update = "ADD #sum :amount"
        if add.about:
            update += " SET " + ", ".join(f"#a{n} = :a{n}" for n in range(len(add.about)))
        request: UpdateItem = {
            "TableName": self._name,
            "Key": _key(add.pk, add.sk),
            "UpdateExpression": update,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        if add.at_most is not None:
            request["ConditionExpression"] = "attribute_not_exists(#sum) OR #sum <= :room"
            values[":room"] = _to_value(add.at_most - add.amount)
        return request

    def _put_request(self, put: Put) -> PutItem:
        item = to_item(put.row)
        if put.over is None:
            return {"TableName": self._name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        return {
            "TableName": self._name,
            "Item": item,
            "ConditionExpression": "version = :over",
            "ExpressionAttributeValues": {":over": {"N": str(put.over)}},
        }


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def judged(error: Exception) -> Exception:
    """The error of a write as ConditionFailed or WriteConflict; any other error unchanged."""
    code = code_of(error)
    if code == "TransactionCanceledException":
        response: Mapping[str, Any] = error.response  # type: ignore[attr-defined]
        reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())} - {"None", None}
        # A failed condition decides, since a retry would find it again.
        if "ConditionalCheckFailed" in reasons:
            return ConditionFailed()
        return WriteConflict(", ".join(sorted(reasons))) if reasons and reasons <= _TRANSIENT_REASONS else error
    if code == "ConditionalCheckFailedException":
        return ConditionFailed()
    return WriteConflict(code) if code in THROTTLED or code == "TransactionConflictException" else error


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in DynamoDB's notation, in which each value has its type."""
    return {name: _to_value(value) for name, value in row.items()}


def _to_value(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            # str() turns the member of a text enum into plain text.
            return {"S": str(value)}
        case int() | float():
            return {"N": repr(value)}
        case Mapping():
            return {"M": to_item(value)}
        case list() | tuple():
            return {"L": [_to_value(part) for part in value]}
        case _:
            raise TypeError(f"a row cannot hold {type(value).__name__}")


def from_item(item: Mapping[str, Any]) -> Row:
    """The inverse of `to_item`. A whole number is returned as int, whether it was written as 25 or as 25.0."""
    return {name: _from_value(value) for name, value in item.items()}


def _from_value(value: Mapping[str, Any]) -> Any:
    [(kind, content)] = value.items()
    match kind:
        case "NULL":
            return None
        case "BOOL" | "S":
            return content
        case "N":
            return _from_number(content)
        case "M":
            return from_item(content)
        case "L":
            return [_from_value(part) for part in content]
        case _:
            raise TypeError(f"a row cannot hold DynamoDB's type {kind}")


def _from_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() else number
