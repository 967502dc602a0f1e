"""Usage of a client: task counts and credits, computed from its task rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tarmac.clock import to_iso
from tarmac.effects import Effects
from tarmac.ports import Row
from tarmac.requests.contract import UsageSpan
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.tasks.moves import expected_credits
from tarmac.tasks.responses import shown_status
from tarmac.tasks.task import Task
from tarmac.tasks.usage_totals import Usage, Used, days_of

MOST_TASKS = 10_000
"""Limit of rows read for one response: about 10 MB and a few seconds."""

_PAGE = 500


def own_usage(client: str, span: UsageSpan, effects: Effects) -> dict[str, Any]:
    """Return the client's usage in a span of days, including deleted tasks. Raises InvalidRequest.

    `isComplete` is false if the span has more than MOST_TASKS tasks: then only the newest are counted, from
    `countedFrom` on.
    """
    today = datetime.fromtimestamp(effects.clock.now(), UTC).date()
    try:
        first, end = days_of(span.startDate, span.beforeDate, today)
    except (ValueError, OverflowError) as problem:
        raise InvalidRequest([Issue("custom", ("startDate",), str(problem))]) from None
    usage = Usage()
    start: Row | None = None
    read, oldest = 0, None
    is_complete = False
    while read < MOST_TASKS:
        page = effects.tasks.of_client(client, min(_PAGE, MOST_TASKS - read), start, before=end.isoformat())
        tasks = [task for task in page.tasks if _day(task) >= first.isoformat()]
        usage.add(map(_used, tasks))
        oldest = tasks[-1] if tasks else oldest
        read += len(page.tasks)
        start = page.next_key
        if start is None or len(tasks) < len(page.tasks):
            is_complete = True
            break
    answer = {"startDate": first.isoformat(), "beforeDate": end.isoformat()} | usage.as_json()
    answer["isComplete"] = is_complete
    if not is_complete and oldest is not None:
        answer["countedFrom"] = to_iso(oldest.created_at)
    return answer


def _used(task: Task) -> Used:
    return Used(
        day=_day(task),
        model=task.model,
        status=shown_status(task),
        estimated=expected_credits(task) or 0.0,
        spent=task.cost_credits or 0.0,
    )


def _day(task: Task) -> str:
    return to_iso(task.created_at)[:10]
