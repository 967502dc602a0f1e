"""SQS: create tasks from the lines of a batch, update its report and publish its notices."""

from __future__ import annotations

import json
from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.inbox.run_batch import BatchSettings, run_batch
from tarmac.settings import RunBatchSettings
from tarmac.tasks.orders import AllowLists
from tarmac.telemetry import logger

settings = RunBatchSettings.from_environment()
effects = AwsEffects(settings)
batches = BatchSettings(
    deadline_seconds=settings.batch_deadline_seconds,
    allowed=AllowLists(settings.input_buckets, settings.webhook_origins),
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take messages `{batch, chunk?}`. Return `{batchItemFailures: [{itemIdentifier}]}`: those to retry."""
    to_retry = []
    for record in event["Records"]:
        message = json.loads(record["body"])
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        wait_seconds = run_batch(message, receives, effects, batches)
        if wait_seconds is not None:
            effects.batch_queue.postpone(record["receiptHandle"], wait_seconds)
            to_retry.append({"itemIdentifier": record["messageId"]})
        logger.info(
            "batch run", key=message["batch"], count=message.get("chunk"), attempt=receives, wait_seconds=wait_seconds
        )
    return {"batchItemFailures": to_retry}
