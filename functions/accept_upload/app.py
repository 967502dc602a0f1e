"""EventBridge, S3 `Object Created` under `inbox/`: an object becomes a task of the built-in client `s3`."""

from __future__ import annotations

from typing import Any

from tarmac.effects import AwsEffects
from tarmac.settings import AcceptUploadSettings
from tarmac.steps.accept_upload import Rejected, Upload, UploadDefaults, accept_upload
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
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An `Object Created` event in; `{taskId, status: accepted | repeated | rejected}` out."""
    result = accept_upload(Upload.from_event(event), effects, defaults)
    if isinstance(result, Rejected):
        logger.warning("upload rejected", task_id=result.task_id, source="s3")
        return {"taskId": result.task_id, "status": "rejected"}
    status = "accepted" if result.is_new else "repeated"
    logger.info("upload accepted", task_id=result.task.id, status=status, source="s3")
    return {"taskId": result.task.id, "status": status}
