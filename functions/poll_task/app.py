"""State `Poll`: poll the task at Runway once, return when to poll again."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.settings import PollTaskSettings
from tarmac.tasks.poll import poll
from tarmac.telemetry import logger

settings = PollTaskSettings.from_environment()
effects = AwsEffects(settings)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{taskId}` in; `{taskId, outcome: running | waiting | ended, waitSeconds}` out."""
    task_id = event["taskId"]
    outcome = poll(task_id, effects, settings.max_failure_retries)
    logger.info("task polled", task_id=task_id, outcome=outcome.word, wait_seconds=outcome.wait_seconds)
    return outcome.as_state(task_id)
