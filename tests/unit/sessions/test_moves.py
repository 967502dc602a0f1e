"""The moves of a session: Runway's state diagram, credentials, Tarmac's own cancels, and intervals between polls."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.rows import FINISH_SECONDS, SWEEP_GRACE_SECONDS, NoticeState, Output, TransitionRefused, check_step
from tarmac.sessions.moves import (
    CLAIM_LEASE_SECONDS,
    FOLLOWS,
    LONGEST_QUEUE_SECONDS,
    OVERTIME_SECONDS,
    UNREACHABLE_SECONDS,
    SessionMoves,
)
from tarmac.sessions.session import TERMINAL, Session, SessionState, from_row, to_row
from tests.fakes.samples import NOW
from tests.unit.sessions.samples import UNCLAIMED_SECONDS, a_session

S = SessionState
Move = Callable[[SessionMoves, Session], Session]
MOVES = SessionMoves(NOW + 10)
OPEN = frozenset(S) - TERMINAL
OUTPUT = Output("archive", "acme/2023/11/14/live-1/conversation.json", 10, "ab" * 32, "application/json")


def with_claim(session: Session) -> Session:
    return replace(session, claim="token", claimed_at=NOW)


def without_claim(session: Session) -> Session:
    return replace(session, claim=None, claimed_at=None)


def with_notice(session: Session) -> Session:
    """The session, with a pending notice if it has ended."""
    return replace(session, notice_state=NoticeState.PENDING) if session.state.is_terminal else session


EACH: dict[str, tuple[Move, frozenset[SessionState]]] = {
    "observe": (lambda m, s: m.observe(s, "RUNNING", 5), OPEN),
    "poll failed": (lambda m, s: m.poll_failed(s, 5), OPEN),
    "poll failed with 404": (lambda m, s: m.poll_failed(s, 5, gone=True), OPEN),
    "end": (lambda m, s: m.end(s, S.COMPLETED, 42.0), OPEN),
    "end as failed": (lambda m, s: m.end(s, S.FAILED, 41.2, "no avatar", "AVATAR.GONE"), OPEN),
    "claim": (lambda m, s: m.claim(without_claim(s), "new"), frozenset({S.NOT_READY, S.READY})),
    "release": (lambda m, s: m.release(with_claim(s), "token"), OPEN),
    "consumed": (lambda m, s: m.consumed(with_claim(s), "token"), OPEN),
    "burn": (lambda m, s: m.burn(with_claim(s), "token"), OPEN),
    "burn expired claim": (
        lambda m, s: m.burn(replace(with_claim(s), claimed_at=m.now - CLAIM_LEASE_SECONDS), None),
        OPEN,
    ),
    "request cancel": (lambda m, s: m.request_cancel(s, "client"), OPEN),
    "archived": (lambda m, s: m.archived(s, [OUTPUT]), TERMINAL),
    "announced": (lambda m, s: m.announced(with_notice(s)), TERMINAL),
    "rerun": (lambda m, s: m.rerun(s), frozenset(S)),
    "watch": (lambda m, s: m.watch(s), frozenset(S)),
}

LATER = NOW + 1000
RICH: dict[str, Any] = {
    "run": 3,
    "polls": 9,
    "missing": 2,
    "unread": 7,
    "ready_at": NOW + 20,
    "started_at": NOW + 30,
    "checked_at": NOW + 60,
    "used_seconds": 1,
    "duration_seconds": 0.5,
    "claim": "token",
    "claimed_at": NOW + 50,
    "outputs": (replace(OUTPUT, key="an earlier one"),),
    "metadata": {"page": "7"},
}
"""A session with a long history, in which every change shows."""

ENDING = frozenset({"end", "end as failed"})
POLLING = frozenset({"observe", "poll failed", "poll failed with 404"})
BURNING = frozenset({"burn", "burn expired claim"})

CHANGED_BY: dict[str, frozenset[str]] = {
    "state": ENDING | {"observe"},
    "ended_at": ENDING,
    "reserved_seconds": ENDING,
    "used_seconds": ENDING,
    "duration_seconds": ENDING,
    "failure": frozenset({"end as failed"}),
    "failure_code": frozenset({"end as failed"}),
    "claim": ENDING | BURNING | {"claim", "release", "consumed"},
    "claimed_at": ENDING | BURNING | {"claim", "release", "consumed"},
    "consumed_at": frozenset({"consumed"}),
    "burned_at": BURNING,
    "cancel_requested_at": BURNING | {"request cancel"},
    "cancel_reason": BURNING | {"request cancel"},
    "ready_at": frozenset({"observe"}),
    "started_at": frozenset({"observe"}),
    "checked_at": frozenset({"observe"}),
    "polls": POLLING,
    "missing": POLLING,
    "unread": POLLING,
    "outputs": frozenset({"archived"}),
    "notice_state": frozenset({"archived", "announced"}),
    "run": frozenset({"rerun"}),
    "next_check_at": ENDING | POLLING | {"archived", "announced", "rerun", "watch"},
}
"""The moves that may change a field. Every move changes version and updated_at; no move changes any other field."""

WAITS = dict.fromkeys(POLLING, 5.0) | dict.fromkeys(ENDING, FINISH_SECONDS)
"""Seconds until a row is due after a move, apart from the sweeper's grace: 0 for every other move."""

OVER = "the session has ended"
CONSUMED = "the credentials were consumed already"
REASONS: list[tuple[Move, Session, str]] = [
    (EACH["observe"][0], a_session(S.FAILED), "the session has ended"),
    (EACH["claim"][0], a_session(S.COMPLETED), OVER),
    (EACH["claim"][0], a_session(S.READY, cancel_requested_at=NOW), OVER),
    (EACH["claim"][0], a_session(S.READY, burned_at=NOW), OVER),
    (EACH["claim"][0], a_session(S.READY, consumed_at=NOW), CONSUMED),
    (EACH["claim"][0], a_session(S.RUNNING), CONSUMED),
    (
        lambda m, s: m.claim(with_claim(s), "new"),
        a_session(S.READY),
        "another request holds the claim",
    ),
    (lambda m, s: m.release(with_claim(s), "new"), a_session(S.READY), "the token does not hold the claim"),
    (EACH["consumed"][0], a_session(S.READY, cancel_requested_at=NOW), OVER),
    (lambda m, s: m.consumed(s, "token"), a_session(S.READY), "the token does not hold the claim"),
    (
        lambda m, s: m.consumed(with_claim(s), "new"),
        a_session(S.READY, consumed_at=NOW),
        "the token does not hold the claim",
    ),
    (lambda m, s: m.burn(s, None), a_session(S.READY), "the claim has not expired"),
    (lambda m, s: m.request_cancel(with_claim(s), "unclaimed"), a_session(), "the session is being claimed"),
    (EACH["archived"][0], a_session(S.RUNNING), "there is nothing to archive"),
    (EACH["archived"][0], a_session(S.FAILED, notice_state=NoticeState.SENT), "there is nothing to archive"),
    (lambda m, s: m.announced(s), a_session(S.FAILED), "no notice is pending"),
]


@pytest.mark.parametrize("name", EACH)
def test_each_move_is_possible_from_its_own_states_alone(name: str) -> None:
    move, allowed = EACH[name]
    for state in S:
        before = a_session(state)
        if state in allowed:
            after = move(MOVES, before)
            check_step(FOLLOWS, before, after)
            assert (after.version, after.updated_at) == (before.version + 1, MOVES.now)
        else:
            with pytest.raises(TransitionRefused):
                move(MOVES, before)


def each_change() -> Iterator[tuple[str, Session, Session]]:
    """(move, before, after) of every move from each of its states, of a session that was ready and one that was not."""
    for name, (move, allowed) in EACH.items():
        for state, history in itertools.product(sorted(allowed), (RICH, RICH | {"ready_at": None, "started_at": None})):
            before = a_session(state, **history)
            yield name, before, move(SessionMoves(LATER), before)


def test_each_field_changes_in_its_own_moves_and_in_no_other() -> None:
    seen = {
        (field.name, name)
        for name, before, after in each_change()
        for field in fields(Session)
        if getattr(before, field.name) != getattr(after, field.name)
    }
    expected = {(field, name) for field, its_moves in CHANGED_BY.items() for name in its_moves}
    assert seen == expected | {(field, name) for field in ("version", "updated_at") for name in EACH}


def test_moments_are_the_moves_own() -> None:
    for name, before, after in each_change():
        for field in (each.name for each in fields(Session) if each.name.endswith("_at")):
            value = getattr(after, field)
            if value != getattr(before, field) and value is not None and field != "next_check_at":
                assert value == LATER, (name, field)
        assert (after.claimed_at is None) == (after.claim is None), name


def test_counters_go_up_by_one_or_back_to_zero() -> None:
    for name, before, after in each_change():
        for field in ("run", "polls"):
            assert getattr(after, field) - getattr(before, field) in (0, 1), (name, field)
        assert (after.missing, after.unread) in {
            "observe": [(0, 0)],
            "poll failed": [(0, before.unread + 1)],
            "poll failed with 404": [(before.missing + 1, before.unread + 1)],
        }.get(name, [(before.missing, before.unread)]), name


def test_a_row_is_due_when_its_next_step_is_late() -> None:
    for name, before, after in each_change():
        if after.next_check_at != before.next_check_at and name != "announced":
            assert after.next_check_at == LATER + WAITS.get(name, 0) + SWEEP_GRACE_SECONDS, name
    assert MOVES.announced(with_notice(a_session(S.FAILED))).next_check_at is None


def test_an_ending_gives_up_claim_and_reservation_and_counts_started_seconds() -> None:
    failed = MOVES.end(a_session(S.RUNNING, claim="token"), S.FAILED, 41.2, "no avatar", "AVATAR.GONE")
    assert (failed.claim, failed.reserved_seconds, failed.used_seconds, failed.duration_seconds) == (None, 0, 42, 41.2)
    assert (failed.failure, failed.failure_code) == ("no avatar", "AVATAR.GONE")


def test_a_conversation_is_archived_before_the_notice_is_due() -> None:
    archived = MOVES.archived(a_session(S.COMPLETED), [OUTPUT])
    assert (archived.outputs, archived.notice_state) == ((OUTPUT,), NoticeState.PENDING)
    announced = MOVES.announced(archived)
    assert announced.notice_state is NoticeState.SENT
    with pytest.raises(TransitionRefused):
        MOVES.announced(announced)


@pytest.mark.parametrize(("move", "session", "reason"), REASONS)
def test_a_rejected_move_has_a_reason(move: Move, session: Session, reason: str) -> None:
    with pytest.raises(TransitionRefused) as rejected:
        move(MOVES, session)
    assert str(rejected.value) == reason


def test_the_first_version_is_due_if_no_execution_starts() -> None:
    before = a_session(**RICH)
    due = LATER + SWEEP_GRACE_SECONDS
    assert SessionMoves(LATER).begin(before) == replace(before, updated_at=LATER, next_check_at=due)


def test_next_check_follows_the_time_scale() -> None:
    assert SessionMoves(NOW, 0.05).poll_failed(a_session(), 40).next_check_at == NOW + (40 + SWEEP_GRACE_SECONDS) * 0.05


# The state diagram of Runway's documentation: one case for each edge.
DIAGRAM = [
    (S.NOT_READY, S.READY),
    (S.NOT_READY, S.CANCELLED),
    (S.NOT_READY, S.FAILED),
    (S.READY, S.RUNNING),
    (S.READY, S.FAILED),
    (S.RUNNING, S.COMPLETED),
    (S.RUNNING, S.CANCELLED),
]


@pytest.mark.parametrize(("before", "after"), DIAGRAM)
def test_each_edge_of_runways_diagram_is_allowed(before: SessionState, after: SessionState) -> None:
    row = a_session(before)
    moved = MOVES.end(row, after) if after.is_terminal else MOVES.observe(row, after.value, 5)
    check_step(FOLLOWS, row, moved)
    assert moved.state is after


def test_terminal_states_have_no_successor_and_no_state_goes_back() -> None:
    order = list(S)
    for before, followers in FOLLOWS.items():
        assert before not in followers
        if before.is_terminal:
            assert not followers
        assert all(order.index(after) > order.index(before) or after.is_terminal for after in followers)


@given(st.lists(st.sampled_from([*(state.value for state in OPEN), "A_NEW_STATUS", ""]), max_size=8))
def test_polls_in_any_order_never_move_a_session_back(statuses: list[str]) -> None:
    order = list(S)
    row = a_session()
    for status in statuses:
        seen = MOVES.observe(row, status, 5)
        check_step(FOLLOWS, row, seen)
        assert order.index(seen.state) >= order.index(row.state)
        row = seen
    assert (row.ready_at is None) == (row.state is S.NOT_READY)
    assert (row.started_at is None) == (row.state is not S.RUNNING)


def test_ready_at_and_started_at_are_the_first_polls_with_that_status() -> None:
    row = a_session()
    for seconds, status in enumerate(("NOT_READY", "READY", "READY", "RUNNING", "RUNNING"), start=1):
        row = SessionMoves(NOW + seconds).observe(row, status, 5)
    assert (row.ready_at, row.started_at, row.checked_at) == (NOW + 2, NOW + 4, NOW + 5)
    at_once = SessionMoves(NOW + 6).observe(a_session(), "RUNNING", 5)
    assert (at_once.ready_at, at_once.started_at) == (NOW + 6, NOW + 6)


def test_check_step_names_the_invalid_step() -> None:
    with pytest.raises(TransitionRefused, match=r"^version 3 does not follow 3$"):
        check_step(FOLLOWS, a_session(), a_session())
    with pytest.raises(TransitionRefused, match=r"^READY does not follow RUNNING$"):
        check_step(FOLLOWS, a_session(S.RUNNING), a_session(S.READY, version=4))


def test_a_step_that_skips_a_version_is_rejected() -> None:
    before = a_session()
    with pytest.raises(TransitionRefused):
        check_step(FOLLOWS, before, MOVES.observe(MOVES.observe(before, "READY", 5), "READY", 5))
    with pytest.raises(TransitionRefused):
        check_step(FOLLOWS, a_session(S.RUNNING, version=1), a_session(S.READY, version=2))
    with pytest.raises(TransitionRefused):
        check_step(FOLLOWS, a_session(version=1), a_session(version=2, id="another"))


class TestCredentials:
    def test_one_claim_at_a_time(self) -> None:
        claimed = MOVES.claim(a_session(S.READY), "one")
        assert (claimed.claim, claimed.claimed_at) == ("one", MOVES.now)
        with pytest.raises(TransitionRefused, match="another request"):
            MOVES.claim(claimed, "two")

    def test_a_claim_by_the_same_token_changes_nothing(self) -> None:
        claimed = MOVES.claim(a_session(S.READY), "one")
        assert MOVES.claim(claimed, "one") is claimed

    def test_credentials_are_consumed_once(self) -> None:
        consumed = MOVES.consumed(MOVES.claim(a_session(S.READY), "one"), "one")
        assert (consumed.consumed_at, consumed.claim) == (MOVES.now, None)
        assert MOVES.consumed(consumed, "one") is consumed
        with pytest.raises(TransitionRefused, match="consumed already"):
            MOVES.claim(consumed, "two")

    def test_a_released_claim_leaves_no_trace(self) -> None:
        released = MOVES.release(MOVES.claim(a_session(S.READY), "one"), "one")
        assert (released.claim, released.claimed_at, released.consumed_at) == (None, None, None)
        assert MOVES.claim(released, "two").claim == "two"

    @pytest.mark.parametrize("move", ["release", "consumed", "burn"])
    def test_only_the_token_that_holds_the_claim_can_settle_it(self, move: str) -> None:
        claimed = MOVES.claim(a_session(S.READY), "one")
        with pytest.raises(TransitionRefused):
            getattr(MOVES, move)(claimed, "two")

    def test_a_burned_session_is_cancelled_and_cannot_be_claimed(self) -> None:
        burned = MOVES.burn(MOVES.claim(a_session(S.READY), "one"), "one")
        assert (burned.burned_at, burned.cancel_requested_at, burned.cancel_reason) == (MOVES.now, MOVES.now, "lost")
        with pytest.raises(TransitionRefused, match="has ended"):
            MOVES.claim(burned, "two")

    def test_burning_a_cancelled_session_keeps_the_first_reason(self) -> None:
        cancelled = MOVES.request_cancel(with_claim(a_session(S.READY)), "client")
        burned = SessionMoves(LATER).burn(cancelled, "token")
        assert (burned.burned_at, burned.cancel_requested_at, burned.cancel_reason) == (LATER, MOVES.now, "client")

    def test_a_claim_without_a_result_is_burned_only_after_its_lease(self) -> None:
        claimed = MOVES.claim(a_session(S.READY), "one")
        early = SessionMoves(MOVES.now + CLAIM_LEASE_SECONDS - 0.001)
        late = SessionMoves(MOVES.now + CLAIM_LEASE_SECONDS)
        assert not early.lease_is_over(claimed)
        with pytest.raises(TransitionRefused):
            early.burn(claimed, None)
        assert late.burn(claimed, None).burned_at == late.now
        with pytest.raises(TransitionRefused):
            late.burn(a_session(S.READY), None)

    def test_a_cancelled_session_cannot_be_claimed_or_consumed(self) -> None:
        cancelled = MOVES.request_cancel(a_session(S.READY), "client")
        with pytest.raises(TransitionRefused):
            MOVES.claim(cancelled, "one")
        under_way = MOVES.request_cancel(MOVES.claim(a_session(S.READY), "one"), "client")
        with pytest.raises(TransitionRefused):
            MOVES.consumed(under_way, "one")

    def test_a_claimed_session_is_not_cancelled_as_unclaimed(self) -> None:
        claimed = MOVES.claim(a_session(S.READY), "one")
        with pytest.raises(TransitionRefused):
            MOVES.request_cancel(claimed, "unclaimed")
        assert MOVES.request_cancel(claimed, "client").cancel_reason == "client"

    def test_a_second_cancel_keeps_the_first_reason(self) -> None:
        first = MOVES.request_cancel(a_session(), "client")
        assert MOVES.request_cancel(first, "unclaimed") is first


class TestEndings:
    @pytest.mark.parametrize(
        ("session", "age", "reason"),
        [
            (a_session(), LONGEST_QUEUE_SECONDS, "unclaimed"),
            (a_session(S.READY), UNCLAIMED_SECONDS, "unclaimed"),
            (a_session(S.READY, consumed_at=NOW + 30), UNCLAIMED_SECONDS + 30, "unclaimed"),
            (a_session(S.RUNNING), 300 + OVERTIME_SECONDS, "overdue"),
        ],
        ids=["never ready", "ready and unclaimed", "consumed and never joined", "longer than allowed"],
    )
    def test_tarmac_cancels_unclaimed_and_overdue_sessions(self, session: Session, age: float, reason: str) -> None:
        assert SessionMoves(NOW + age - 0.001).reason_to_cancel(session, UNCLAIMED_SECONDS) is None
        assert SessionMoves(NOW + age).reason_to_cancel(session, UNCLAIMED_SECONDS) == reason

    @pytest.mark.parametrize(
        ("session", "age", "reason"),
        [
            (a_session(S.READY, ready_at=NOW + 100), 100 + UNCLAIMED_SECONDS, "unclaimed"),
            (a_session(S.READY, ready_at=NOW + 100, consumed_at=NOW + 90), 100 + UNCLAIMED_SECONDS, "unclaimed"),
            (a_session(S.RUNNING, started_at=NOW + 100), 400 + OVERTIME_SECONDS, "overdue"),
        ],
        ids=["ready late", "consumed before a poll returned READY", "started late"],
    )
    def test_limits_count_from_the_latest_change(self, session: Session, age: float, reason: str) -> None:
        assert SessionMoves(NOW + age - 0.001).reason_to_cancel(session, UNCLAIMED_SECONDS) is None
        assert SessionMoves(NOW + age).reason_to_cancel(session, UNCLAIMED_SECONDS) == reason

    def test_ages_are_in_runways_seconds(self) -> None:
        assert SessionMoves(NOW + 30, scale=0.5).reason_to_cancel(a_session(S.READY), 60) == "unclaimed"
        assert SessionMoves(NOW + 29, scale=0.5).reason_to_cancel(a_session(S.READY), 60) is None

    @pytest.mark.parametrize(("scale", "seconds"), [(1.0, 1920.0), (0.5, 960.0)])
    def test_an_unreachable_session_is_polled_until_after_its_latest_possible_end(
        self, scale: float, seconds: float
    ) -> None:
        """Queue, wait for a viewer, call, overtime, and a margin."""
        assert LONGEST_QUEUE_SECONDS + UNCLAIMED_SECONDS + 300 + OVERTIME_SECONDS + UNREACHABLE_SECONDS == 1920
        assert SessionMoves(NOW + seconds - 0.001, scale).may_still_be_polled(a_session(), UNCLAIMED_SECONDS)
        assert not SessionMoves(NOW + seconds, scale).may_still_be_polled(a_session(), UNCLAIMED_SECONDS)

    def test_the_end_replaces_reserved_minutes_with_used_ones(self) -> None:
        ended = MOVES.end(a_session(S.RUNNING), S.COMPLETED, 41.2)
        assert (ended.reserved_seconds, ended.used_seconds, ended.duration_seconds) == (0, 42, 41.2)

    def test_a_cancelled_call_lasts_until_its_cancel(self) -> None:
        cancelled = SessionMoves(NOW + 20).request_cancel(a_session(S.RUNNING), "client")
        ended = SessionMoves(NOW + 33).end(cancelled, S.CANCELLED)
        assert (ended.duration_seconds, ended.used_seconds) == (20.0, 20)

    @pytest.mark.parametrize(
        ("seconds", "scale", "duration", "used"),
        [
            (12.34567, 1.0, 12.346, 13),
            (0.25, 1.0, 0.25, 1),
            (-5.0, 1.0, 0.0, 0),
            (12.0, 0.5, 24.0, 24),
            (299.9, 1.0, 299.9, 300),
            (301.0, 1.0, 300, 300),
        ],
    )
    def test_a_call_without_a_reported_duration_lasts_until_now(
        self, seconds: float, scale: float, duration: float, used: int
    ) -> None:
        ended = SessionMoves(NOW + seconds, scale).end(a_session(S.RUNNING), S.COMPLETED)
        assert ended.duration_seconds == pytest.approx(duration, abs=1e-6)
        assert ended.used_seconds == used

    def test_a_session_without_a_call_uses_no_minutes(self) -> None:
        ended = MOVES.end(a_session(S.READY), S.CANCELLED)
        assert (ended.duration_seconds, ended.used_seconds) == (None, 0)

    @given(st.floats(0, 10_000))
    def test_a_call_never_uses_more_than_was_reserved(self, age: float) -> None:
        ended = SessionMoves(NOW + age).end(a_session(S.RUNNING), S.CANCELLED)
        assert 0 <= ended.used_seconds <= 300

    def test_a_session_is_archived_before_it_is_announced(self) -> None:
        ended = MOVES.end(a_session(S.RUNNING), S.COMPLETED, 5)
        with pytest.raises(TransitionRefused):
            MOVES.announced(ended)
        archived = MOVES.archived(ended, [OUTPUT])
        assert (archived.outputs, archived.notice_state) == ((OUTPUT,), NoticeState.PENDING)
        with pytest.raises(TransitionRefused):
            MOVES.archived(archived, [])
        assert MOVES.announced(archived).notice_state is NoticeState.SENT

    def test_a_rerun_has_a_new_execution_name(self) -> None:
        session = a_session()
        assert (session.execution_name, MOVES.rerun(session).execution_name) == ("live-1", "live-1-2")


class TestWaits:
    @given(st.sampled_from(sorted(OPEN)), st.floats(0, 5000), st.floats(5, 600))
    def test_intervals_are_whole_seconds_between_1_and_15(
        self, state: SessionState, age: float, unclaimed: float
    ) -> None:
        wait = SessionMoves(NOW + age).next_poll_seconds(a_session(state), unclaimed)
        assert isinstance(wait, int)
        assert 1 <= wait <= 15

    def test_a_ready_session_is_polled_when_its_unclaimed_time_ends(self) -> None:
        assert SessionMoves(NOW + 58).next_poll_seconds(a_session(S.READY), 60) == 2

    @pytest.mark.parametrize(
        ("session", "age", "wait"),
        [
            (a_session(), 0.0, 5),
            (a_session(), 500.0, 5),
            (a_session(S.READY), 0.0, 5),
            (a_session(S.READY), 56.5, 4),
            (a_session(S.READY), 59.9, 1),
            (a_session(S.READY), 100.0, 1),
            (a_session(S.READY, ready_at=NOW + 10), 66.0, 4),
            (a_session(S.READY, ready_at=NOW + 10, consumed_at=NOW + 20), 76.0, 4),
            (a_session(S.RUNNING), 0.0, 15),
            (a_session(S.RUNNING), 290.0, 10),
            (a_session(S.RUNNING), 299.5, 2),
            (a_session(S.RUNNING), 400.0, 2),
            (a_session(S.RUNNING, started_at=NOW + 100), 390.0, 10),
        ],
    )
    def test_the_interval_depends_on_state_and_age(self, session: Session, age: float, wait: int) -> None:
        assert SessionMoves(NOW + age).next_poll_seconds(session, UNCLAIMED_SECONDS) == wait

    def test_a_clock_that_is_behind_gives_an_age_of_zero(self) -> None:
        for now in (NOW, NOW - 3):
            assert SessionMoves(now).next_poll_seconds(a_session(S.READY), 3) == 3

    def test_the_history_of_the_longest_session_stays_under_step_functions_limit(self) -> None:
        """Nine events for each poll; the limit is 25,000."""
        row, now, polls = a_session(max_seconds=1800), NOW, 0
        for status, seconds in (("NOT_READY", LONGEST_QUEUE_SECONDS), ("READY", 600), ("RUNNING", 1860)):
            until = now + seconds
            while now < until:
                row = SessionMoves(now).observe(row, status, 0)
                now += SessionMoves(now).next_poll_seconds(row, 600)
                polls += 1
        assert polls * 9 < 10_000


class TestRow:
    @pytest.mark.parametrize("state", S)
    def test_a_row_contains_every_field(self, state: SessionState) -> None:
        session = a_session(state, metadata={"page": "7"}, outputs=(OUTPUT,), claim="t", claimed_at=NOW + 0.5)
        assert from_row(to_row(session)) == session

    def test_a_row_is_due_until_it_is_announced_and_is_not_listed_as_a_task(self) -> None:
        row = to_row(a_session(S.COMPLETED))
        assert row["due"].startswith("session-due#")
        assert "client" not in row
        done = to_row(a_session(S.COMPLETED, notice_state=NoticeState.SENT))
        assert "due" not in done
        assert "nextCheckAt" not in done
