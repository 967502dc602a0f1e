"""Every minute: publish pending notices and restart lost executions."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.inbox.batch_progress import record_ending, repair_batch
from tarmac.rows import DUE, SESSION_DUE
from tarmac.sessions.sweep import mark_attempt_lost, repair_session
from tarmac.settings import SweepSettings
from tarmac.sweeping import Handler, sweep
from tarmac.tasks.sweep import repair_task
from tarmac.telemetry import MetricUnit, logger, metrics

settings = SweepSettings.from_environment()
effects = AwsEffects(settings)
session_handlers: dict[str, Handler] = {"session": repair_session, "session-attempt": mark_attempt_lost}
handlers: dict[str, Handler] = {"task": partial(repair_task, on_ended=record_ending), "batch": repair_batch}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Any event in; `{announced, restarted, watched, batches, failed}` out: numbers of rows by repair."""
    # Sessions first: there are few, and each minute of a session without an execution costs money.
    counts = asdict(sweep(SESSION_DUE, session_handlers, effects) + sweep(DUE, handlers, effects))
    # Each metric costs money per hour in which it is published, and most sweeps repair nothing.
    nonzero = {name: count for name, count in counts.items() if count}
    for name, count in nonzero.items():
        metrics.add_metric(f"Swept{name.title()}", MetricUnit.Count, count)
    if nonzero:
        metrics.flush_metrics()
    logger.info("swept", count=sum(counts.values()), outcome=counts)
    return counts
