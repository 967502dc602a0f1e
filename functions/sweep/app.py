"""Every minute: publish notices that were not sent, restart executions that were lost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.sessions.sweep import sweep_sessions
from tarmac.settings import SweepSettings
from tarmac.tasks.sweep import sweep
from tarmac.telemetry import MetricUnit, logger, metrics

settings = SweepSettings.from_environment()
effects = AwsEffects(settings)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Any event in; `{announced, restarted, watched, batches, failed}` out, in tasks, sessions and batches."""
    # Sessions first: they are few, and each unwatched minute costs credits.
    counts = asdict(sweep_sessions(effects) + sweep(effects))
    # A metric costs money for each hour with data, and most counts are zero.
    counted = {name: count for name, count in counts.items() if count}
    for name, count in counted.items():
        metrics.add_metric(f"Swept{name.title()}", MetricUnit.Count, count)
    if counted:
        metrics.flush_metrics()
    logger.info("swept", count=sum(counts.values()), outcome=counts)
    return counts
