"""The one table on DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.aws.services import code_of, service
from tarmac.ports import Add, ConditionFailed, Page, Put, Row, Write

_SORT_KEYS = {"primary": ("pk", "sk"), "byClient": ("client", "listKey"), "due": ("due", "nextCheckAt")}


class DynamoTable:
    """Rows are plain dicts: str, bool, int, float, list, dict; numbers come back as int or float."""

    def __init__(self, name: str, dynamodb: Any = None) -> None:
        self._name = name
        self._dynamodb = dynamodb or service("dynamodb")

    def get(self, pk: str, sk: str) -> Row | None:
        answer = self._dynamodb.get_item(TableName=self._name, Key=_key(pk, sk), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def write(self, *writes: Write) -> None:
        # DynamoDB's conditions know no sums: what the number may have been before has to be said.
        if any(each.at_most is not None and each.amount > each.at_most for each in writes if isinstance(each, Add)):
            raise ConditionFailed
        requests = [self._request(each) for each in writes]
        try:
            match requests:
                case [("Put", request)]:
                    self._dynamodb.put_item(**request)
                case [(_, request)]:
                    self._dynamodb.update_item(**request)
                case _:
                    self._dynamodb.transact_write_items(TransactItems=[{kind: request} for kind, request in requests])
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
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": partition_name},
            "ExpressionAttributeValues": {":partition": {"S": partition}},
            "ScanIndexForward": not descending,
            "Limit": limit,
        }
        if index == "primary":
            request["ConsistentRead"] = True
        else:
            request["IndexName"] = index
        if up_to is not None:
            request["KeyConditionExpression"] += " AND #sort <= :up_to"
            request["ExpressionAttributeNames"]["#sort"] = sort_name
            request["ExpressionAttributeValues"][":up_to"] = _to_value(up_to)
        if start is not None:
            request["ExclusiveStartKey"] = to_item(start)
        answer = self._dynamodb.query(**request)
        last = answer.get("LastEvaluatedKey")
        return Page([from_item(item) for item in answer["Items"]], from_item(last) if last else None)

    def _request(self, write: Write) -> tuple[str, dict[str, Any]]:
        """The kind and the rest of a write, the same alone and in a transaction."""
        return ("Put", self._put_request(write)) if isinstance(write, Put) else ("Update", self._add_request(write))

    def _add_request(self, add: Add) -> dict[str, Any]:
        names = {"#sum": add.name} | {f"#a{n}": name for n, name in enumerate(add.about)}
        values = {":amount": _to_value(add.amount)} | {
            f":a{n}": _to_value(value) for n, value in enumerate(add.about.values())
        }
        update = "ADD #sum :amount"
        if add.about:
            update += " SET " + ", ".join(f"#a{n} = :a{n}" for n in range(len(add.about)))
        request: dict[str, Any] = {
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

    def _put_request(self, put: Put) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": self._name, "Item": to_item(put.row)}
        if put.over is None:
            request["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            request["ConditionExpression"] = "version = :over"
            request["ExpressionAttributeValues"] = {":over": {"N": str(put.over)}}
        return request


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _is_condition_failure(error: Exception) -> bool:
    code = code_of(error)
    if code == "TransactionCanceledException":
        # A conflict with another transaction on the row is the same news: somebody else was faster.
        response: Mapping[str, Any] = error.response  # type: ignore[attr-defined]
        reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())}
        return bool(reasons & {"ConditionalCheckFailed", "TransactionConflict"})
    return code in ("ConditionalCheckFailedException", "TransactionConflictException")


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in DynamoDB's own notation, every value with its type."""
    return {name: _to_value(value) for name, value in row.items()}


def _to_value(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            # An enum's member is its text.
            return {"S": str(value)}
        case int() | float():
            return {"N": repr(value)}
        case Mapping():
            return {"M": to_item(value)}
        case list() | tuple():
            return {"L": [_to_value(part) for part in value]}
        case _:
            raise TypeError(f"a row holds no {type(value).__name__}")


def from_item(item: Mapping[str, Any]) -> Row:
    """The inverse of `to_item`; a whole number comes back as int, be it written as 25 or as 25.0."""
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
            raise TypeError(f"no row holds a {kind}")


def _from_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() else number
