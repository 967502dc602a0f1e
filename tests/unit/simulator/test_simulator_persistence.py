"""What a simulator remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.simulator import persistence
from local.simulator.config import Config
from local.simulator.directives import parse
from local.simulator.faults import rule_from
from local.simulator.rendering import Clip
from local.simulator.simulator import Simulator

T0 = 1_800_000_000.0


def simulator_at(now: list[float], folder: Path) -> Simulator:
    return Simulator(Config(clock=lambda: now[0], concurrency=1, state_dir=folder))


def accept(simulator: Simulator, directives: str) -> str:
    clip = Clip(1280, 720, 5, None, 0)
    return simulator.accept("/v1/text_to_video", "gen4.5", 60, "0" * 64, parse(directives), clip).id


def test_nothing_changes_by_a_restart(tmp_path: Path) -> None:
    """Waiting, running, cancelled and ended tasks go on as they would have, and so does the queue."""
    now = [T0]
    before = simulator_at(now, tmp_path)
    accept(before, "pending=0, seconds=10")
    accept(before, "pending=5, seconds=100, fail=INTERNAL")
    waiting = accept(before, "pending=1, seconds=10")
    cancelled = accept(before, "pending=0, seconds=10")
    now[0] += 20
    before.delete(cancelled)
    before.open_upload("a.png")
    before.faults.rules.append(rule_from({"directives": "create=lost", "times": 3}))
    before.faults.met["body"] = 2
    now[0] += 1
    persistence.write(tmp_path, persistence.snapshot(before))

    after = simulator_at(now, tmp_path)
    persistence.restore(after, persistence.read(tmp_path) or "")
    assert after.uploads == before.uploads
    assert after.faults.rules == before.faults.rules
    assert after.faults.met == before.faults.met
    assert after.secret == before.secret
    for seconds in (0, 5, 50, 500):
        now[0] += seconds
        assert after.ledger() == before.ledger()
    assert after.tasks == before.tasks
    assert after.tasks[waiting].started_at is not None


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format"):
        persistence.restore(simulator_at([T0], tmp_path), '{"format": 0}')
