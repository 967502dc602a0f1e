"""Moves of tasks: each move from each state, and random walks that never break the invariants."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.rows import SWEEP_GRACE_SECONDS, NoticeState, Output, TransitionRefused, check_step
from tarmac.tasks.moves import CLAIM_LEASE_SECONDS, FOLLOWS, Moves, expected_credits
from tarmac.tasks.task import TERMINAL, State, Task, to_row
from tarmac.tasks.webhook import Webhook, WebhookState
from tests.fakes.samples import NOW, a_task

Move = Callable[[Moves, Task], Task]

OUTPUT = Output("archive", "acme/2023/11/14/t/01.mp4", 1000, "ab" * 32, "video/mp4")
OPEN = frozenset(State) - TERMINAL
UNCLAIMED = frozenset({State.ACCEPTED, State.WAITING})
CLAIMED = frozenset({State.SUBMITTING})
BOUND = frozenset({State.SUBMITTED})

MOVES: dict[str, tuple[Move, frozenset[State]]] = {
    "claim": (lambda m, t: m.claim(t, "new"), UNCLAIMED),
    "postpone": (lambda m, t: m.postpone(t, 30), UNCLAIMED),
    "bind": (lambda m, t: m.bind(t, "token", "up-9", 20.0, 12), CLAIMED),
    "refuse": (lambda m, t: m.refuse(t, "token", 30), CLAIMED),
    "reject": (lambda m, t: m.reject(t, "token", "TARMAC.REJECTED.400", "no"), CLAIMED),
    "mark ambiguous": (lambda m, t: m.mark_ambiguous(t, "token", 0, 60), CLAIMED),
    "mark ambiguous within the budget": (lambda m, t: m.mark_ambiguous(t, "token", 1, 60), CLAIMED),
    "mark ambiguous after the lease": (
        lambda m, t: Moves(m.now + CLAIM_LEASE_SECONDS).mark_ambiguous(t, None, 0, 60),
        CLAIMED,
    ),
    "observe": (lambda m, t: m.observe(t, "up-1", "RUNNING", 0.5, 9), BOUND),
    "poll failed": (lambda m, t: m.poll_failed(t, "up-1", 9), BOUND),
    "poll failed with 404": (lambda m, t: m.poll_failed(t, "up-1", 9, gone=True), BOUND),
    "retry": (lambda m, t: m.retry(t, "up-1", 5.0, 30), BOUND),
    "archived": (lambda m, t: m.archived(t, "up-1", OUTPUT), BOUND),
    "succeed": (lambda m, t: m.succeed(t, "up-1", 25.0), BOUND),
    "fail unsent": (lambda m, t: m.fail(t, None, "TARMAC.DEADLINE", "late", 0.0), UNCLAIMED),
    "fail": (lambda m, t: m.fail(t, "up-1", "INTERNAL", "broken", 0.0), BOUND),
    "cancel unsent": (lambda m, t: m.cancel(t, None, 0.0), UNCLAIMED),
    "cancel": (lambda m, t: m.cancel(t, "up-1", 0.0), BOUND),
    "request cancel": (lambda m, t: m.request_cancel(t), OPEN),
    "hide": (lambda m, t: m.hide(t), TERMINAL),
    "announced": (lambda m, t: m.announced(t), TERMINAL),
    "mark unclaimable": (lambda m, t: m.mark_unclaimable(replace(t, claimable=True)), frozenset(State)),
    "claim for retry": (
        lambda m, t: m.claim_for_retry(replace(t, claimable=True, claimed_retry=0, retry_claim=None), 1, "retry"),
        frozenset(State),
    ),
    "rerun": (lambda m, t: m.rerun(t), OPEN),
    "watch": (lambda m, t: m.watch(t), OPEN),
}

LATER = NOW + 1000
RICH: dict[str, Any] = {
    "run": 3,
    "attempt": 5,
    "ambiguous": 0,
    "refusals": 4,
    "failure_retries": 1,
    "polls": 9,
    "missing": 2,
    "unread": 7,
    "progress": 0.7,
    "checked_at": NOW + 60,
    "quoted_credits": 22.0,
    "outputs": (replace(OUTPUT, key="an earlier one"),),
    "node_errors": {"earlier": "broken"},
    "routing": {"model": "gen4_turbo"},
    "claimable": True,
}
"""A task with a value in every field, which shows the fields that a move changes."""

AMBIGUOUS = frozenset({"mark ambiguous", "mark ambiguous within the budget", "mark ambiguous after the lease"})
ENDING = frozenset(
    {
        "reject",
        "mark ambiguous",
        "mark ambiguous after the lease",
        "succeed",
        "fail",
        "fail unsent",
        "cancel",
        "cancel unsent",
    }
)
OF_A_CLAIM = AMBIGUOUS | {"claim", "bind", "refuse", "reject"}

CHANGED_BY: dict[str, frozenset[str]] = {
    "state": ENDING | OF_A_CLAIM | {"postpone", "retry"},
    "ended_at": ENDING,
    "notice_state": ENDING | {"announced"},
    "failure": frozenset({"fail", "fail unsent", "reject", "mark ambiguous", "mark ambiguous after the lease"}),
    "failure_code": frozenset({"fail", "fail unsent", "reject", "mark ambiguous", "mark ambiguous after the lease"}),
    "claim": OF_A_CLAIM,
    "claimed_at": OF_A_CLAIM,
    "attempt": frozenset({"claim", "refuse"}),
    "ambiguous": AMBIGUOUS,
    "refusals": frozenset({"refuse", "postpone", "bind"}),
    "failure_retries": frozenset({"retry"}),
    "reserved_credits": ENDING - AMBIGUOUS,
    "quoted_credits": frozenset({"bind"}),
    "cost_credits": (ENDING - AMBIGUOUS) | {"retry"},
    "upstream_id": frozenset({"bind", "retry"}),
    "upstream_status": frozenset({"bind", "observe", "retry", "succeed"}),
    "progress": frozenset({"bind", "observe", "retry", "succeed"}),
    "submitted_at": frozenset({"bind"}),
    "started_at": frozenset({"bind", "observe", "retry"}),
    "checked_at": frozenset({"bind", "observe"}),
    "polls": frozenset({"observe", "poll failed", "poll failed with 404"}),
    "missing": frozenset({"bind", "observe", "poll failed", "poll failed with 404"}),
    "unread": frozenset({"bind", "observe", "poll failed", "poll failed with 404"}),
    "outputs": frozenset({"archived", "retry"}),
    "node_errors": frozenset({"succeed", "fail", "fail unsent"}),
    "cancel_requested_at": frozenset({"request cancel"}),
    "hidden_at": frozenset({"hide"}),
    "claimable": frozenset({"mark unclaimable"}),
    "claimed_retry": frozenset({"claim for retry"}),
    "retry_claim": frozenset({"claim for retry"}),
    "run": frozenset({"rerun"}),
    "next_check_at": frozenset(MOVES) - {"request cancel", "hide", "mark unclaimable", "claim for retry"},
}
"""The moves that may change a field. Every move changes version and updated_at; no move changes any other field."""

WAITS = {
    "postpone": 30,
    "refuse": 30,
    "retry": 30,
    "bind": 12,
    "observe": 9,
    "poll failed": 9,
    "poll failed with 404": 9,
    "mark ambiguous within the budget": 60,
}
"""Seconds until a row is due after a move, apart from the sweeper's grace: 0 for every other move."""

NEXT: dict[State, set[State]] = {
    State.ACCEPTED: {State.SUBMITTING, State.WAITING, State.FAILED, State.CANCELLED},
    State.WAITING: {State.SUBMITTING, State.FAILED, State.CANCELLED},
    State.SUBMITTING: {State.SUBMITTED, State.WAITING, State.FAILED, State.AMBIGUOUS_FAILED},
    State.SUBMITTED: {State.WAITING, State.SUCCEEDED, State.FAILED, State.CANCELLED},
}

REASONS: list[tuple[Move, Task, str]] = [
    (MOVES["claim"][0], a_task(State.SUBMITTED), "SUBMITTED cannot be claimed"),
    (MOVES["claim"][0], a_task(cancel_requested_at=NOW), "a cancelled task is never created"),
    (MOVES["claim"][0], a_task(deadline_at=NOW), "a task past its deadline is never created"),
    (MOVES["postpone"][0], a_task(State.SUBMITTED), "SUBMITTED cannot be postponed"),
    (MOVES["bind"][0], a_task(State.SUBMITTING, claim="another"), "another process has the claim, or it has expired"),
    (lambda m, t: m.mark_ambiguous(t, None, 0, 60), a_task(State.SUBMITTING), "the claim has not expired"),
    (MOVES["observe"][0], a_task(), "the row is no longer bound to this generation"),
    (MOVES["fail unsent"][0], a_task(State.SUBMITTING), "SUBMITTING: an attempt was made, or may have been made"),
    (lambda m, t: m.mark_unclaimable(t), a_task(), "the task is not claimable"),
    (MOVES["request cancel"][0], a_task(State.FAILED), "the task has ended or was cancelled before"),
    (MOVES["hide"][0], a_task(), "the task has not ended, or is hidden already"),
    (MOVES["announced"][0], a_task(), "no notice is pending"),
    (MOVES["rerun"][0], a_task(State.FAILED), "the task has ended"),
    (lambda m, t: m.record_delivery(t, 200), a_task(State.FAILED), "no webhook is due"),
]


@pytest.fixture
def moves() -> Moves:
    return Moves(NOW)


@pytest.mark.parametrize("name", MOVES)
def test_each_move_is_possible_from_its_own_states_and_rejected_from_all_others(name: str, moves: Moves) -> None:
    move, allowed = MOVES[name]
    for state in State:
        before = a_task(state)
        if state in allowed:
            after = move(moves, before)
            check_step(FOLLOWS, before, after)
            assert after.version == before.version + 1
            assert after.updated_at >= before.updated_at
        else:
            with pytest.raises(TransitionRefused):
                move(moves, before)


def each_change() -> Iterator[tuple[str, Task, Task]]:
    """(move, before, after) of every move from each of its states, for a task that runs and one that is queued."""
    for name, (move, allowed) in MOVES.items():
        moves = Moves(LATER + CLAIM_LEASE_SECONDS if name == "mark ambiguous after the lease" else LATER)
        for state, started_at in itertools.product(sorted(allowed), (None, NOW + 50)):
            before = a_task(state, **RICH, started_at=started_at)
            yield name, before, move(moves, before)


def test_each_field_changes_in_its_own_moves_and_in_no_other() -> None:
    seen = {
        (field.name, name)
        for name, before, after in each_change()
        for field in fields(Task)
        if getattr(before, field.name) != getattr(after, field.name)
    }
    expected = {(field, name) for field, its_moves in CHANGED_BY.items() for name in its_moves}
    assert seen == expected | {(field, name) for field in ("version", "updated_at") for name in MOVES}


def test_times_are_those_of_the_move() -> None:
    """A time that changes is the time of the move; only when a task began to run is the time of an earlier poll."""
    for name, before, after in each_change():
        for field in (each.name for each in fields(Task) if each.name.endswith("_at")):
            value = getattr(after, field)
            if value == getattr(before, field) or field == "next_check_at" or value is None:
                continue
            expected = before.checked_at if field == "started_at" else after.updated_at
            assert value == expected, (name, field)
        assert (after.claimed_at is None) == (after.claim is None)


def test_counters_go_up_by_one_or_back_to_zero() -> None:
    for name, before, after in each_change():
        for field in ("run", "ambiguous", "failure_retries", "polls", "refusals", "missing", "unread", "attempt"):
            was, now = getattr(before, field), getattr(after, field)
            if field == "attempt" and name == "refuse":
                assert now == was - 1
            elif field not in ("refusals", "missing", "unread"):
                assert now in (was, was + 1), (name, field)
        assert after.refusals == {"postpone": before.refusals + 1, "refuse": before.refusals + 1, "bind": 0}.get(
            name, before.refusals
        ), name
        assert (after.missing, after.unread) == {
            "bind": (0, 0),
            "observe": (0, 0),
            "poll failed": (0, before.unread + 1),
            "poll failed with 404": (before.missing + 1, before.unread + 1),
        }.get(name, (before.missing, before.unread)), name


def test_a_row_is_due_when_its_next_step_is_late() -> None:
    for name, before, after in each_change():
        if after.next_check_at != before.next_check_at and after.needs_attention:
            assert after.next_check_at == after.updated_at + WAITS.get(name, 0) + SWEEP_GRACE_SECONDS, name
    assert Moves(LATER).announced(a_task(State.FAILED)).next_check_at is None


def test_every_ending_releases_claim_and_reservation() -> None:
    """Except an ambiguous one: its credits stay reserved until an operator has checked with Runway."""
    for _, before, after in each_change():
        if after.state.is_terminal and not before.state.is_terminal:
            assert (after.claim, after.notice_state) == (None, NoticeState.PENDING)
            reserved = before.reserved_credits if after.state is State.AMBIGUOUS_FAILED else 0.0
            assert after.reserved_credits == reserved


def test_a_failure_has_its_code_and_message(moves: Moves) -> None:
    failed = moves.fail(a_task(State.SUBMITTED), "up-1", "INTERNAL", "broken", 0.0, {"node": "why"})
    assert (failed.failure_code, failed.failure, failed.node_errors) == ("INTERNAL", "broken", {"node": "why"})
    rejected = moves.reject(a_task(State.SUBMITTING), "token", "TARMAC.REJECTED.400", "no")
    assert (rejected.failure_code, rejected.failure) == ("TARMAC.REJECTED.400", "no")
    assert moves.succeed(a_task(State.SUBMITTED), "up-1", 1.0, {"node": "why"}).node_errors == {"node": "why"}


def test_a_success_has_status_and_progress(moves: Moves) -> None:
    done = moves.succeed(a_task(State.SUBMITTED, upstream_status="RUNNING"), "up-1", 1.0)
    assert (done.upstream_status, done.progress) == ("SUCCEEDED", 1.0)


def test_a_poll_records_what_runway_reported(moves: Moves) -> None:
    seen = moves.observe(a_task(State.SUBMITTED), "up-1", "RUNNING", 0.5, 9)
    assert (seen.upstream_status, seen.progress) == ("RUNNING", 0.5)


@pytest.mark.parametrize(("move", "task", "reason"), REASONS, ids=[reason for _, _, reason in REASONS])
def test_a_rejected_move_has_a_reason(move: Move, task: Task, reason: str, moves: Moves) -> None:
    with pytest.raises(TransitionRefused) as rejected:
        move(moves, task)
    assert str(rejected.value) == reason


def test_each_state_has_these_successors() -> None:
    assert {state: set(following) for state, following in FOLLOWS.items() if following} == NEXT


def test_every_row_that_needs_attention_is_found_by_the_sweeper() -> None:
    """It has not ended, or its notice is pending."""
    for name, before, after in each_change():
        row = to_row(after)
        if not before.state.is_terminal:
            assert after.needs_attention, name
        if after.needs_attention:
            assert row["due"].startswith("due#"), name
            assert row["nextCheckAt"] == after.next_check_at is not None, name
        else:
            assert not {"due", "nextCheckAt"} & row.keys()


def test_a_task_with_a_published_notice_leaves_the_due_index(moves: Moves) -> None:
    row = to_row(moves.announced(a_task(State.SUCCEEDED)))
    assert row["noticeState"] == "SENT"
    assert not {"due", "nextCheckAt"} & row.keys()


def test_a_notice_is_marked_as_published_once(moves: Moves) -> None:
    with pytest.raises(TransitionRefused):
        moves.announced(moves.announced(a_task(State.FAILED)))


def test_terminal_states_have_no_successor() -> None:
    assert all(FOLLOWS[state] == frozenset() for state in TERMINAL)


def test_a_store_accepts_only_allowed_transitions() -> None:
    for before, after in itertools.product(State, State):
        task = a_task(before)
        step = replace(a_task(after), version=task.version + 1)
        if after is before or after in FOLLOWS[before]:
            check_step(FOLLOWS, task, step)
        else:
            with pytest.raises(TransitionRefused):
                check_step(FOLLOWS, task, step)


@pytest.mark.parametrize("version", [2, 3, 5])
def test_a_store_rejects_a_version_that_is_not_the_next(version: int) -> None:
    with pytest.raises(TransitionRefused, match=rf"^version {version} does not follow 3$"):
        check_step(FOLLOWS, a_task(), a_task(version=version))


def test_a_store_rejects_another_task_under_the_same_key() -> None:
    with pytest.raises(TransitionRefused):
        check_step(FOLLOWS, a_task(), a_task(id="another", version=4))


def test_a_store_names_the_states_of_a_rejected_transition() -> None:
    with pytest.raises(TransitionRefused, match=r"^SUCCEEDED does not follow ACCEPTED$"):
        check_step(FOLLOWS, a_task(), a_task(State.SUCCEEDED, version=4))


@pytest.mark.parametrize("state", sorted(UNCLAIMED))
class TestClaim:
    def test_no_create_after_a_cancel(self, state: State, moves: Moves) -> None:
        with pytest.raises(TransitionRefused):
            moves.claim(a_task(state, cancel_requested_at=NOW), "new")

    def test_no_create_at_the_deadline(self, state: State, moves: Moves) -> None:
        with pytest.raises(TransitionRefused):
            moves.claim(a_task(state, deadline_at=NOW), "new")

    def test_a_claim_is_counted_and_held_by_its_token(self, state: State, moves: Moves) -> None:
        claimed = moves.claim(a_task(state, attempt=2, deadline_at=NOW + 0.001), "new")
        assert (claimed.state, claimed.claim, claimed.claimed_at, claimed.attempt) == (
            State.SUBMITTING,
            "new",
            NOW,
            3,
        )
        assert claimed.next_check_at == NOW + SWEEP_GRACE_SECONDS


@pytest.mark.parametrize(
    "move",
    ["bind", "refuse", "reject", "mark ambiguous", "mark ambiguous within the budget"],
    ids=lambda name: str(name),
)
def test_only_the_holder_of_the_claim_may_record_the_result(move: str, moves: Moves) -> None:
    with pytest.raises(TransitionRefused):
        MOVES[move][0](moves, a_task(State.SUBMITTING, claim="another token"))


@pytest.mark.parametrize("move", ["observe", "poll failed", "retry", "archived", "succeed", "fail", "cancel"])
def test_only_the_bound_generation_moves_the_row(move: str, moves: Moves) -> None:
    with pytest.raises(TransitionRefused):
        MOVES[move][0](moves, a_task(State.SUBMITTED, upstream_id="up-2"))


class TestLease:
    def test_a_claim_is_valid_until_its_lease_ends(self) -> None:
        with pytest.raises(TransitionRefused):
            Moves(NOW + CLAIM_LEASE_SECONDS - 0.001).mark_ambiguous(a_task(State.SUBMITTING), None, 0, 60)

    def test_a_claim_expires_at_the_end_of_its_lease(self) -> None:
        lost = Moves(NOW + CLAIM_LEASE_SECONDS).mark_ambiguous(a_task(State.SUBMITTING), None, 0, 60)
        assert lost.state is State.AMBIGUOUS_FAILED

    def test_it_shrinks_with_the_time_scale(self) -> None:
        task = a_task(State.SUBMITTING)
        assert Moves(NOW + CLAIM_LEASE_SECONDS / 20, scale=0.05).lease_is_over(task)
        assert not Moves(NOW + CLAIM_LEASE_SECONDS / 20 - 0.01, scale=0.05).lease_is_over(task)


class TestMarkAmbiguous:
    def test_without_a_budget_a_create_with_a_lost_response_is_not_retried(self, moves: Moves) -> None:
        lost = moves.mark_ambiguous(a_task(State.SUBMITTING), "token", 0, 60)
        assert (lost.state, lost.failure_code, lost.ambiguous) == (State.AMBIGUOUS_FAILED, "TARMAC.AMBIGUOUS", 1)

    def test_credits_that_may_be_spent_stay_reserved(self, moves: Moves) -> None:
        assert moves.mark_ambiguous(a_task(State.SUBMITTING), "token", 0, 60).reserved_credits == 25.0

    def test_each_lost_response_uses_one_retry_of_the_budget(self, moves: Moves) -> None:
        first = moves.mark_ambiguous(a_task(State.SUBMITTING), "token", 2, 60)
        assert (first.state, first.ambiguous, first.claim) == (State.WAITING, 1, None)
        second = moves.mark_ambiguous(moves.claim(first, "token"), "token", 2, 60)
        assert (second.state, second.ambiguous) == (State.WAITING, 2)
        third = moves.mark_ambiguous(moves.claim(second, "token"), "token", 2, 60)
        assert (third.state, third.ambiguous) == (State.AMBIGUOUS_FAILED, 3)

    def test_a_cancelled_task_is_not_retried(self, moves: Moves) -> None:
        lost = moves.mark_ambiguous(a_task(State.SUBMITTING, cancel_requested_at=NOW), "token", 3, 60)
        assert lost.state is State.AMBIGUOUS_FAILED


class TestRecordDelivery:
    @pytest.mark.parametrize(
        ("status", "is_final", "state"),
        [
            (200, False, WebhookState.DELIVERED),
            (204, True, WebhookState.DELIVERED),
            (500, False, WebhookState.PENDING),
            (None, False, WebhookState.PENDING),
            (500, True, WebhookState.FAILED),
            (410, True, WebhookState.FAILED),
        ],
    )
    @pytest.mark.parametrize("earlier", [WebhookState.PENDING, WebhookState.FAILED])
    def test_a_try_is_recorded(
        self, status: int | None, is_final: bool, state: WebhookState, earlier: WebhookState
    ) -> None:
        webhook = Webhook("https://hooks.example.com", earlier, 2, 503, NOW)
        before = a_task(State.FAILED, webhook=webhook)
        after = Moves(LATER).record_delivery(before, status, is_final)
        check_step(FOLLOWS, before, after)
        assert after.webhook == Webhook(
            "https://hooks.example.com", state, 3, status, LATER, LATER if state is WebhookState.DELIVERED else None
        )
        assert replace(after, webhook=webhook) == replace(before, version=4, updated_at=LATER)

    def test_further_tries_follow_by_default(self, moves: Moves) -> None:
        after = moves.record_delivery(a_task(State.FAILED, webhook=Webhook("https://hooks.example.com")), 500)
        assert after.webhook is not None
        assert after.webhook.state is WebhookState.PENDING

    @pytest.mark.parametrize(
        "task",
        [
            a_task(State.FAILED),
            a_task(State.SUBMITTED, webhook=Webhook("https://hooks.example.com")),
            a_task(State.FAILED, webhook=Webhook("https://hooks.example.com", WebhookState.DELIVERED)),
        ],
        ids=["none was asked for", "not ended", "delivered"],
    )
    def test_none_is_due(self, task: Task, moves: Moves) -> None:
        with pytest.raises(TransitionRefused):
            moves.record_delivery(task, 200)


class TestOutputsMayExist:
    @pytest.mark.parametrize(("scale", "seconds"), [(1.0, 48 * 3600.0), (0.05, 48 * 180.0)])
    def test_is_true_for_two_days_after_the_deadline(self, scale: float, seconds: float) -> None:
        task = a_task(State.SUBMITTED, deadline_at=NOW)
        assert Moves(NOW + seconds - 0.001, scale).outputs_may_exist(task)
        assert not Moves(NOW + seconds, scale).outputs_may_exist(task)


def test_another_process_cannot_end_a_valid_claim_or_a_missing_one() -> None:
    for task in (a_task(State.SUBMITTING), a_task(State.ACCEPTED, claimed_at=NOW - 9999.0)):
        with pytest.raises(TransitionRefused):
            Moves(NOW).mark_ambiguous(task, None, 0, 60)
    assert not Moves(NOW + 9999.0).lease_is_over(a_task(State.SUBMITTING, claimed_at=None))


def test_a_retried_claim_or_bind_changes_nothing(moves: Moves) -> None:
    claimed = moves.claim(a_task(), "new")
    assert moves.claim(claimed, "new") is claimed
    bound = moves.bind(claimed, "new", "up-9", None, 12)
    assert moves.bind(bound, "new", "up-9", None, 12) is bound


def test_binding_stores_the_choice_of_a_router_or_leaves_it_as_it_was(moves: Moves) -> None:
    before = a_task(State.SUBMITTING, routing={"model": "gen4.5"})
    assert moves.bind(before, "token", "up-9", None, 12, {"model": "veo3.1"}).routing == {"model": "veo3.1"}
    assert moves.bind(before, "token", "up-9", None, 12).routing == {"model": "gen4.5"}


def test_a_task_that_was_never_polled_began_after_its_create(moves: Moves) -> None:
    task = a_task(State.SUBMITTED, submitted_at=NOW - 90, checked_at=None)
    assert moves.observe(task, "up-1", "RUNNING", 0.1, 9).started_at == NOW - 90


def test_a_refusal_does_not_count_as_an_attempt(moves: Moves) -> None:
    refused = moves.refuse(moves.claim(a_task(), "t"), "t", 30)
    assert (refused.state, refused.attempt, refused.refusals, refused.claim) == (State.WAITING, 0, 1, None)
    assert refused.next_check_at == NOW + SWEEP_GRACE_SECONDS


def test_binding_resets_refusals_and_failed_polls_of_earlier_attempts(moves: Moves) -> None:
    before = a_task(State.SUBMITTING, refusals=4, missing=2, unread=7, progress=0.7, started_at=NOW)
    bound = moves.bind(before, "token", "up-9", 20.0, 12)
    assert (bound.upstream_id, bound.upstream_status, bound.quoted_credits) == ("up-9", "PENDING", 20.0)
    assert (bound.submitted_at, bound.checked_at) == (NOW, NOW)
    assert (bound.refusals, bound.missing, bound.unread, bound.progress, bound.started_at) == (0, 0, 0, None, None)


def test_a_retry_resets_the_state_of_the_first_attempt(moves: Moves) -> None:
    before = a_task(State.SUBMITTED, outputs=(OUTPUT,), progress=0.4, started_at=NOW)
    again = moves.retry(before, "up-1", None, 30)
    assert (again.state, again.failure_retries, again.upstream_id) == (State.WAITING, 1, None)
    assert (again.outputs, again.progress, again.started_at, again.upstream_status) == ((), None, None, None)


class TestObserve:
    def test_a_task_began_to_run_after_the_last_poll_that_found_it_queued(self, moves: Moves) -> None:
        task = a_task(State.SUBMITTED, checked_at=NOW - 20, submitted_at=NOW - 90)
        running = moves.observe(task, "up-1", "RUNNING", 0.1, 9)
        assert (running.started_at, running.checked_at) == (NOW - 20, NOW)
        later = Moves(NOW + 9).observe(running, "up-1", "RUNNING", 0.3, 9)
        assert later.started_at == NOW - 20

    def test_a_queued_task_has_not_begun(self, moves: Moves) -> None:
        assert moves.observe(a_task(State.SUBMITTED), "up-1", "THROTTLED", None, 30).started_at is None

    def test_a_successful_poll_resets_the_failed_ones(self, moves: Moves) -> None:
        seen = moves.observe(a_task(State.SUBMITTED, missing=2, unread=5), "up-1", "RUNNING", 0.1, 9)
        assert (seen.missing, seen.unread, seen.polls) == (0, 0, 1)


def test_only_a_404_counts_towards_being_gone(moves: Moves) -> None:
    task = a_task(State.SUBMITTED)
    assert (moves.poll_failed(task, "up-1", 9).missing, moves.poll_failed(task, "up-1", 9).unread) == (0, 1)
    assert moves.poll_failed(task, "up-1", 9, gone=True).missing == 1


def test_archiving_adds_an_output(moves: Moves) -> None:
    after = moves.archived(a_task(State.SUBMITTED), "up-1", OUTPUT)
    assert after.outputs == (OUTPUT,)


def test_an_output_is_listed_once(moves: Moves) -> None:
    once = moves.archived(a_task(State.SUBMITTED), "up-1", OUTPUT)
    assert moves.archived(once, "up-1", OUTPUT) is once


@pytest.mark.parametrize(
    ("quoted", "cost", "expected"), [(None, 10.0, 10.0), (None, None, 25.0), (20.0, None, 20.0), (20.0, 0.0, 0.0)]
)
def test_a_success_costs_runways_cost_or_the_best_estimate(
    quoted: float | None, cost: float | None, expected: float, moves: Moves
) -> None:
    done = moves.succeed(a_task(State.SUBMITTED, quoted_credits=quoted), "up-1", cost)
    assert (done.cost_credits, done.progress, done.reserved_credits) == (expected, 1.0, 0.0)


@pytest.mark.parametrize(
    ("estimated", "quoted", "expected"), [(None, None, None), (25.0, None, 25.0), (25.0, 0.0, 0.0), (None, 4.0, 4.0)]
)
def test_runways_estimate_takes_precedence(
    estimated: float | None, quoted: float | None, expected: float | None
) -> None:
    assert expected_credits(a_task(estimated_credits=estimated, quoted_credits=quoted)) == expected


@pytest.mark.parametrize(
    ("failed", "ending", "expected"),
    [(25.0, 25.0, 50.0), (25.0, None, 25.0), (None, 25.0, 25.0), (None, None, None), (0.0, 0.0, 0.0)],
)
@pytest.mark.parametrize("name", ["fail", "cancel"])
def test_the_cost_of_a_task_includes_all_attempts(
    name: str, failed: float | None, ending: float | None, expected: float | None, moves: Moves
) -> None:
    again = moves.retry(a_task(State.SUBMITTED), "up-1", failed, 30)
    assert again.cost_credits == failed
    bound = moves.bind(moves.claim(again, "token"), "token", "up-2", None, 12)
    if name == "fail":
        assert moves.fail(bound, "up-2", "INTERNAL", "broken", ending).cost_credits == expected
    else:
        assert moves.cancel(bound, "up-2", ending).cost_credits == expected


def test_a_success_after_a_billed_failure_costs_both(moves: Moves) -> None:
    again = moves.retry(a_task(State.SUBMITTED), "up-1", 3.0, 30)
    bound = moves.bind(moves.claim(again, "token"), "token", "up-2", 20.0, 12)
    assert moves.succeed(bound, "up-2", None).cost_credits == 23.0
    assert moves.succeed(bound, "up-2", 25.0).cost_credits == 28.0
    assert moves.reject(moves.claim(again, "token"), "token", "TARMAC.REJECTED.400", "no").cost_credits == 3.0


def test_a_rejected_task_cost_nothing(moves: Moves) -> None:
    rejected = moves.reject(a_task(State.SUBMITTING), "token", "TARMAC.REJECTED.400", "no such ratio")
    assert (rejected.state, rejected.cost_credits, rejected.claim) == (State.FAILED, 0.0, None)


def test_a_cancel_is_requested_once(moves: Moves) -> None:
    asked = moves.request_cancel(a_task())
    assert asked.state is State.ACCEPTED
    assert asked.cancel_requested_at == NOW
    with pytest.raises(TransitionRefused):
        moves.request_cancel(asked)


def test_an_ended_task_is_hidden_once(moves: Moves) -> None:
    with pytest.raises(TransitionRefused):
        moves.hide(moves.hide(a_task(State.FAILED)))


def test_a_task_is_claimed_by_later_retries_only(moves: Moves) -> None:
    taken = moves.claim_for_retry(moves.claim_for_retry(a_task(claimable=True), 1, "first"), 3, "third")
    assert (taken.claimable, taken.claimed_retry, taken.retry_claim) == (True, 3, "third")
    for retry in (0, 1, 2, 3):
        with pytest.raises(TransitionRefused, match="the task cannot be claimed by this retry"):
            moves.claim_for_retry(taken, retry, "another")
    assert moves.claim_for_retry(taken, 3, "third") is taken
    assert moves.claim_for_retry(taken, 4, "fourth").claimed_retry == 4


def test_a_task_that_its_client_knows_cannot_be_claimed(moves: Moves) -> None:
    settled = moves.mark_unclaimable(a_task(claimable=True))
    assert settled.claimable is False
    with pytest.raises(TransitionRefused):
        moves.mark_unclaimable(settled)
    with pytest.raises(TransitionRefused):
        moves.claim_for_retry(settled, 1, "retry")


def test_each_rerun_has_a_new_name(moves: Moves) -> None:
    task = a_task()
    names = {task.execution_name}
    for _ in range(5):
        task = moves.rerun(task)
        names.add(task.execution_name)
    assert names == {task.id, *(f"{task.id}-{run}" for run in range(2, 7))}


class TestNextCheck:
    """A poll that leaves the time unchanged writes no index entry. An unchanged time is always within the range."""

    @pytest.mark.parametrize("held", [NOW + 69, NOW + 100, NOW + 129])
    def test_a_time_within_the_range_stays(self, held: float, moves: Moves) -> None:
        task = a_task(State.SUBMITTED, next_check_at=held)
        assert moves.observe(task, "up-1", "RUNNING", 0.5, 9).next_check_at == held

    @pytest.mark.parametrize("held", [None, NOW - 1, NOW + 68.9, NOW + 129.1, NOW + 900])
    def test_any_other_is_replaced_by_the_latest(self, held: float | None, moves: Moves) -> None:
        task = a_task(State.SUBMITTED, next_check_at=held)
        assert moves.observe(task, "up-1", "RUNNING", 0.5, 9).next_check_at == NOW + 9 + SWEEP_GRACE_SECONDS

    def test_it_is_scaled(self) -> None:
        task = a_task(State.SUBMITTED, next_check_at=NOW + 4)
        assert Moves(NOW, 0.05).observe(task, "up-1", "RUNNING", 0.5, 9).next_check_at == NOW + 4


def test_times_are_scaled() -> None:
    waiting = Moves(NOW, scale=0.05).postpone(a_task(), 40)
    assert waiting.next_check_at == NOW + (40 + SWEEP_GRACE_SECONDS) * 0.05


@given(
    st.sampled_from(sorted(OPEN)),
    st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.floats(0, 400)), max_size=60),
)
def test_no_order_of_moves_breaks_an_invariant(start: State, walk: list[tuple[str, float]]) -> None:
    """Terminal states are final, moves pass the check of the store, counters never decrease, claims end with tasks."""
    task, now = a_task(start), NOW
    for name, seconds in walk:
        now += seconds
        move = MOVES[name][0]
        before = replace(task, claim="token") if task.claim else task
        if before.upstream_id:
            before = replace(before, upstream_id="up-1")
        try:
            task = move(Moves(now), before)
        except TransitionRefused:
            continue
        if task is before:
            continue
        check_step(FOLLOWS, before, task)
        assert task.version == before.version + 1
        if before.state.is_terminal:
            assert task.state is before.state
            assert task.ended_at == before.ended_at
            assert (task.outputs, task.failure_code) == (before.outputs, before.failure_code)
        assert 0 <= before.attempt - task.attempt <= 1 if name == "refuse" else task.attempt >= before.attempt
        assert task.ambiguous >= before.ambiguous
        assert task.polls >= before.polls
        assert (task.state is State.SUBMITTING) == (task.claim is not None)
        assert task.needs_attention == (not task.state.is_terminal or task.notice_state is NoticeState.PENDING)
        if task.state is State.SUBMITTED:
            assert task.upstream_id is not None
