"""Adapter for the DynamoDB table that holds all rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tarmac.aws.services import DynamoDb, code_of
from tarmac.ports import Add, ConditionFailed, Page, Put, Row, Write

if TYPE_CHECKING:
    from tarmac.aws.request_types import DynamoDbClient, PutItem, Query, UpdateItem

_SORT_KEYS = {"primary": ("pk", "sk"), "byClient": ("client", "listKey"), "due": ("due", "nextCheckAt")}


class DynamoTable:
    """Rows are dicts of str, bool, int, float, None, list and dict. Numbers are returned as int or float."""

    def __init__(self, name: str, dynamodb: DynamoDbClient | None = None) -> None:
        self._name = name
        self._dynamodb: DynamoDbClient = dynamodb or DynamoDb.from_environment()

    def get(self, pk: str, sk: str) -> Row | None:
        answer = self._dynamodb.get_item(TableName=self._name, Key=_key(pk, sk), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def write(self, *writes: Write) -> None:
        # A condition cannot contain a sum, so it limits the number before the addition. If even the amount is over the
        # limit, no condition can express it.
        if any(each.at_most is not None and each.amount > each.at_most for each in writes if isinstance(each, Add)):
            raise ConditionFailed
        try:
            match writes:
                case [Put() as put]:
                    self._dynamodb.put_item(**self._put_request(put))
                case [Add() as add]:
                    self._dynamodb.update_item(**self._add_request(add))
                case _:
                    self._dynamodb.transact_write_items(TransactItems=[self._part(each) for each in writes])
        except Exception as error:
            if _is_condition_failure(error):
                raise ConditionFailed from error
            raise

    def delete(self, pk: str, sk: str) -> None:
        self._dynamodb.delete_item(TableName=self._name, Key=_key(pk, sk))

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


def _is_condition_failure(error: Exception) -> bool:
    code = code_of(error)
    if code == "TransactionCanceledException":
        # A conflict with another transaction means the same: another writer was faster.
        response: Mapping[str, Any] = error.response  # type: ignore[attr-defined]
        reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())}
        return bool(reasons & {"ConditionalCheckFailed", "TransactionConflict"})
    return code in ("ConditionalCheckFailedException", "TransactionConflictException")


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
