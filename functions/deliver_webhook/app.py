"""SQS event source: try each due webhook once. Failed ones return to the queue with increasing waits."""

from __future__ import annotations

import json
from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.settings import DeliverWebhookSettings
from tarmac.telemetry import MetricUnit, logger, metrics
from tarmac.webhooks.deliver import deliver

settings = DeliverWebhookSettings.from_environment()
effects = AwsEffects(settings)


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Messages `{taskId}` in; `{batchItemFailures: [{itemIdentifier}]}` out: the messages to retry."""
    failures = []
    for record in event["Records"]:
        task_id = json.loads(record["body"])["taskId"]
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        delivery = deliver(task_id, receives, effects)
        if delivery.wait_seconds is not None:
            effects.webhook_queue.postpone(record["receiptHandle"], delivery.wait_seconds)
            failures.append({"itemIdentifier": record["messageId"]})
        metrics.add_metric(f"Webhooks{delivery.outcome.title().replace(' ', '')}", MetricUnit.Count, 1)
        logger.info(
            "webhook tried",
            task_id=task_id,
            outcome=delivery.outcome,
            status=delivery.status,
            attempt=receives,
            wait_seconds=delivery.wait_seconds,
            reason=delivery.reason,
        )
    return {"batchItemFailures": failures}
