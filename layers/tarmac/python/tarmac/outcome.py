"""What a step returns to the state machine: data that its Choice states route by, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Word = Literal["waiting", "running", "ended"]


class NotEnded(Exception):
    """Finish cannot end a task or session that is under way: the execution fails and the sweeper starts another."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`waiting`: back to Submit after the wait. `running`: to Poll after the wait. `ended`: on to Finish.

    wait_seconds is whole: Step Functions fails an execution on a fraction.
    """

    word: Word
    wait_seconds: int = 0

    def as_state(self, task_id: str) -> dict[str, Any]:
        return {"taskId": task_id, "outcome": self.word, "waitSeconds": self.wait_seconds}


ENDED = Outcome("ended")
OVERTAKEN = Outcome("waiting", 1)
"""Another process has moved the task meanwhile: its new state decides a second later."""
