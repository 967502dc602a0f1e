"""Poll a task with Runway's SDK, and store the result with boto3."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from runwayml import RunwayML

logger = Logger()
secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["RUNWAY_SECRET_ARN"])["SecretString"]
runway = RunwayML(api_key=secret, base_url=os.environ["RUNWAYML_BASE_URL"])
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take `{taskId}`; return `{taskId, status}`."""
    row = table.get_item(Key={"pk": f"task#{event['taskId']}", "sk": "task"})["Item"]
    task = runway.tasks.retrieve(str(row["upstreamId"]))
    table.update_item(
        Key={"pk": f"task#{event['taskId']}", "sk": "task"},
        UpdateExpression="SET upstream = :task",
        ExpressionAttributeValues={":task": json.dumps(task.to_dict(), default=str)},
    )
    logger.info("polled", extra={"task_id": event["taskId"], "status": task.status})
    return {"taskId": event["taskId"], "status": task.status}
