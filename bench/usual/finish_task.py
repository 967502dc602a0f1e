"""Copy a task's outputs to S3 with boto3's transfer manager, and publish a notice."""

from __future__ import annotations

import json
import os
from typing import Any, cast

import boto3
import httpx
from aws_lambda_powertools import Logger, Metrics

logger, metrics = Logger(), Metrics()
secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["RUNWAY_SECRET_ARN"])["SecretString"]
runway = httpx.Client(base_url=os.environ["RUNWAYML_BASE_URL"], headers={"Authorization": f"Bearer {secret}"})
s3, sns = boto3.client("s3"), boto3.client("sns")
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


class Body:
    """A response as the file that upload_fileobj reads."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.iter_bytes()
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while (size < 0 or len(self._rest) < size) and (chunk := next(self._chunks, None)) is not None:
            self._rest += chunk
        end = len(self._rest) if size < 0 else size
        piece, self._rest = self._rest[:end], self._rest[end:]
        return piece


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take `{taskId}`; return `{taskId, status}`."""
    key = {"pk": f"task#{event['taskId']}", "sk": "task"}
    row = table.get_item(Key=key)["Item"]
    task = runway.get(f"/v1/tasks/{row['upstreamId']!s}").json()
    for number, link in enumerate(task["output"], start=1):
        with httpx.stream("GET", link) as response:
            s3.upload_fileobj(
                cast(Any, Body(response)), os.environ["ARCHIVE_BUCKET"], f"{event['taskId']}/{number:02}.mp4"
            )
    table.update_item(Key=key, UpdateExpression="SET ended = :true", ExpressionAttributeValues={":true": True})
    sns.publish(TopicArn=os.environ["NOTICE_TOPIC_ARN"], Message=json.dumps({"taskId": event["taskId"]}))
    metrics.add_metric("TasksFinished", unit="Count", value=1)
    logger.info("finished", extra={"task_id": event["taskId"]})
    return {"taskId": event["taskId"], "status": task["status"]}
