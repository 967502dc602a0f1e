"""The outcome of a step, by which the state machine's Choice states select the next state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Word = Literal["waiting", "running", "ended"]


class NotEnded(Exception):
    """The task or session has not ended yet. The execution fails, and the sweeper starts another one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The next state: `waiting` is Submit after the wait, `running` is Poll after the wait, `ended` is Finish.

    wait_seconds: a whole number, because Step Functions fails an execution on a fraction.
    """

    word: Word
    wait_seconds: int = 0

    def as_state(self, task_id: str) -> dict[str, Any]:
        """Return the output of the state."""
        return {"taskId": task_id, "outcome": self.word, "waitSeconds": self.wait_seconds}


ENDED = Outcome("ended")
OVERTAKEN = Outcome("waiting", 1)
"""Another process has changed the task meanwhile: read it again after a second."""
