"""What may follow what: every move from every state, and walks that no order of moves can lead astray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
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
    "lose": (lambda m, t: m.lose(t, "token", 0, 60), CLAIMED),
    "lose within the budget": (lambda m, t: m.lose(t, "token", 1, 60), CLAIMED),
    "lose after silence": (
        lambda m, t: Moves(m.now + CLAIM_LEASE_SECONDS).lose(t, None, 0, 60),
        CLAIMED,
    ),
    "observe": (lambda m, t: m.observe(t, "up-1", "RUNNING", 0.5, 9), BOUND),
    "overlook": (lambda m, t: m.overlook(t, "up-1", 9), BOUND),
    "overlook a 404": (lambda m, t: m.overlook(t, "up-1", 9, gone=True), BOUND),
    "try again": (lambda m, t: m.try_again(t, "up-1", 5.0, 30), BOUND),
    "archived": (lambda m, t: m.archived(t, "up-1", OUTPUT), BOUND),
    "succeed": (lambda m, t: m.succeed(t, "up-1", 25.0), BOUND),
    "fail unsent": (lambda m, t: m.fail(t, None, "TARMAC.DEADLINE", "late", 0.0), UNCLAIMED),
    "fail": (lambda m, t: m.fail(t, "up-1", "INTERNAL", "broken", 0.0), BOUND),
    "cancel unsent": (lambda m, t: m.cancel(t, None, 0.0), UNCLAIMED),
    "cancel": (lambda m, t: m.cancel(t, "up-1", 0.0), BOUND),
    "request cancel": (lambda m, t: m.request_cancel(t), OPEN),
    "hide": (lambda m, t: m.hide(t), TERMINAL),
    "announced": (lambda m, t: m.announced(t), TERMINAL),
    "settle": (lambda m, t: m.settle(replace(t, claimable=True)), frozenset(State)),
    "take": (
        lambda m, t: m.take(replace(t, claimable=True, claimed_retry=0, retry_claim=None), 1, "retry"),
        frozenset(State),
    ),
    "rerun": (lambda m, t: m.rerun(t), OPEN),
    "watch": (lambda m, t: m.watch(t), OPEN),
}

LATER = NOW + 1000
DUE = LATER + SWEEP_GRACE_SECONDS
UNCLAIM = {"claim": None, "claimed_at": None}
ENDED = UNCLAIM | {"ended_at": LATER, "notice_state": NoticeState.PENDING, "next_check_at": DUE}
RELEASED = ENDED | {"reserved_credits": 0.0}
LOST = "Runway's answer to the create was lost, so it is unknown whether a generation was bought."
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
"""A task to which much has happened: what a move does not reset can be seen."""

CHANGES: dict[str, dict[str, Any]] = {
    "claim": {
        "state": State.SUBMITTING,
        "claim": "new",
        "claimed_at": LATER,
        "attempt": 6,
        "next_check_at": DUE,
    },
    "postpone": {"state": State.WAITING, "refusals": 5, "next_check_at": DUE + 30},
    "bind": UNCLAIM
    | {
        "state": State.SUBMITTED,
        "upstream_id": "up-9",
        "upstream_status": "PENDING",
        "progress": None,
        "quoted_credits": 20.0,
        "submitted_at": LATER,
        "checked_at": LATER,
        "started_at": None,
        "missing": 0,
        "unread": 0,
        "refusals": 0,
        "next_check_at": DUE + 12,
    },
    "refuse": UNCLAIM | {"state": State.WAITING, "attempt": 4, "refusals": 5, "next_check_at": DUE + 30},
    "reject": RELEASED
    | {"state": State.FAILED, "failure": "no", "failure_code": "TARMAC.REJECTED.400", "cost_credits": 0.0},
    "lose": ENDED
    | {"state": State.AMBIGUOUS_FAILED, "failure": LOST, "failure_code": "TARMAC.AMBIGUOUS", "ambiguous": 1},
    "lose within the budget": UNCLAIM | {"state": State.WAITING, "ambiguous": 1, "next_check_at": DUE + 60},
    "observe": {
        "upstream_status": "RUNNING",
        "progress": 0.5,
        "started_at": NOW + 60,
        "checked_at": LATER,
        "polls": 10,
        "missing": 0,
        "unread": 0,
        "next_check_at": DUE + 9,
    },
    "overlook": {"polls": 10, "missing": 0, "unread": 8, "next_check_at": DUE + 9},
    "overlook a 404": {"polls": 10, "missing": 3, "unread": 8, "next_check_at": DUE + 9},
    "try again": {
        "state": State.WAITING,
        "failure_retries": 2,
        "upstream_id": None,
        "upstream_status": None,
        "progress": None,
        "started_at": None,
        "cost_credits": 5.0,
        "outputs": (),
        "next_check_at": DUE + 30,
    },
    "archived": {"outputs": (*RICH["outputs"], OUTPUT), "next_check_at": DUE},
    "succeed": RELEASED
    | {
        "state": State.SUCCEEDED,
        "progress": 1.0,
        "upstream_status": "SUCCEEDED",
        "cost_credits": 25.0,
        "node_errors": {},
    },
    "fail unsent": RELEASED
    | {
        "state": State.FAILED,
        "failure": "late",
        "failure_code": "TARMAC.DEADLINE",
        "cost_credits": 0.0,
        "node_errors": {},
    },
    "fail": RELEASED
    | {"state": State.FAILED, "failure": "broken", "failure_code": "INTERNAL", "cost_credits": 0.0, "node_errors": {}},
    "cancel unsent": RELEASED | {"state": State.CANCELLED, "cost_credits": 0.0},
    "cancel": RELEASED | {"state": State.CANCELLED, "cost_credits": 0.0},
    "request cancel": {"cancel_requested_at": LATER},
    "hide": {"hidden_at": LATER},
    "announced": {"notice_state": NoticeState.SENT, "next_check_at": None},
    "settle": {"claimable": False},
    "take": {"claimed_retry": 1, "retry_claim": "retry"},
    "rerun": {"run": 4, "next_check_at": DUE},
    "watch": {"next_check_at": DUE},
}

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
    (MOVES["bind"][0], a_task(State.SUBMITTING, claim="another"), "the claim is not ours"),
    (lambda m, t: m.lose(t, None, 0, 60), a_task(State.SUBMITTING), "the claim is alive"),
    (MOVES["observe"][0], a_task(), "the row is no longer bound to that generation"),
    (MOVES["fail unsent"][0], a_task(State.SUBMITTING), "SUBMITTING: something was, or may have been, sent"),
    (lambda m, t: m.settle(t), a_task(), "the task is not claimable"),
    (MOVES["request cancel"][0], a_task(State.FAILED), "there is nothing to cancel"),
    (MOVES["hide"][0], a_task(), "only an ended task can be hidden"),
    (MOVES["announced"][0], a_task(), "no notice is pending"),
    (MOVES["rerun"][0], a_task(State.FAILED), "the task has ended"),
    (lambda m, t: m.called_back(t, 200), a_task(State.FAILED), "no callback is due"),
]

CASES = [pytest.param(name, state, id=f"{name}-{state}") for name in MOVES for state in State]


@pytest.fixture
def moves() -> Moves:
    return Moves(NOW)


@pytest.mark.parametrize(("name", "state"), CASES)
def test_each_move_is_possible_from_its_own_states_and_refused_from_all_others(
    name: str, state: State, moves: Moves
) -> None:
    move, allowed = MOVES[name]
    before = a_task(state)
    if state in allowed:
        after = move(moves, before)
        check_step(FOLLOWS, before, after)
        assert after.version == before.version + 1
        assert after.updated_at >= before.updated_at
    else:
        with pytest.raises(TransitionRefused):
            move(moves, before)


@pytest.mark.parametrize("name", CHANGES)
def test_a_move_changes_what_it_is_for_and_nothing_else(name: str) -> None:
    move, allowed = MOVES[name]
    for state in allowed:
        before = a_task(state, **RICH)
        after = move(Moves(LATER), before)
        changed = {"version": 4, "updated_at": LATER} | CHANGES[name]
        assert after == replace(before, **changed)


@pytest.mark.parametrize(("move", "task", "reason"), REASONS, ids=[reason for _, _, reason in REASONS])
def test_a_move_that_is_refused_says_why(move: Move, task: Task, reason: str, moves: Moves) -> None:
    with pytest.raises(TransitionRefused) as refused:
        move(moves, task)
    assert str(refused.value) == reason


def test_these_states_follow_each_other() -> None:
    assert {state: set(following) for state, following in FOLLOWS.items() if following} == NEXT


@pytest.mark.parametrize("name", MOVES)
def test_every_ending_is_a_pending_notice_that_the_sweeper_will_see(name: str, moves: Moves) -> None:
    move, allowed = MOVES[name]
    for state in allowed - TERMINAL:
        after = move(moves, a_task(state))
        if after.state.is_terminal:
            assert after.notice_state is NoticeState.PENDING
            assert after.ended_at == after.updated_at
            row = to_row(after)
            assert row["due"].startswith("due#")
            assert row["nextCheckAt"] == after.ended_at + SWEEP_GRACE_SECONDS


@pytest.mark.parametrize("name", MOVES)
def test_every_move_of_an_open_task_keeps_a_moment_at_which_the_sweeper_looks(name: str, moves: Moves) -> None:
    move, allowed = MOVES[name]
    for state in allowed & OPEN:
        after = move(moves, a_task(state))
        assert after.needs_attention
        assert {"due", "nextCheckAt"} <= to_row(after).keys()


def test_an_announced_task_leaves_the_due_index(moves: Moves) -> None:
    row = to_row(moves.announced(a_task(State.SUCCEEDED)))
    assert row["noticeState"] == "SENT"
    assert not {"due", "nextCheckAt"} & row.keys()


def test_a_notice_is_marked_sent_once(moves: Moves) -> None:
    with pytest.raises(TransitionRefused):
        moves.announced(moves.announced(a_task(State.FAILED)))


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_nothing_follows_an_ending(state: State) -> None:
    assert FOLLOWS[state] == frozenset()


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_a_store_lets_through_what_follows_and_nothing_else(before: State, after: State) -> None:
    task = a_task(before)
    step = replace(a_task(after), version=task.version + 1)
    if after is before or after in FOLLOWS[before]:
        check_step(FOLLOWS, task, step)
    else:
        with pytest.raises(TransitionRefused):
            check_step(FOLLOWS, task, step)


@pytest.mark.parametrize("version", [2, 3, 5])
def test_a_store_refuses_a_version_that_is_not_the_next(version: int) -> None:
    with pytest.raises(TransitionRefused, match=rf"^version {version} does not follow 3$"):
        check_step(FOLLOWS, a_task(), a_task(version=version))


def test_a_store_refuses_another_task_in_the_place_of_one() -> None:
    with pytest.raises(TransitionRefused):
        check_step(FOLLOWS, a_task(), a_task(id="another", version=4))


def test_a_store_names_the_states_that_do_not_follow() -> None:
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
    "move", ["bind", "refuse", "reject", "lose", "lose within the budget"], ids=lambda name: str(name)
)
def test_only_the_holder_of_the_claim_may_say_what_became_of_it(move: str, moves: Moves) -> None:
    with pytest.raises(TransitionRefused):
        MOVES[move][0](moves, a_task(State.SUBMITTING, claim="somebody else's"))


@pytest.mark.parametrize("move", ["observe", "overlook", "try again", "archived", "succeed", "fail", "cancel"])
def test_only_the_bound_generation_moves_the_row(move: str, moves: Moves) -> None:
    with pytest.raises(TransitionRefused):
        MOVES[move][0](moves, a_task(State.SUBMITTED, upstream_id="up-2"))


class TestLease:
    def test_a_claim_is_not_lost_while_it_may_be_alive(self) -> None:
        with pytest.raises(TransitionRefused):
            Moves(NOW + CLAIM_LEASE_SECONDS - 0.001).lose(a_task(State.SUBMITTING), None, 0, 60)

    def test_it_is_lost_from_the_end_of_its_lease(self) -> None:
        lost = Moves(NOW + CLAIM_LEASE_SECONDS).lose(a_task(State.SUBMITTING), None, 0, 60)
        assert lost.state is State.AMBIGUOUS_FAILED

    def test_it_shrinks_with_the_time_scale(self) -> None:
        task = a_task(State.SUBMITTING)
        assert Moves(NOW + CLAIM_LEASE_SECONDS / 20, scale=0.05).lease_is_over(task)
        assert not Moves(NOW + CLAIM_LEASE_SECONDS / 20 - 0.01, scale=0.05).lease_is_over(task)


class TestLose:
    def test_the_default_never_sends_a_lost_create_again(self, moves: Moves) -> None:
        lost = moves.lose(a_task(State.SUBMITTING), "token", 0, 60)
        assert (lost.state, lost.failure_code, lost.ambiguous) == (State.AMBIGUOUS_FAILED, "TARMAC.AMBIGUOUS", 1)

    def test_credits_that_may_be_gone_stay_reserved(self, moves: Moves) -> None:
        assert moves.lose(a_task(State.SUBMITTING), "token", 0, 60).reserved_credits == 25.0

    def test_the_operators_budget_is_spent_one_by_one(self, moves: Moves) -> None:
        first = moves.lose(a_task(State.SUBMITTING), "token", 2, 60)
        assert (first.state, first.ambiguous, first.claim) == (State.WAITING, 1, None)
        second = moves.lose(moves.claim(first, "token"), "token", 2, 60)
        assert (second.state, second.ambiguous) == (State.WAITING, 2)
        third = moves.lose(moves.claim(second, "token"), "token", 2, 60)
        assert (third.state, third.ambiguous) == (State.AMBIGUOUS_FAILED, 3)

    def test_a_cancelled_task_spends_no_budget(self, moves: Moves) -> None:
        lost = moves.lose(a_task(State.SUBMITTING, cancel_requested_at=NOW), "token", 3, 60)
        assert lost.state is State.AMBIGUOUS_FAILED


class TestCalledBack:
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
        after = Moves(LATER).called_back(before, status, is_final)
        check_step(FOLLOWS, before, after)
        assert after.webhook == Webhook(
            "https://hooks.example.com", state, 3, status, LATER, LATER if state is WebhookState.DELIVERED else None
        )
        assert replace(after, webhook=webhook) == replace(before, version=4, updated_at=LATER)

    def test_more_tries_follow_unless_it_is_said_otherwise(self, moves: Moves) -> None:
        after = moves.called_back(a_task(State.FAILED, webhook=Webhook("https://hooks.example.com")), 500)
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
            moves.called_back(task, 200)


class TestMayStillCome:
    @pytest.mark.parametrize(("scale", "seconds"), [(1.0, 48 * 3600.0), (0.05, 48 * 180.0)])
    def test_outputs_live_two_days_beyond_the_deadline_at_the_most(self, scale: float, seconds: float) -> None:
        task = a_task(State.SUBMITTED, deadline_at=NOW)
        assert Moves(NOW + seconds - 0.001, scale).may_still_come(task)
        assert not Moves(NOW + seconds, scale).may_still_come(task)


def test_nobody_else_ends_a_live_claim_nor_one_that_is_none() -> None:
    for task in (a_task(State.SUBMITTING), a_task(State.ACCEPTED, claimed_at=NOW - 9999.0)):
        with pytest.raises(TransitionRefused):
            Moves(NOW).lose(task, None, 0, 60)
    assert not Moves(NOW + 9999.0).lease_is_over(a_task(State.SUBMITTING, claimed_at=None))


def test_a_repeated_claim_or_bind_changes_nothing(moves: Moves) -> None:
    claimed = moves.claim(a_task(), "new")
    assert moves.claim(claimed, "new") is claimed
    bound = moves.bind(claimed, "new", "up-9", None, 12)
    assert moves.bind(bound, "new", "up-9", None, 12) is bound


def test_a_bound_task_knows_what_a_router_has_chosen_and_else_what_it_knew(moves: Moves) -> None:
    before = a_task(State.SUBMITTING, routing={"model": "gen4.5"})
    assert moves.bind(before, "token", "up-9", None, 12, {"model": "veo3.1"}).routing == {"model": "veo3.1"}
    assert moves.bind(before, "token", "up-9", None, 12).routing == {"model": "gen4.5"}


def test_a_task_that_was_never_looked_at_began_after_its_create(moves: Moves) -> None:
    task = a_task(State.SUBMITTED, submitted_at=NOW - 90, checked_at=None)
    assert moves.observe(task, "up-1", "RUNNING", 0.1, 9).started_at == NOW - 90


def test_a_refusal_does_not_count_as_an_attempt(moves: Moves) -> None:
    refused = moves.refuse(moves.claim(a_task(), "t"), "t", 30)
    assert (refused.state, refused.attempt, refused.refusals, refused.claim) == (State.WAITING, 0, 1, None)
    assert refused.next_check_at == NOW + SWEEP_GRACE_SECONDS


def test_a_bound_task_forgets_the_refusals_and_looks_of_earlier_attempts(moves: Moves) -> None:
    before = a_task(State.SUBMITTING, refusals=4, missing=2, unread=7, progress=0.7, started_at=NOW)
    bound = moves.bind(before, "token", "up-9", 20.0, 12)
    assert (bound.upstream_id, bound.quoted_credits, bound.submitted_at) == ("up-9", 20.0, NOW)
    assert (bound.refusals, bound.missing, bound.unread, bound.progress, bound.started_at) == (0, 0, 0, None, None)


def test_a_second_attempt_starts_without_traces_of_the_first(moves: Moves) -> None:
    before = a_task(State.SUBMITTED, outputs=(OUTPUT,), progress=0.4, started_at=NOW)
    again = moves.try_again(before, "up-1", None, 30)
    assert (again.state, again.failure_retries, again.upstream_id) == (State.WAITING, 1, None)
    assert (again.outputs, again.progress, again.started_at, again.upstream_status) == ((), None, None, None)


class TestObserve:
    def test_a_task_began_to_run_some_time_after_the_last_look_that_did_not_see_it_run(self, moves: Moves) -> None:
        task = a_task(State.SUBMITTED, checked_at=NOW - 20, submitted_at=NOW - 90)
        running = moves.observe(task, "up-1", "RUNNING", 0.1, 9)
        assert (running.started_at, running.checked_at) == (NOW - 20, NOW)
        later = Moves(NOW + 9).observe(running, "up-1", "RUNNING", 0.3, 9)
        assert later.started_at == NOW - 20

    def test_a_queued_task_has_not_begun(self, moves: Moves) -> None:
        assert moves.observe(a_task(State.SUBMITTED), "up-1", "THROTTLED", None, 30).started_at is None

    def test_a_good_look_forgets_the_bad_ones(self, moves: Moves) -> None:
        seen = moves.observe(a_task(State.SUBMITTED, missing=2, unread=5), "up-1", "RUNNING", 0.1, 9)
        assert (seen.missing, seen.unread, seen.polls) == (0, 0, 1)


def test_only_a_404_counts_towards_being_gone(moves: Moves) -> None:
    task = a_task(State.SUBMITTED)
    assert (moves.overlook(task, "up-1", 9).missing, moves.overlook(task, "up-1", 9).unread) == (0, 1)
    assert moves.overlook(task, "up-1", 9, gone=True).missing == 1


def test_archiving_adds_an_output(moves: Moves) -> None:
    after = moves.archived(a_task(State.SUBMITTED), "up-1", OUTPUT)
    assert after.outputs == (OUTPUT,)


def test_an_output_stands_in_the_row_once(moves: Moves) -> None:
    once = moves.archived(a_task(State.SUBMITTED), "up-1", OUTPUT)
    assert moves.archived(once, "up-1", OUTPUT) is once


@pytest.mark.parametrize(
    ("quoted", "cost", "expected"), [(None, 10.0, 10.0), (None, None, 25.0), (20.0, None, 20.0), (20.0, 0.0, 0.0)]
)
def test_a_success_costs_what_runway_says_or_else_the_best_estimate(
    quoted: float | None, cost: float | None, expected: float, moves: Moves
) -> None:
    done = moves.succeed(a_task(State.SUBMITTED, quoted_credits=quoted), "up-1", cost)
    assert (done.cost_credits, done.progress, done.reserved_credits) == (expected, 1.0, 0.0)


@pytest.mark.parametrize(
    ("estimated", "quoted", "expected"), [(None, None, None), (25.0, None, 25.0), (25.0, 0.0, 0.0), (None, 4.0, 4.0)]
)
def test_runways_quote_is_better_than_an_estimate(
    estimated: float | None, quoted: float | None, expected: float | None
) -> None:
    assert expected_credits(a_task(estimated_credits=estimated, quoted_credits=quoted)) == expected


@pytest.mark.parametrize("name", ["fail unsent", "fail", "reject", "cancel unsent", "cancel", "succeed"])
def test_an_ending_releases_the_reservation(name: str, moves: Moves) -> None:
    move, allowed = MOVES[name]
    for state in allowed:
        assert move(moves, a_task(state)).reserved_credits == 0.0


@pytest.mark.parametrize(
    ("failed", "ending", "expected"),
    [(25.0, 25.0, 50.0), (25.0, None, 25.0), (None, 25.0, 25.0), (None, None, None), (0.0, 0.0, 0.0)],
)
@pytest.mark.parametrize("name", ["fail", "cancel"])
def test_a_task_costs_what_all_its_attempts_have_cost(
    name: str, failed: float | None, ending: float | None, expected: float | None, moves: Moves
) -> None:
    again = moves.try_again(a_task(State.SUBMITTED), "up-1", failed, 30)
    assert again.cost_credits == failed
    bound = moves.bind(moves.claim(again, "token"), "token", "up-2", None, 12)
    if name == "fail":
        assert moves.fail(bound, "up-2", "INTERNAL", "broken", ending).cost_credits == expected
    else:
        assert moves.cancel(bound, "up-2", ending).cost_credits == expected


def test_a_success_after_a_failure_that_was_billed_costs_both(moves: Moves) -> None:
    again = moves.try_again(a_task(State.SUBMITTED), "up-1", 3.0, 30)
    bound = moves.bind(moves.claim(again, "token"), "token", "up-2", 20.0, 12)
    assert moves.succeed(bound, "up-2", None).cost_credits == 23.0
    assert moves.succeed(bound, "up-2", 25.0).cost_credits == 28.0
    assert moves.reject(moves.claim(again, "token"), "token", "TARMAC.REJECTED.400", "no").cost_credits == 3.0


def test_a_rejected_task_cost_nothing(moves: Moves) -> None:
    rejected = moves.reject(a_task(State.SUBMITTING), "token", "TARMAC.REJECTED.400", "no such ratio")
    assert (rejected.state, rejected.cost_credits, rejected.claim) == (State.FAILED, 0.0, None)


def test_a_cancel_is_asked_for_once(moves: Moves) -> None:
    asked = moves.request_cancel(a_task())
    assert asked.state is State.ACCEPTED
    assert asked.cancel_requested_at == NOW
    with pytest.raises(TransitionRefused):
        moves.request_cancel(asked)


def test_an_ended_task_is_hidden_once(moves: Moves) -> None:
    with pytest.raises(TransitionRefused):
        moves.hide(moves.hide(a_task(State.FAILED)))


def test_a_task_is_claimed_by_later_retries_only(moves: Moves) -> None:
    taken = moves.take(moves.take(a_task(claimable=True), 1, "first"), 3, "third")
    assert (taken.claimable, taken.claimed_retry, taken.retry_claim) == (True, 3, "third")
    for retry in (0, 1, 2, 3):
        with pytest.raises(TransitionRefused, match="this retry may not claim the task"):
            moves.take(taken, retry, "another")
    assert moves.take(taken, 3, "third") is taken
    assert moves.take(taken, 4, "fourth").claimed_retry == 4


def test_a_task_that_its_client_knows_is_claimed_by_no_retry(moves: Moves) -> None:
    settled = moves.settle(a_task(claimable=True))
    assert not settled.claimable
    with pytest.raises(TransitionRefused):
        moves.settle(settled)
    with pytest.raises(TransitionRefused):
        moves.take(settled, 1, "retry")


def test_each_rerun_takes_a_name_that_was_never_used(moves: Moves) -> None:
    task = a_task()
    names = {task.execution_name}
    for _ in range(5):
        task = moves.rerun(task)
        names.add(task.execution_name)
    assert names == {task.id, *(f"{task.id}-{run}" for run in range(2, 7))}


class TestNextCheck:
    """A poll that keeps the time writes no index entry; a kept time is never earlier or later than the range."""

    @pytest.mark.parametrize("held", [NOW + 69, NOW + 100, NOW + 129])
    def test_a_time_within_the_range_stays(self, held: float, moves: Moves) -> None:
        task = a_task(State.SUBMITTED, next_check_at=held)
        assert moves.observe(task, "up-1", "RUNNING", 0.5, 9).next_check_at == held

    @pytest.mark.parametrize("held", [None, NOW - 1, NOW + 68.9, NOW + 129.1, NOW + 900])
    def test_any_other_is_replaced_by_the_latest(self, held: float | None, moves: Moves) -> None:
        task = a_task(State.SUBMITTED, next_check_at=held)
        assert moves.observe(task, "up-1", "RUNNING", 0.5, 9).next_check_at == NOW + 9 + SWEEP_GRACE_SECONDS

    def test_it_shrinks_with_the_time_scale(self) -> None:
        task = a_task(State.SUBMITTED, next_check_at=NOW + 4)
        assert Moves(NOW, 0.05).observe(task, "up-1", "RUNNING", 0.5, 9).next_check_at == NOW + 4


def test_moments_shrink_with_the_time_scale() -> None:
    waiting = Moves(NOW, scale=0.05).postpone(a_task(), 40)
    assert waiting.next_check_at == NOW + (40 + SWEEP_GRACE_SECONDS) * 0.05


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(OPEN)),
    st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.floats(0, 400)), max_size=60),
)
def test_no_order_of_moves_leads_astray(start: State, walk: list[tuple[str, float]]) -> None:
    """Endings are for ever, every step passes the store's check, counters never go backwards, claims end with it."""
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
