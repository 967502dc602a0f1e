"""What the local AWS adds to a request's context, and what it writes down of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.aws.permissions import Recorder, leading_keys, tag_keys, without_values

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/tarmac-TasksTable-0123456789ABC"


@pytest.mark.parametrize(
    ("request_body", "keys"),
    [
        ({"Key": {"pk": {"S": "task#1"}, "sk": {"S": "task"}}}, ["task#1"]),
        ({"Item": {"pk": {"S": "upload#1"}, "client": {"S": "acme"}}}, ["upload#1"]),
        (
            {
                "IndexName": "byClient",
                "KeyConditionExpression": "#client = :client AND #key < :key",
                "ExpressionAttributeValues": {":key": {"S": "z"}, ":client": {"S": "avatar#acme"}},
            },
            ["avatar#acme"],
        ),
        (
            {
                "TransactItems": [
                    {"Put": {"Item": {"pk": {"S": "session#1"}}}},
                    {"Update": {"Key": {"pk": {"S": "session-minutes#acme"}}}},
                ]
            },
            ["session#1", "session-minutes#acme"],
        ),
    ],
)
def test_the_partition_keys_of_a_request_are_found(request_body: dict[str, object], keys: list[str]) -> None:
    assert leading_keys(request_body) == keys


def test_the_tag_keys_of_a_request_are_found() -> None:
    body = b"<Tagging><TagSet><Tag><Key>tarmac-task</Key><Value>1</Value></Tag></TagSet></Tagging>"
    assert tag_keys(body) == ["tarmac-task"]


@pytest.mark.parametrize(
    ("resource", "recorded"),
    [
        (TABLE, "arn:aws:dynamodb:us-east-1:000000000000:table/tarmac-TasksTable-x"),
        (f"{TABLE}/index/due", "arn:aws:dynamodb:us-east-1:000000000000:table/tarmac-TasksTable-x/index/due"),
        ("arn:aws:s3:::tarmac-uploadbucket-0123456789abc", "arn:aws:s3:::tarmac-uploadbucket-x"),
        (
            "arn:aws:s3:::tarmac-uploadbucket-0123456789abc/inbox/secret film/a.png",
            "arn:aws:s3:::tarmac-uploadbucket-x/inbox/x",
        ),
        (
            "arn:aws:s3:::tarmac-archivebucket-0123456789abc/acme/2026/11/30/batches/1/report.json",
            "arn:aws:s3:::tarmac-archivebucket-x/x/batches/x/report.json",
        ),
        (
            "arn:aws:secretsmanager:us-east-1:000000000000:secret:tarmac-RunwaySecret-0123456789ABC-01ab9f",
            "arn:aws:secretsmanager:us-east-1:000000000000:secret:tarmac-RunwaySecret-x-x",
        ),
        (
            "arn:aws:states:us-east-1:000000000000:execution:tarmac-generation:8d1c",
            "arn:aws:states:us-east-1:000000000000:execution:tarmac-generation:x",
        ),
    ],
)
def test_nothing_from_a_caller_is_recorded(resource: str, recorded: str) -> None:
    context = {"dynamodb:LeadingKeys": ["owner#avatar#1", "acme"], "dynamodb:Attributes": ["prompt"]}
    assert without_values(resource, context) == (recorded, {"dynamodb:LeadingKeys": ["owner#x", "x"]})


def test_a_call_is_recorded_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "calls.jsonl")
    for action in ("a", "b", "a"):
        recorder.record({"action": action})
    lines = (tmp_path / "calls.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"action": "a"}, {"action": "b"}]
