"""Batches: each line becomes one task or is rejected, a repeated file starts none, and the report lists the results."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.inbox import batch as batch_rules
from tarmac.inbox.accept_upload import accept_upload
from tarmac.inbox.batch import ACCEPT_SECONDS, MOST_TRIES
from tarmac.inbox.keys import task_id_of_line
from tarmac.inbox.open_batch import OpenedBatch
from tarmac.inbox.rejections import Rejected
from tarmac.inbox.run_batch import BatchSettings, run_batch
from tarmac.inbox.upload import Upload, UploadDefaults
from tarmac.ports import Put
from tarmac.rows import SWEEP_GRACE_SECONDS
from tarmac.tasks.moves import Moves
from tarmac.tasks.orders import AllowLists
from tests.fakes import World
from tests.fakes.composed import announce, sweep
from tests.fakes.samples import NOW, data_uri
from tests.fakes.stories import DEADLINE_SECONDS

DEFAULTS = UploadDefaults("s3", "gen4_turbo", "", "1280:720", 5, DEADLINE_SECONDS, AllowLists())
SETTINGS = BatchSettings(172_800.0)
REQUEST = {"model": "veo3.1_fast", "promptText": "A harbour", "ratio": "1280:720", "duration": 4}


def line(**changes: Any) -> dict[str, Any]:
    return {"operation": "text_to_video", "request": REQUEST | changes}


def lines(*requests: Any) -> bytes:
    return b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in requests)


def drop(world: World, content: bytes, key: str = "inbox/batch.jsonl", sequencer: str = "01", **about: str) -> Any:
    world.uploads.put(key, content, "text/plain", {f"tarmac-{name}": value for name, value in about.items()})
    etag = world.uploads.head(key).etag
    return accept_upload(Upload("uploads", key, None, sequencer, NOW, etag), world, DEFAULTS)


def run_all(world: World, receives: int = 1) -> list[int | None]:
    """Process the queue until it is empty."""
    waits = []
    while world.batch_queue.sent:
        waits.append(run_batch(json.loads(world.batch_queue.sent.pop(0)), receives, world, SETTINGS))
    return waits


def end(world: World, task_id: str, failure: str | None = None) -> None:
    """End a task without an attempt, and publish its notice as FinishTask does."""
    if failure is None:
        world.tasks.move(task_id, Moves.cancel, None, 0.0)
    else:
        world.tasks.move(task_id, Moves.fail, None, failure, "It went wrong.", 0.0)
    announce(world.tasks.get(task_id), world)


def tasks(world: World) -> list[str]:
    return sorted(row["taskId"] for (_, sk), row in world.table.rows.items() if sk == "task")


def notices(world: World, kind: str) -> list[dict[str, Any]]:
    found = [json.loads(message) for message, attributes in world.topic.published if attributes["type"] == kind]
    return list({notice["eventId"]: notice for notice in found}.values())


def report(world: World) -> dict[str, Any]:
    [key] = [key for key in world.archive.objects if key.endswith("/report.json")]
    found: dict[str, Any] = json.loads(world.archive.open(key).read())
    return found


def test_a_line_becomes_a_task(world: World) -> None:
    found = drop(world, lines(line(), b"\n", {**line(duration=6), "metadata": {"shot": "2"}}))
    assert isinstance(found, OpenedBatch)
    assert (found.is_new, found.batch.lines) == (True, 2)
    assert tasks(world) == [], "AcceptUpload itself starts no task"
    assert run_all(world) == [None]
    wanted = {number: task_id_of_line(found.batch.id, number) for number in (1, 3)}
    assert tasks(world) == sorted(wanted.values())
    assert set(world.executions.started) == set(wanted.values())
    third = world.tasks.get(wanted[3])
    assert (third.client, third.metadata) == ("s3", {"shot": "2"})
    assert third.source == {
        "kind": "batch",
        "bucket": "uploads",
        "key": "inbox/batch.jsonl",
        "batch": found.batch.id,
        "line": 3,
    }
    assert third.deadline_at == NOW + SETTINGS.deadline_seconds
    assert world.tasks.request(third.id)["body"] == REQUEST | {"duration": 6}
    assert world.uploads.tagged == {"inbox/batch.jsonl": {"tarmac-task": f"batch:{found.batch.id}"}}


def test_an_invalid_line_is_rejected_with_its_number_and_reason(world: World) -> None:
    drop(
        world,
        lines(line(), b"{\n", line(ratio="16:9"), {"operation": "text_to_gold", "request": {}}, b"[1]\n", line(seed=1)),
    )
    run_all(world)
    results = {result["line"]: result for result in report(world)["results"]}
    assert [results[n]["status"] for n in range(1, 7)] == ["ACCEPTED", *["REJECTED"] * 4, "ACCEPTED"]
    assert "not JSON" in results[2]["reason"]
    assert results[3]["issues"][0]["path"] == ["ratio"]
    assert "text_to_gold" in results[4]["reason"]
    assert "must be a JSON object" in results[5]["reason"]
    assert len(tasks(world)) == 2
    [notice] = notices(world, "batch.accepted")
    assert {name: notice["batch"][name] for name in ("lines", "accepted", "rejected", "ended")} == {
        "lines": 6,
        "accepted": 2,
        "rejected": 4,
        "ended": 0,
    }
    assert notice["batch"]["report"] == {"bucket": "archive", "key": next(iter(world.archive.objects))}


def test_a_batch_with_only_rejected_lines_ends(world: World) -> None:
    drop(world, lines(line(ratio="16:9")))
    run_all(world)
    assert report(world)["status"] == "ENDED"
    assert len(notices(world, "batch.accepted")) == len(notices(world, "batch.ended")) == 1


def test_the_report_contains_the_result_of_each_line(world: World) -> None:
    found = drop(world, lines(line(), line(seed=1), line(ratio="16:9")))
    run_all(world)
    first, second = (task_id_of_line(found.batch.id, number) for number in (1, 2))
    end(world, first)
    run_all(world)
    assert notices(world, "batch.ended") == []
    end(world, second, "INTERNAL")
    run_all(world)
    assert [(result["status"], result.get("failureCode")) for result in report(world)["results"]] == [
        ("CANCELLED", None),
        ("FAILED", "INTERNAL"),
        ("REJECTED", None),
    ]
    assert report(world)["status"] == "ENDED"
    [notice] = notices(world, "batch.ended")
    assert {name: notice["batch"][name] for name in ("accepted", "rejected", "failed", "cancelled")} == {
        "accepted": 2,
        "rejected": 1,
        "failed": 1,
        "cancelled": 1,
    }
    assert notice["eventId"] == f"{found.batch.id}-ended"


def test_the_same_bytes_start_nothing_and_are_reported_in_a_notice(world: World) -> None:
    content = lines(*(line(seed=n) for n in range(60)))
    first = drop(world, content)
    run_all(world)
    assert len(tasks(world)) == 60
    again = drop(world, content, key="inbox/copy.jsonl", sequencer="02")
    run_all(world)
    assert (again.batch.id, again.is_new, len(tasks(world))) == (first.batch.id, False, 60)
    [notice] = notices(world, "batch.repeated")
    assert (notice["source"]["key"], notice["batch"]["accepted"]) == ("inbox/copy.jsonl", 60)


def test_a_repeated_event_publishes_no_notice(world: World) -> None:
    content = lines(line())
    for _ in range(3):
        drop(world, content)
        run_all(world)
    assert len(tasks(world)) == 1
    assert notices(world, "batch.repeated") == []


def test_a_repeated_event_of_a_deleted_file_returns_its_batch(world: World) -> None:
    """For the file that opened the batch, and for one with the same content."""
    content = lines(line())
    first, second = drop(world, content), drop(world, content, key="inbox/copy.jsonl", sequencer="02")
    run_all(world)
    published = len(world.topic.published)
    for key, sequencer in (("inbox/batch.jsonl", "01"), ("inbox/copy.jsonl", "02")):
        world.uploads.delete(key)
        again = accept_upload(Upload("uploads", key, None, sequencer, NOW, "etag"), world, DEFAULTS)
        assert isinstance(again, OpenedBatch)
        assert again.batch.id == first.batch.id == second.batch.id
    assert len(world.topic.published) == published
    assert len(tasks(world)) == 1


def test_another_name_makes_another_batch_of_the_same_lines(world: World) -> None:
    content = lines(line())
    ids = {drop(world, content, sequencer=name, batch=name).batch.id for name in ("", "monday", "tuesday")}
    assert len(ids) == 3
    run_all(world)
    assert len(tasks(world)) == 3


def test_another_preset_makes_another_batch_of_the_same_lines(world: World) -> None:
    content = lines({"request": {"promptText": "A harbour"}})
    for duration in (4, 6):
        template = {"operation": "text_to_video", "request": REQUEST | {"duration": duration}}
        world.uploads.put("presets/short.json", json.dumps(template).encode(), "application/json")
        drop(world, content, key="inbox/short/a.jsonl", sequencer=str(duration))
        # The batch uses the preset as it was when the file arrived.
        world.uploads.delete("presets/short.json")
    run_all(world)
    durations = Counter(world.tasks.request(task_id)["body"]["duration"] for task_id in tasks(world))
    assert durations == {4: 1, 6: 1}


def test_cells_of_a_table_have_the_types_of_the_catalogue(world: World) -> None:
    table = (
        "operation,model,promptText,ratio,duration,seed,audio,metadata.shot,webhookUrl\r\n"
        'text_to_video,veo3.1_fast,"Möwen, ""ruhig""\nam Hafen",1280:720,4,,true,7,https://example.com/hook\r\n'
        "text_to_video,veo3.1_fast,Boote,1280:720,vier,,,,\r\n"
        "text_to_speech,eleven_multilingual_v2,Hallo,,,,,,\r\n"
    )
    found = drop(world, table.encode(), key="inbox/Batch.CSV")
    run_all(world)
    task = world.tasks.get(task_id_of_line(found.batch.id, 2))
    assert world.tasks.request(task.id)["body"] == {
        "model": "veo3.1_fast",
        "promptText": 'Möwen, "ruhig"\nam Hafen',
        "ratio": "1280:720",
        "duration": 4,
        "audio": True,
    }
    assert (task.metadata, task.webhook and task.webhook.url) == ({"shot": "7"}, "https://example.com/hook")
    results = report(world)["results"]
    assert [(result["line"], result["status"]) for result in results] == [
        (2, "ACCEPTED"),
        (4, "REJECTED"),
        (5, "REJECTED"),
    ]
    assert "duration: Expected one of" in results[1]["reason"]
    assert "voice" in results[2]["reason"]


def test_a_table_in_the_folder_of_a_preset_needs_only_what_differs(world: World) -> None:
    template = {
        "operation": "text_to_speech",
        "request": {"model": "eleven_multilingual_v2", "voice": {"type": "runway-preset", "presetId": "Maya"}},
        "metadata": {"film": "one"},
    }
    world.uploads.put("presets/voices.json", json.dumps(template).encode(), "application/json")
    table = "promptText;voice.presetId;metadata.shot\nHallo;;1\nTschüs;Arjun;2\n"
    drop(world, table.encode(), key="inbox/voices/lines.csv")
    run_all(world)
    bodies = [world.tasks.request(task_id)["body"] for task_id in tasks(world)]
    assert {(body["promptText"], body["voice"]["presetId"]) for body in bodies} == {
        ("Hallo", "Maya"),
        ("Tschüs", "Arjun"),
    }
    assert all(world.tasks.get(task_id).metadata["film"] == "one" for task_id in tasks(world))


def test_an_inline_file_of_a_line_is_stored(world: World) -> None:
    request = {"model": "gen4_turbo", "promptImage": data_uri(), "ratio": "1280:720", "duration": 5}
    drop(world, lines({"operation": "image_to_video", "request": request}))
    run_all(world)
    [task_id] = tasks(world)
    assert world.uploads.open(f"inputs/{task_id}/01.png").read()


def test_an_invalid_file_is_rejected_as_a_whole(world: World) -> None:
    found = drop(world, b'promptText\n"never closed\n', key="inbox/a.csv")
    assert isinstance(found, Rejected)
    assert "from line 2 on" in found.reason
    assert "failed/inbox/a.csv.json" in world.uploads.objects
    assert (tasks(world), world.batch_queue.sent) == ([], [])


def test_lines_are_read_from_a_copy(world: World) -> None:
    """The object may be overwritten or deleted as soon as its event has been processed."""
    drop(world, lines(line()))
    world.uploads.delete("inbox/batch.jsonl")
    run_all(world)
    assert len(tasks(world)) == 1


class Broken(Exception):
    pass


def broken(world: World, faults: list[bool | None]) -> World:
    """Make writes, messages and starts fail. faults: one for each call: False before it, True after it, or None."""

    def wrap(holder: Any, name: str) -> None:
        work = getattr(holder, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            fault = faults.pop(0) if faults else None
            if fault is False:
                raise Broken(name)
            done = work(*args, **kwargs)
            if fault is True:
                raise Broken(name)
            return done

        setattr(holder, name, call)

    for holder, name in (
        (world.table, "write"),
        (world.batch_queue, "send_all"),
        (world.batch_queue, "send"),
        (world.executions, "start"),
        (world.topic, "publish"),
        (world.uploads, "put"),
        (world.uploads, "put_new"),
        (world.archive, "replace"),
    ):
        wrap(holder, name)
    return world


LINES = 12
"""Three chunks of four."""


@given(
    st.lists(st.sampled_from([None, None, None, False, True]), max_size=60),
    st.lists(st.booleans(), max_size=20),
    st.randoms(use_true_random=False),
)
def test_under_any_faults_each_line_is_started_once(faults: list[bool | None], repeats: list[bool], order: Any) -> None:
    """Calls fail before or after their effect, messages are repeated and reordered, and the sweeper runs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch_rules, "LINES_PER_CHUNK", 4)
        _through_faults(broken(World(), faults), faults, repeats, order)


def _through_faults(world: World, faults: list[bool | None], repeats: list[bool], order: Any) -> None:
    content = lines(*(line(seed=n) if n % 5 else line(ratio="16:9") for n in range(1, LINES + 1)))
    for _ in range(3):
        try:
            found = drop(world, content)
            break
        except Broken:
            continue
    else:
        faults.clear()
        found = drop(world, content)
    receives: Counter[str] = Counter()
    for _ in range(400):
        if not world.batch_queue.sent:
            world.clock.advance(ACCEPT_SECONDS + SWEEP_GRACE_SECONDS + 1)
            try:
                sweep(world)
            except Broken:
                continue
            open_ids = [task_id for task_id in tasks(world) if not world.tasks.get(task_id).state.is_terminal]
            for task_id in open_ids[:: 1 + order.randrange(3)]:
                try:
                    end(world, task_id, "INTERNAL" if order.random() < 0.3 else None)
                except Broken:
                    continue
            if not world.batch_queue.sent and not open_ids:
                batch = json.loads(json.dumps(world.table.rows["batch#" + found.batch.id, "batch"]))
                if "due" not in batch:
                    break
            continue
        message = world.batch_queue.sent.pop(order.randrange(len(world.batch_queue.sent)))
        if repeats and repeats.pop():
            world.batch_queue.sent.append(message)
        receives[message] += 1
        try:
            wait = run_batch(json.loads(message), receives[message], world, SETTINGS)
        except Broken:
            wait = 1
        if wait is not None:
            world.batch_queue.sent.append(message)
    accepted = [n for n in range(1, LINES + 1) if n % 5]
    assert tasks(world) == sorted(task_id_of_line(found.batch.id, n) for n in accepted)
    assert {name[:36] for name in world.executions.started} <= set(tasks(world))
    summary = report(world)
    assert (summary["status"], summary["lines"], summary["accepted"], summary["rejected"]) == ("ENDED", LINES, 10, 2)
    assert [result["line"] for result in summary["results"]] == list(range(1, LINES + 1))
    assert summary["failed"] + summary["cancelled"] == 10
    [ended] = notices(world, "batch.ended")
    assert ended["batch"]["failed"] + ended["batch"]["cancelled"] == 10
    assert len(notices(world, "batch.accepted")) == 1


@pytest.mark.slow
def test_ten_thousand_lines_with_repeated_and_shuffled_messages_are_ten_thousand_tasks(world: World) -> None:
    found = drop(world, lines(*(line(seed=n) for n in range(10_000))))
    messages = world.batch_queue.sent * 2
    random.Random(1).shuffle(messages)
    world.batch_queue.sent.clear()
    for message in messages:
        assert run_batch(json.loads(message), 1, world, SETTINGS) is None
    wanted = {task_id_of_line(found.batch.id, number) for number in range(1, 10_001)}
    assert set(tasks(world)) == set(world.executions.started) == wanted
    assert {result["taskId"] for result in report(world)["results"]} == wanted
    assert report(world)["accepted"] == 10_000
    assert len(notices(world, "batch.accepted")) == 1


def test_a_line_that_tarmac_fails_on_is_rejected_after_most_tries(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other lines of its chunk are accepted."""
    create = world.table.write
    found = drop(world, lines(line(), line(seed=13), line(seed=14)))
    poisoned = task_id_of_line(found.batch.id, 2)

    def write(*puts: Put) -> None:
        if any(put.row.get("taskId") == poisoned for put in puts):
            raise RuntimeError("a fault")
        create(*puts)

    monkeypatch.setattr(world.table, "write", write)
    [message] = world.batch_queue.sent
    waits = [run_batch(json.loads(message), receives, world, SETTINGS) for receives in range(1, MOST_TRIES + 3)]
    assert waits[0] == 15
    assert all(later > earlier for earlier, later in itertools.pairwise(waits[:5]))  # type: ignore[operator]
    assert waits[-1] is None
    assert waits.count(None) == 1
    assert len(tasks(world)) == 2
    assert [result["status"] for result in report(world)["results"]] == ["ACCEPTED", "REJECTED", "ACCEPTED"]


def test_a_line_that_crashes_the_function_uses_up_tries(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After running out of memory or time, the function can write nothing, so each try is counted before it begins."""
    found = drop(world, lines(line(), line(seed=13), line(seed=14)))
    [message] = world.batch_queue.sent
    start = world.executions.start

    class Killed(BaseException):
        pass

    def killing(name: str, execution_input: str) -> None:
        if name == task_id_of_line(found.batch.id, 2):
            raise Killed
        start(name, execution_input)

    monkeypatch.setattr(world.executions, "start", killing)
    for receives in range(1, MOST_TRIES + 2):
        with pytest.raises(Killed):
            run_batch(json.loads(message), receives, world, SETTINGS)
    # It is not rejected, because its task row exists; the sweeper starts it.
    with pytest.raises(Killed):
        run_batch(json.loads(message), MOST_TRIES + 2, world, SETTINGS)
    monkeypatch.setattr(world.executions, "start", start)
    assert run_batch(json.loads(message), MOST_TRIES + 3, world, SETTINGS) is None
    assert [result["status"] for result in report(world)["results"]] == ["ACCEPTED"] * 3


def test_a_slow_writer_does_not_replace_a_newer_report(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = drop(world, lines(line()))
    [message] = world.batch_queue.sent
    replace = world.archive.replace
    interrupted: list[Any] = []

    def late(key: str, content: bytes, content_type: str, over: str | None) -> None:
        if not interrupted:
            interrupted.append(key)
            end(world, task_id_of_line(found.batch.id, 1))
            world.batch_queue.sent.remove(message)
            run_all(world)
        replace(key, content, content_type, over)

    monkeypatch.setattr(world.archive, "replace", late)
    run_batch(json.loads(message), 1, world, SETTINGS)
    assert report(world)["status"] == "ENDED"


def test_a_message_of_an_unknown_batch_is_dropped(world: World) -> None:
    assert run_batch({"batch": "gone", "chunk": 1}, 1, world, SETTINGS) is None


def test_the_sweeper_queues_missing_chunks(world: World) -> None:
    found = drop(world, lines(*(line(seed=n) for n in range(60))))
    world.batch_queue.sent.clear()
    sweep(world)
    assert world.batch_queue.sent == []
    world.clock.advance(ACCEPT_SECONDS + 1)
    assert sweep(world).batches == 1
    assert sweep(world).batches == 0, "only when it is due again"
    assert world.batch_queue.sent == [json.dumps({"batch": found.batch.id}, separators=(",", ":"))]
    run_all(world)
    assert len(tasks(world)) == 60
