"""Validate a create with Powertools' resolver and pydantic, store it and start its execution with boto3."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel, Field

logger, metrics = Logger(), Metrics()
app = APIGatewayHttpResolver(enable_validation=True)
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
stepfunctions = boto3.client("stepfunctions")
boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["RUNWAY_SECRET_ARN"])


class ImageToVideo(BaseModel):
    model: str
    promptImage: str
    promptText: str | None = Field(default=None, max_length=1000)
    ratio: str
    duration: int = Field(default=5, ge=2, le=10)
    seed: int | None = None


@app.post("/v1/image_to_video")
def create(body: ImageToVideo) -> dict[str, str]:
    task_id = str(uuid.uuid4())
    table.put_item(Item={"pk": f"task#{task_id}", "sk": "task", "request": body.model_dump_json()})
    stepfunctions.start_execution(
        stateMachineArn=os.environ["GENERATION_STATE_MACHINE_ARN"],
        name=task_id,
        input=json.dumps({"taskId": task_id}),
    )
    return {"id": task_id}


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take an event of API Gateway; return its response."""
    metrics.add_metric("TasksCreated", unit="Count", value=1)
    return app.resolve(event, context)
