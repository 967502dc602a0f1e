"""State `Finish` of a session: archive the conversation, then publish the notice."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.sessions.finish import finish_session
from tarmac.settings import FinishSessionSettings
from tarmac.telemetry import MetricUnit, logger, metrics

settings = FinishSessionSettings.from_environment()
effects = AwsEffects(settings)


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{sessionId}` in; `{sessionId, ending: waiting, waitSeconds}` while Runway prepares the recording, then
    `{sessionId, ending: completed | failed | cancelled, status, outputs, seconds, polls, error?, cause?}` out. Raises
    while the conversation cannot be archived: the state has a Retry and no Catch."""
    ending = finish_session(event["sessionId"], effects, settings.max_output_bytes)
    session = ending.session
    if not ending.wait_seconds:
        metrics.add_metric(f"Sessions{session.state.value.title()}", MetricUnit.Count, 1)
        metrics.add_metric("SessionSeconds", MetricUnit.Seconds, session.used_seconds)
    logger.info(
        "session finished",
        session_id=session.id,
        status=session.state.value,
        code=session.failure_code,
        reason=session.cancel_reason,
        seconds=session.duration_seconds,
        wait_seconds=ending.wait_seconds,
    )
    return ending.as_state()
