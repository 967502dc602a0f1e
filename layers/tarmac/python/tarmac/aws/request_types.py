"""The request parameters of the AWS operations that Tarmac calls, as type checkers see them. Not loaded at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, Protocol, TypedDict, Unpack

Item = Mapping[str, Any]
"""Attributes in DynamoDB's notation: name → `{"S": "text"}`."""


class GetItem(TypedDict):
    TableName: str
    Key: Item
    ConsistentRead: bool


class PutItem(TypedDict):
    TableName: str
    Item: Item
    ConditionExpression: str
    ExpressionAttributeValues: NotRequired[Item]


class UpdateItem(TypedDict):
    TableName: str
    Key: Item
    UpdateExpression: str
    ExpressionAttributeNames: Mapping[str, str]
    ExpressionAttributeValues: Item
    ConditionExpression: NotRequired[str]


class DeleteItem(TypedDict):
    TableName: str
    Key: Item


class Query(TypedDict):
    TableName: str
    IndexName: NotRequired[str]
    KeyConditionExpression: str
    ExpressionAttributeNames: Mapping[str, str]
    ExpressionAttributeValues: Item
    ScanIndexForward: bool
    Limit: int
    ConsistentRead: NotRequired[bool]
    ExclusiveStartKey: NotRequired[Item]


class TransactWriteItems(TypedDict):
    """TransactItems: each `{"Put": PutItem}` or `{"Update": UpdateItem}`."""

    TransactItems: Sequence[Any]
    ClientRequestToken: str


class DynamoDbClient(Protocol):
    """What the table needs: `tarmac.aws.services.DynamoDb`, or boto3's client."""

    def get_item(self, **request: Unpack[GetItem]) -> Mapping[str, Any]: ...
    def put_item(self, **request: Unpack[PutItem]) -> Mapping[str, Any]: ...
    def update_item(self, **request: Unpack[UpdateItem]) -> Mapping[str, Any]: ...
    def delete_item(self, **request: Unpack[DeleteItem]) -> Mapping[str, Any]: ...
    def query(self, **request: Unpack[Query]) -> Mapping[str, Any]: ...
    def transact_write_items(self, **request: Unpack[TransactWriteItems]) -> Mapping[str, Any]: ...


class GetSecretValue(TypedDict):
    SecretId: str


class StartExecution(TypedDict):
    stateMachineArn: str
    name: str
    input: str


class DescribeExecution(TypedDict):
    executionArn: str


class SendMessage(TypedDict):
    QueueUrl: str
    MessageBody: str


class SendMessageBatch(TypedDict):
    QueueUrl: str
    Entries: Sequence[Mapping[str, str]]


class ChangeMessageVisibility(TypedDict):
    QueueUrl: str
    ReceiptHandle: str
    VisibilityTimeout: int


class Publish(TypedDict):
    TopicArn: str
    Message: str
    MessageAttributes: Mapping[str, Mapping[str, str]]
