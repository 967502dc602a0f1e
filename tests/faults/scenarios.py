"""What the client, Runway and the clock do when nothing goes wrong: the baselines that schedules deviate from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.samples import data_uri
from tests.faults.upstream import Life

EntryPoint = Literal["api", "s3", "console"]

BODY: dict[str, Any] = {
    "model": "gen4_turbo",
    "promptImage": "https://images.example.com/harbour.png",
    "promptText": "Boats leave the harbour",
    "ratio": "1280:720",
    "duration": 5,
}
INLINE = BODY | {"promptImage": data_uri()}
ANOTHER = {"promptText": "Trains leave the station"}
DONE = Life()


@dataclass(frozen=True, slots=True)
class Scenario:
    """`lives`: the course of the first, second, … generation; the last applies to all that follow. Times in seconds
    since the start; `turns` always happen, at their times."""

    name: str
    entry_point: EntryPoint = "api"
    lives: tuple[Life, ...] = (DONE,)
    body: dict[str, Any] = field(default_factory=lambda: BODY)
    metadata: dict[str, str] = field(default_factory=dict)
    turns: tuple[tuple[float, str], ...] = ()
    deadline_seconds: float = 1800.0
    idempotency_key: str | None = None
    webhook_url: str | None = None


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("api success", lives=(Life(outputs=2),)),
        Scenario("inline input", body=INLINE),
        Scenario("webhook", webhook_url="https://hooks.example.com/tarmac", lives=(Life(running_seconds=8.0),)),
        Scenario("idempotency key", idempotency_key="order-7", turns=((20.0, "again"),)),
        Scenario("two bodies under one key", idempotency_key="order-7", turns=((0.0, "another"), (20.0, "again"))),
        Scenario("a retry of its own", turns=((0.0, "another"), (3.0, "again"))),
        Scenario("s3 success", entry_point="s3", turns=((0.0, "again"),)),
        Scenario("s3 rejected", entry_point="s3", metadata={"tarmac-duration": "five"}, turns=((3.0, "again"),)),
        Scenario("console success", entry_point="console"),
        Scenario("failed for good", lives=(Life(failure="SAFETY.INPUT.TEXT"),)),
        Scenario("failed, retried", lives=(Life(failure="INTERNAL"), DONE)),
        Scenario("failed twice", lives=(Life(failure=""), Life(failure="INTERNAL.BAD_OUTPUT.01"), DONE)),
        Scenario("throttled", lives=(Life(queued_seconds=160.0, throttled=True),)),
        Scenario("cancelled early", turns=((5.0, "cancel"),)),
        Scenario("cancelled running", turns=((17.0, "cancel"),)),
        Scenario("cancelled late", turns=((25.0, "cancel"),)),
        Scenario("deadline", lives=(Life(running_seconds=3000.0),), deadline_seconds=50.0),
        Scenario("deadline just met", deadline_seconds=25.0),
    )
}
