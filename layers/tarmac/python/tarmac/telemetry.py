"""Log lines and metrics. Log lines contain only ids, counts and durations, never prompts, links or keys."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

_FIELDS = frozenset(
    {
        "attempt",
        "bytes",
        "client",
        "code",
        "count",
        "credits",
        "error_type",
        "event_id",
        "execution",
        "function_request_id",
        "issues",
        "key",
        "method",
        "model",
        "operation",
        "outcome",
        "outputs",
        "parameters",
        "polls",
        "reason",
        "route",
        "run",
        "seconds",
        "session_id",
        "source",
        "state",
        "status",
        "task_id",
        "upstream_id",
        "wait_seconds",
    }
)
"""The only fields that a log line may have. Add a new field here after checking that it reveals no content."""

_LONGEST_VALUE = 100
_MOST_VALUES = 20


class AllowListLogger:
    """The logger of Powertools, limited to the fields of an allow-list."""

    def __init__(self) -> None:
        self._logger = Logger()

    def info(self, message: str, **fields: Any) -> None:
        self._logger.info(message, extra=self._checked(fields), stacklevel=3)

    def warning(self, message: str, **fields: Any) -> None:
        self._logger.warning(message, extra=self._checked(fields), stacklevel=3)

    def error(self, message: str, **fields: Any) -> None:
        self._logger.error(message, extra=self._checked(fields), stacklevel=3)

    def crash(self, message: str, error: BaseException, **fields: Any) -> None:
        """Log the type and location of an unexpected error, but not its text, which may quote a body or a link."""
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        place = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}" if traceback else "unknown"
        self.error(message, error_type=type(error).__name__, reason=place, **fields)

    @staticmethod
    def _checked(fields: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(fields) - _FIELDS:
            raise ValueError(f"unknown log field: {', '.join(sorted(unknown))}")
        return {name: _shortened(value) for name, value in fields.items() if value is not None}


def _shortened(value: Any) -> Any:
    """The value with limited length, because callers choose the names of parameters and keys."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "…"
    if isinstance(value, (list, tuple)):
        return [_shortened(part) for part in value[:_MOST_VALUES]]
    return value


logger = AllowListLogger()
metrics = Metrics()

__all__ = ["MetricUnit", "logger", "metrics"]
