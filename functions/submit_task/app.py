"""State `Submit`: make one attempt to create the task at Runway, at most once per claim."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.settings import SubmitTaskSettings
from tarmac.tasks.submit import submit
from tarmac.telemetry import logger

settings = SubmitTaskSettings.from_environment()
effects = AwsEffects(settings)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{taskId}` in; `{taskId, outcome: waiting | running | ended, waitSeconds}` out."""
    task_id = event["taskId"]
    outcome = submit(task_id, effects, settings.max_ambiguous_retries)
    logger.info("task submitted", task_id=task_id, outcome=outcome.word, wait_seconds=outcome.wait_seconds)
    return outcome.as_state(task_id)
