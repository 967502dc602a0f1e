"""EventBridge, S3 `Object Created` under `inbox/` and `presets/`: start a task or a batch, or check a preset.

The tasks belong to the built-in client of the inbox.
"""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.inbox.accept_upload import accept_upload
from tarmac.inbox.open_batch import OpenedBatch
from tarmac.inbox.rejections import Rejected
from tarmac.inbox.upload import NothingStarted, Upload, UploadDefaults
from tarmac.settings import AcceptUploadSettings
from tarmac.tasks.orders import AllowLists
from tarmac.telemetry import logger

settings = AcceptUploadSettings.from_environment()
effects = AwsEffects(settings)
defaults = UploadDefaults(
    client=settings.s3_client,
    model=settings.default_model,
    prompt_text=settings.default_prompt_text,
    ratio=settings.default_ratio,
    duration=settings.default_duration,
    deadline_seconds=settings.task_deadline_seconds,
    allowed=AllowLists(settings.input_buckets, settings.webhook_origins),
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take an `Object Created` event. Return one of these:

    `{taskId, status: accepted | repeated | rejected}`, `{batchId, status: accepted | repeated, lines}`,
    `{status: checked | waiting | superseded | ignored}`.
    """
    match accept_upload(Upload.from_event(event), effects, defaults):
        case Rejected(task_id):
            logger.warning("upload rejected", task_id=task_id, source="s3")
            return {"taskId": task_id, "status": "rejected"}
        case NothingStarted(status):
            logger.info("upload started nothing", status=status, source="s3")
            return {"status": status}
        case OpenedBatch(batch, is_new):
            status = "accepted" if is_new else "repeated"
            logger.info("batch opened", key=batch.id, status=status, count=batch.lines, source="s3")
            return {"batchId": batch.id, "status": status, "lines": batch.lines}
        case accepted:
            status = "accepted" if accepted.is_new else "repeated"
            logger.info("upload accepted", task_id=accepted.task.id, status=status, source="s3")
            return {"taskId": accepted.task.id, "status": status}
