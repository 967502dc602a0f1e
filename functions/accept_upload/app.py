"""EventBridge, S3 `Object Created` under `inbox/` and `presets/`.

An object becomes a task of the built-in client `s3`, a file of requests becomes a batch, a preset is checked.
"""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.inbox.accept_upload import Noted, Rejected, Upload, UploadDefaults, accept_upload
from tarmac.inbox.run_batch import Opened
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
    """An `Object Created` event in; `{taskId, status: accepted | repeated | rejected}`, `{batchId, status: accepted |
    repeated, lines}` or `{status: checked | waiting | superseded | ignored}` out."""
    match accept_upload(Upload.from_event(event), effects, defaults):
        case Rejected(task_id):
            logger.warning("upload rejected", task_id=task_id, source="s3")
            return {"taskId": task_id, "status": "rejected"}
        case Noted(status):
            logger.info("upload noted", status=status, source="s3")
            return {"status": status}
        case Opened(batch, is_new):
            status = "accepted" if is_new else "repeated"
            logger.info("batch opened", key=batch.id, status=status, count=batch.lines, source="s3")
            return {"batchId": batch.id, "status": status, "lines": batch.lines}
        case accepted:
            status = "accepted" if accepted.is_new else "repeated"
            logger.info("upload accepted", task_id=accepted.task.id, status=status, source="s3")
            return {"taskId": accepted.task.id, "status": status}
