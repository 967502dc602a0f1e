"""The counts of a batch are the sums over its chunks, also if events are repeated, late or out of order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tarmac.inbox.batch import (
    ACCEPT_SECONDS,
    ACCEPTED_STAGE,
    ENDED_STAGE,
    LINES_PER_CHUNK,
    Batch,
    Chunk,
    Counts,
    Line,
    LineState,
    chunk_number,
    line_of_task,
)
from tarmac.rows import SWEEP_GRACE_SECONDS, Output
from tarmac.tasks.task import State
from tests.fakes.samples import NOW, a_task

ENDINGS = (LineState.SUCCEEDED, LineState.FAILED, LineState.CANCELLED)


def accepted(number: int) -> Line:
    return Line(number, LineState.ACCEPTED, f"task-{number}")


def ended(number: int, state: LineState = LineState.SUCCEEDED) -> Line:
    return Line(number, state, f"task-{number}", credits=2.0)


def rejected(number: int) -> Line:
    return Line(number, LineState.REJECTED, reason="ratio: Required")


def a_batch(chunks: int = 1, **changes: object) -> Batch:
    batch = Batch("b", "s3", "upload-1", {"kind": "batch"}, "jsonl", chunks * LINES_PER_CHUNK, chunks, NOW)
    return replace(batch, **changes)  # type: ignore[arg-type]


def test_lines_one_to_twenty_five_are_the_first_chunk() -> None:
    assert [chunk_number(line) for line in (1, 25, 26, 50, 51)] == [1, 1, 2, 2, 3]


def test_a_chunk_counts_as_accepted_and_then_as_settled() -> None:
    chunk = Chunk("b", 1).with_lines([accepted(1), rejected(2)])
    assert chunk.counts == Counts()
    chunk = chunk.with_lines([], is_accepted=True)
    assert chunk.counts == Counts(accepted=1, rejected=1, accepted_chunks=1)
    chunk = chunk.with_lines([ended(1)])
    assert chunk.counts == Counts(1, 1, succeeded=1, credits=2.0, accepted_chunks=1, settled_chunks=1)


def test_known_results_change_nothing() -> None:
    chunk = Chunk("b", 1).with_lines([accepted(1), ended(2), rejected(3)], is_accepted=True)
    assert chunk.with_lines([accepted(1), accepted(2), rejected(3)], is_accepted=True) is chunk
    assert chunk.with_lines([]) is chunk


def test_a_task_replaces_a_rejection_of_its_line() -> None:
    """Two invocations process the same message: one has no tries left for the line, the other makes its task."""
    chunk = Chunk("b", 1).with_lines([rejected(1)], is_accepted=True).with_lines([ended(1)])
    assert chunk.counts == Counts(accepted=1, succeeded=1, credits=2.0, accepted_chunks=1, settled_chunks=1)


@given(st.data())
def test_counts_are_those_of_the_lines_in_any_order_of_events(data: st.DataObject) -> None:
    """Acceptance may be recorded after the ending, repeatedly and in parts; the differences add up to the counts."""
    endings = {n: data.draw(st.sampled_from([None, *ENDINGS]), label=f"line {n}") for n in range(1, 6)}
    judged = [rejected(n) if state is None else accepted(n) for n, state in endings.items()]
    news: list[tuple[list[Line], bool]] = [([ended(n, state)], False) for n, state in endings.items() if state]
    news += [([line], False) for line in judged[:2]] + [(judged, True), (judged, True)]
    news += data.draw(st.lists(st.sampled_from(news), max_size=5), label="again")
    chunk, total = Chunk("b", 1), Counts()
    for lines, is_accepted in data.draw(st.permutations(news), label="order"):
        after = chunk.with_lines(lines, is_accepted)
        total = total.plus(after.counts.plus(chunk.counts, -1))
        chunk = after
    of = [state for state in endings.values() if state]
    assert (
        total
        == chunk.counts
        == Counts(
            accepted=len(of),
            rejected=5 - len(of),
            succeeded=of.count(LineState.SUCCEEDED),
            failed=of.count(LineState.FAILED),
            cancelled=of.count(LineState.CANCELLED),
            credits=2.0 * len(of),
            accepted_chunks=1,
            settled_chunks=1,
        )
    )


def test_a_batch_goes_through_its_stages_and_needs_attention_until_each_is_published() -> None:
    batch = a_batch(40)
    assert (batch.stage, batch.status, batch.needs_attention) == (0, "ACCEPTING", True)
    batch = batch.counted(NOW, 1.0, Counts(accepted=1000, accepted_chunks=40))
    assert (batch.stage, batch.status, batch.needs_attention) == (ACCEPTED_STAGE, "RUNNING", True)
    batch = batch.with_published_stage(NOW, 1.0, ACCEPTED_STAGE)
    assert not batch.needs_attention
    assert batch.with_published_stage(NOW, 1.0, ACCEPTED_STAGE) is batch
    stages = []
    for _ in range(40):
        batch = batch.counted(NOW, 1.0, Counts(succeeded=25, settled_chunks=1))
        stages.append(batch.stage)
    assert sorted(set(stages)) == [ACCEPTED_STAGE, 10, 20, 30, 40, 50, 60, 70, 80, 90, ENDED_STAGE]
    assert stages == sorted(stages)
    assert batch.status == "ENDED"


def test_a_line_is_the_same_after_writing_and_reading() -> None:
    line = Line(7, LineState.FAILED, "t", "broken", ({"code": "x"},), "INTERNAL", 2.5, ("a/01.mp4", "a/02.mp4"))
    written = {
        "line": 7,
        "status": "FAILED",
        "taskId": "t",
        "reason": "broken",
        "issues": [{"code": "x"}],
        "failureCode": "INTERNAL",
        "credits": 2.5,
        "outputs": ["a/01.mp4", "a/02.mp4"],
    }
    assert line.as_json() == written
    assert Line.from_json(written) == line
    assert Line(1, LineState.ACCEPTED).as_json() == {"line": 1, "status": "ACCEPTED"}
    assert Line.from_json({"line": 1, "status": "ACCEPTED"}) == Line(1, LineState.ACCEPTED)


def test_a_line_has_the_result_of_its_task() -> None:
    source, outputs = {"line": "7"}, (Output("archive", "a/01.mp4", 1, "ab", "video/mp4"),)
    done = a_task(State.SUCCEEDED, source=source, outputs=outputs, cost_credits=25.0)
    assert line_of_task(done) == Line(7, LineState.SUCCEEDED, done.id, credits=25.0, outputs=("a/01.mp4",))
    failed = a_task(State.FAILED, source=source, outputs=outputs, failure="x" * 301, failure_code="INTERNAL")
    assert line_of_task(failed) == Line(7, LineState.FAILED, failed.id, "x" * 300, failure_code="INTERNAL")
    cancelled = a_task(State.CANCELLED, source=source)
    assert line_of_task(cancelled) == Line(7, LineState.CANCELLED, cancelled.id)
    running = a_task(State.SUBMITTED, source=source)
    assert line_of_task(running) == Line(7, LineState.ACCEPTED, running.id)


def test_each_change_increments_the_version() -> None:
    chunk = Chunk("b", 1).with_lines([accepted(1)])
    tried = chunk.with_try(2).with_try(2).with_try(3)
    assert (chunk.version, tried.version, tried.tries, tried.lines) == (1, 4, {2: 2, 3: 1}, chunk.lines)
    assert tried.with_lines([ended(1)]).version == 5


def test_the_next_check_is_later_while_lines_are_missing() -> None:
    batch = a_batch(2, version=4)
    waiting = batch.repaired(NOW + 5, 0.5)
    assert waiting == replace(batch, version=5, updated_at=NOW + 5, next_check_at=NOW + 5 + ACCEPT_SECONDS / 2)
    counts = Counts(accepted_chunks=2)
    assert batch.counted(NOW + 5, 0.5, counts) == replace(
        batch, counts=counts, version=5, updated_at=NOW + 5, next_check_at=NOW + 5 + SWEEP_GRACE_SECONDS / 2
    )
    assert batch.with_published_stage(NOW + 5, 1.0, 1) == replace(
        batch, announced=1, version=5, updated_at=NOW + 5, next_check_at=NOW + 5 + ACCEPT_SECONDS
    )


def test_a_lost_response_is_a_failure_of_its_line() -> None:
    source = {"kind": "batch", "batch": "b", "line": 7}
    line = line_of_task(a_task(State.AMBIGUOUS_FAILED, source=source, failure_code="TARMAC.AMBIGUOUS", failure="lost"))
    assert (line.number, line.state, line.failure_code) == (7, LineState.FAILED, "TARMAC.AMBIGUOUS")
    assert Line.from_json(line.as_json()) == line
