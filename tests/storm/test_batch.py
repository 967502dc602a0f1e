"""A thousand lines in one file: a thousand generations and ledger entries, one report. Then the same file again."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.aws_cli import AwsCli
from tests.storm.rig import Rig, rig

LINES = 1000
PATIENCE_SECONDS = 900.0
"""For a busy machine: two idle cores take a minute and a half."""

pytestmark = pytest.mark.xdist_group("storm")


@pytest.fixture
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("batch"), workers=4, time_scale=0.02) as running:
        yield running


def test_a_thousand_lines_become_a_thousand_generations_and_the_same_file_again_none(busy: Rig, tmp_path: Path) -> None:
    aws, bucket = AwsCli(busy.info), f"s3://{busy.info.upload_bucket}"
    file = tmp_path / "thousand.jsonl"
    file.write_text("".join(f"{json.dumps(_request(number))}\n" for number in range(1, LINES + 1)))

    aws.run("s3", "cp", "--only-show-errors", str(file), f"{bucket}/inbox/thousand.jsonl")
    received: list[dict[str, Any]] = []
    ended = _notice(busy, received, "batch.ended")

    assert (ended["batch"]["lines"], ended["batch"]["succeeded"], ended["batch"]["rejected"]) == (LINES, LINES, 0)
    tasks = busy.tasks()
    assert Counter(task.state.value for task in tasks.values()) == {"SUCCEEDED": LINES}
    assert sorted(int(task.source["line"]) for task in tasks.values()) == list(range(1, LINES + 1))
    assert len(busy.simulator("ledger")["creates"]) == LINES
    report = json.loads(busy.archived(ended["batch"]["report"]["key"]))
    assert (report["status"], report["lines"], report["succeeded"]) == ("ENDED", LINES, LINES)
    assert [line["line"] for line in report["results"]] == list(range(1, LINES + 1))
    assert {line["taskId"] for line in report["results"]} == set(tasks)
    assert {key for line in report["results"] for key in line["outputs"]} <= set(busy.archive_keys())
    _all_of(busy, received, lambda notices: sum(each["type"] == "task.succeeded" for each in notices) >= LINES)
    assert len({each["taskId"] for each in received if each["type"] == "task.succeeded"}) == LINES
    assert {each["type"] for each in received} >= {"batch.accepted", "batch.progress", "batch.ended"}

    aws.run("s3", "cp", "--only-show-errors", str(file), f"{bucket}/inbox/again.jsonl")
    repeated = _notice(busy, received, "batch.repeated")

    assert (repeated["batch"]["id"], repeated["source"]["key"]) == (ended["batch"]["id"], "inbox/again.jsonl")
    assert busy.settle() > 0
    assert len(busy.tasks()) == len(busy.simulator("ledger")["creates"]) == LINES


def _request(number: int) -> dict[str, Any]:
    prompt = f"A lamp in the fog, number {number} [[sim: seconds=2]]"
    return {
        "operation": "sound_effect",
        "request": {"model": "eleven_text_to_sound_v2", "promptText": prompt, "duration": 1},
        "metadata": {"number": str(number)},
    }


def _notice(busy: Rig, received: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    _all_of(busy, received, lambda notices: any(each["type"] == kind for each in notices))
    return next(each for each in received if each["type"] == kind)


def _all_of(busy: Rig, received: list[dict[str, Any]], complete: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    received += busy.notices()
    while not complete(received):
        if time.monotonic() > deadline:
            counts = Counter(task.state.value for task in busy.tasks().values())
            pytest.fail(f"received {Counter(each['type'] for each in received)}; tasks {counts}")
        time.sleep(0.3)
        received += busy.notices()
