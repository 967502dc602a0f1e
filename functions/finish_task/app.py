"""State `Finish`: archive the outputs, commit the terminal state, publish the notice."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.inbox.batch_progress import record_ending
from tarmac.settings import FinishTaskSettings
from tarmac.tasks.finish import finish
from tarmac.telemetry import MetricUnit, logger, metrics

settings = FinishTaskSettings.from_environment()
effects = AwsEffects(settings)


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{taskId}` in; `{taskId, ending: succeeded | failed | cancelled, status, outputs, credits, polls, seconds,
    error?, cause?}` out. Raises if the task cannot end yet: the state has a Retry and no Catch."""
    ending = finish(event["taskId"], effects, settings.max_output_bytes, on_ended=record_ending)
    task = ending.task
    if ending.is_first:
        metrics.add_metric(f"Tasks{task.state.value.title().replace('_', '')}", MetricUnit.Count, 1)
        metrics.add_metric("CreditsSpent", MetricUnit.Count, task.cost_credits or 0)
        metrics.add_metric("ArchivedBytes", MetricUnit.Bytes, sum(output.size_bytes for output in task.outputs))
    else:
        metrics.add_metric("FinishesRepeated", MetricUnit.Count, 1)
    logger.info("task finished", task_id=task.id, status=task.state.value, code=task.failure_code, polls=task.polls)
    return ending.as_state()
