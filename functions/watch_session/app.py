"""State `Watch`: poll a live session once, end it if it is unclaimed, return when to poll again."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.sessions.watch import watch_session
from tarmac.settings import WatchSessionSettings
from tarmac.telemetry import logger

settings = WatchSessionSettings.from_environment()
effects = AwsEffects(settings)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{sessionId}` in; `{sessionId, outcome: running | ended, waitSeconds}` out."""
    session_id = event["sessionId"]
    outcome = watch_session(session_id, effects, settings.unclaimed_session_seconds)
    logger.info("session watched", session_id=session_id, outcome=outcome.word, wait_seconds=outcome.wait_seconds)
    return {"sessionId": session_id, "outcome": outcome.word, "waitSeconds": outcome.wait_seconds}
