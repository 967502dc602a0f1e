"""What a step tells the state machine: data that its Choice states route by, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Word = Literal["waiting", "running", "ended"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`waiting`: back to Submit after the wait. `running`: to Poll after the wait. `ended`: on to Finish.

    wait_seconds is whole: Step Functions kills an execution on a fraction.
    """

    word: Word
    wait_seconds: int = 0

    def as_state(self, task_id: str) -> dict[str, Any]:
        return {"taskId": task_id, "outcome": self.word, "waitSeconds": self.wait_seconds}


ENDED = Outcome("ended")
