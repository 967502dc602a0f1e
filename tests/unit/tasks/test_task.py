"""Conversion of tasks to rows and back."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.clock import Clock, from_iso, to_iso
from tarmac.rows import DUE, NoticeState, Output
from tarmac.tasks.task import State, Task, bump, from_row, to_row
from tarmac.tasks.webhook import Webhook, WebhookState
from tests.fakes.samples import NOW, TASK_ID, a_task

moments = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)
credits = st.floats(0, 1e6)
texts = st.text(max_size=20)
maps = st.dictionaries(st.text(min_size=1, max_size=8), texts, max_size=3)
webhooks = st.builds(
    Webhook,
    texts,
    st.sampled_from(WebhookState),
    st.integers(0, 9),
    st.none() | st.integers(100, 599),
    st.none() | moments,
    st.none() | moments,
)
outputs = st.builds(Output, texts, texts, st.integers(0, 10**13), texts, texts, st.none() | texts)

tasks = st.builds(
    Task,
    id=st.uuids(version=4).map(str),
    client=st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
    operation=texts,
    model=texts,
    created_at=moments,
    deadline_at=moments,
    state=st.sampled_from(State),
    version=st.integers(1, 10**6),
    updated_at=moments,
    ended_at=st.none() | moments,
    source=maps,
    metadata=maps,
    run=st.integers(1, 1000),
    claimable=st.booleans(),
    claimed_retry=st.integers(0, 9),
    retry_claim=st.none() | texts,
    attempt=st.integers(0, 9),
    ambiguous=st.integers(0, 9),
    refusals=st.integers(0, 999),
    failure_retries=st.integers(0, 3),
    claim=st.none() | texts,
    claimed_at=st.none() | moments,
    reserved_credits=credits,
    estimated_credits=st.none() | credits,
    quoted_credits=st.none() | credits,
    cost_credits=st.none() | credits,
    upstream_id=st.none() | texts,
    upstream_status=st.none() | texts,
    progress=st.none() | st.floats(0, 1),
    submitted_at=st.none() | moments,
    started_at=st.none() | moments,
    checked_at=st.none() | moments,
    polls=st.integers(0, 10**4),
    missing=st.integers(0, 9),
    unread=st.integers(0, 999),
    p10_seconds=st.floats(1, 500),
    failure=st.none() | texts,
    failure_code=st.none() | texts,
    outputs=st.lists(outputs, max_size=3).map(tuple),
    node_errors=st.dictionaries(st.text(min_size=1, max_size=8), maps, max_size=2),
    routing=st.dictionaries(st.text(min_size=1, max_size=8), st.none() | texts | maps, max_size=3),
    cancel_requested_at=st.none() | moments,
    hidden_at=st.none() | moments,
    notice_state=st.sampled_from(NoticeState),
    webhook=st.none() | webhooks,
    next_check_at=st.none() | st.floats(0, 4e9),
)


@given(tasks)
def test_a_task_is_read_back_from_its_row(task: Task) -> None:
    found = from_row(to_row(task))
    assert found == (task if task.needs_attention else replace(task, next_check_at=None))


def test_the_strategy_has_every_field() -> None:
    """A field added to Task must be added to the round trip."""
    drawn = {"id", "client", "operation", "model", "created_at", "deadline_at", "state", "version", "updated_at"} | {
        "ended_at", "source", "metadata", "run", "claimable", "claimed_retry", "retry_claim", "attempt", "ambiguous",
        "refusals", "failure_retries", "claim", "claimed_at", "reserved_credits", "estimated_credits", "quoted_credits",
        "cost_credits", "upstream_id", "upstream_status", "progress", "submitted_at", "started_at", "checked_at",
        "polls", "missing", "unread", "p10_seconds", "failure", "failure_code", "outputs",
        "cancel_requested_at", "hidden_at", "notice_state", "webhook", "next_check_at", "node_errors", "routing",
    }  # fmt: skip
    assert {field.name for field in fields(Task)} == drawn


def test_the_attributes_of_a_row() -> None:
    output = Output("archive", "acme/01.mp4", 40, "ab", "video/mp4")
    row = to_row(a_task(State.SUBMITTED, outputs=(output,), metadata={"order": "7"}, progress=0.0))
    assert row == {
        "pk": f"task#{TASK_ID}",
        "sk": "task",
        "taskId": TASK_ID,
        "client": "acme",
        "listKey": f"2023-11-14T22:13:20.000Z#{TASK_ID}",
        "due": DUE.shard_of(TASK_ID),
        "nextCheckAt": NOW,
        "operation": "image_to_video",
        "model": "gen4_turbo",
        "createdAt": "2023-11-14T22:13:20.000Z",
        "updatedAt": "2023-11-14T22:13:20.000Z",
        "deadlineAt": "2023-11-14T23:13:20.000Z",
        "submittedAt": "2023-11-14T22:13:20.000Z",
        "state": "SUBMITTED",
        "version": 3,
        "source": {"kind": "api"},
        "metadata": {"order": "7"},
        "run": 1,
        "claimable": False,
        "claimedRetry": 0,
        "attempt": 1,
        "ambiguous": 0,
        "refusals": 0,
        "failureRetries": 0,
        "reservedCredits": 25.0,
        "estimatedCredits": 25.0,
        "upstreamId": "up-1",
        "upstreamStatus": "PENDING",
        "progress": 0.0,
        "polls": 0,
        "missing": 0,
        "unread": 0,
        "p10Seconds": 30.0,
        "outputs": [
            {"bucket": "archive", "key": "acme/01.mp4", "bytes": 40, "sha256": "ab", "contentType": "video/mp4"}
        ],
        "noticeState": "NONE",
    }


def test_a_row_of_another_kind_raises_key_error() -> None:
    with pytest.raises(KeyError):
        from_row({"pk": "key#1", "sk": "key", "clientId": "acme"})


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("notice", NoticeState)
def test_a_row_is_due_while_it_needs_attention(state: State, notice: NoticeState) -> None:
    row = to_row(a_task(state, notice_state=notice))
    assert ("due" in row) == (not state.is_terminal or notice is NoticeState.PENDING)
    assert ("nextCheckAt" in row) == ("due" in row)


def test_tasks_spread_over_all_shards() -> None:
    shards = [DUE.shard_of(f"task-{n}") for n in range(1600)]
    assert set(shards) == {f"due#{n}" for n in range(DUE.count)}
    assert max(shards.count(shard) for shard in set(shards)) < 1600 / DUE.count * 1.5


def test_every_change_is_a_new_version() -> None:
    changed = bump(a_task(version=3), NOW + 1, polls=4)
    assert (changed.version, changed.updated_at, changed.polls) == (4, NOW + 1, 4)


@given(moments)
def test_times_are_read_back_from_iso(moment: float) -> None:
    assert from_iso(to_iso(moment)) == moment


@given(moments, moments)
def test_iso_times_sort_by_time(one: float, other: float) -> None:
    assert (to_iso(one) < to_iso(other)) == (one < other)


class TestClock:
    def test_counts_runways_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = Clock(scale=0.05)
        monkeypatch.setattr(clock, "now", lambda: NOW)
        assert clock.elapsed(NOW - 1) == 20.0
        assert clock.after(20) == NOW + 1

    def test_never_counts_backwards(self) -> None:
        clock = Clock(scale=1)
        assert clock.elapsed(clock.now() + 100) == 0.0

    def test_takes_its_scale_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert Clock().scale == 1.0
        monkeypatch.setenv("TIME_SCALE", "0.05")
        assert Clock().scale == 0.05

    def test_returns_whole_milliseconds(self) -> None:
        now = Clock(scale=1).now()
        assert from_iso(to_iso(now)) == now
