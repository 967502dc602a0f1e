"""Reading, listing and deleting: a client sees only its own tasks, and DELETE behaves as at Runway."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.requests.paging import MAX_LIMIT
from tarmac.requests.validation import InvalidRequest
from tarmac.runway.errors import UpstreamUnavailable
from tarmac.tasks.cancel import cancel
from tarmac.tasks.moves import Moves
from tarmac.tasks.read import DEFAULT_LIMIT, list_tasks, read_task
from tarmac.tasks.responses import shown_status
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.task import State
from tests.fakes import World
from tests.fakes.composed import finish
from tests.fakes.samples import NOW, a_task
from tests.fakes.stories import accepted, standing, submitted, succeeded


class TestRead:
    def test_a_client_reads_its_own_task(self, world: World) -> None:
        task = accepted(world)
        assert read_task(task.id, "acme", world) == task

    @pytest.mark.parametrize("client", ["other", "", "acm", "acme2"])
    def test_another_clients_task_is_not_found(self, client: str, world: World) -> None:
        task = accepted(world)
        with pytest.raises(NoSuchTask) as theirs:
            read_task(task.id, client, world)
        with pytest.raises(NoSuchTask) as unknown:
            read_task("unknown", client, world)
        assert type(theirs.value) is type(unknown.value)

    def test_a_hidden_task_is_not_found(self, world: World) -> None:
        task = standing(world, accepted(world), State.FAILED, hidden_at=NOW)
        with pytest.raises(NoSuchTask):
            read_task(task.id, "acme", world)

    def test_a_task_that_was_read_is_not_claimed_by_a_retry(self, world: World) -> None:
        task = a_task(version=1, claimable=True)
        world.tasks.create(task, {})
        assert not read_task(task.id, "acme", world).claimable
        assert not world.tasks.get(task.id).claimable

    @pytest.mark.parametrize("task_id", ["x" * 3000, "", "\ud800", "a#b", "../x"])
    def test_an_invalid_id_is_not_found(self, task_id: str, world: World) -> None:
        with pytest.raises(NoSuchTask):
            read_task(task_id, "acme", world)


def fill(world: World, count: int, client: str = "acme", **changes: Any) -> list[str]:
    ids = []
    for n in range(count):
        task = a_task(**{"id": f"{client}-{n:03d}", "client": client, "version": 1, "created_at": NOW + n, **changes})
        world.tasks.create(task, {})
        ids.append(task.id)
    return ids[::-1]


def everything(world: World, **query: str) -> tuple[list[str], int]:
    """All ids over all pages, and the number of pages."""
    found: list[str] = []
    pages = 0
    while True:
        page = list_tasks("acme", query, world)
        found += [task.id for task in page.tasks]
        pages += 1
        assert pages < 100
        if page.cursor is None:
            return found, pages
        query["cursor"] = page.cursor


class TestList:
    def test_is_newest_first_and_only_the_clients_own(self, world: World) -> None:
        ids = fill(world, 3)
        fill(world, 3, client="other")
        assert everything(world) == (ids, 1)

    def test_of_a_client_without_tasks_is_empty(self, world: World) -> None:
        page = list_tasks("acme", {}, world)
        assert (page.tasks, page.cursor) == ([], None)

    def test_has_fifty_tasks_a_page_by_default(self, world: World) -> None:
        fill(world, DEFAULT_LIMIT + 1)
        page = list_tasks("acme", {}, world)
        assert len(page.tasks) == DEFAULT_LIMIT
        assert page.cursor is not None

    @pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100])
    def test_comes_in_contiguous_pages(self, limit: int, world: World) -> None:
        ids = fill(world, 7)
        found, pages = everything(world, limit=str(limit))
        assert found == ids
        assert pages == -(-7 // limit)

    def test_does_not_skip_or_duplicate_tasks_after_a_new_task(self, world: World) -> None:
        ids = fill(world, 4)
        first = list_tasks("acme", {"limit": "2"}, world)
        world.tasks.create(a_task(id="newer", version=1, created_at=NOW + 99), {})
        assert first.cursor is not None
        second = list_tasks("acme", {"limit": "2", "cursor": first.cursor}, world)
        assert [task.id for task in (*first.tasks, *second.tasks)] == ids

    def test_filters_by_status(self, world: World) -> None:
        fill(world, 5)
        failed = a_task(State.FAILED, id="failed", version=1, created_at=NOW + 2.5)
        world.tasks.create(failed, {})
        assert everything(world, status="FAILED", limit="1")[0] == ["failed"]
        assert len(everything(world, status="PENDING")[0]) == 5
        assert everything(world, status="RUNNING")[0] == []

    def test_of_a_rare_status_reads_at_most_a_thousand_rows_at_a_time(self, world: World) -> None:
        fill(world, 1100)
        world.tasks.create(a_task(State.FAILED, id="oldest", version=1, created_at=NOW - 1), {})
        page = list_tasks("acme", {"status": "FAILED"}, world)
        assert page.tasks == []
        assert page.cursor is not None
        assert everything(world, status="FAILED")[0] == ["oldest"]

    def test_omits_hidden_tasks(self, world: World) -> None:
        fill(world, 2)
        world.tasks.create(a_task(State.FAILED, id="hidden", version=1, hidden_at=NOW), {})
        assert "hidden" not in everything(world)[0]

    def test_leaves_tasks_claimable(self, world: World) -> None:
        world.tasks.create(a_task(version=1, claimable=True), {})
        [task] = list_tasks("acme", {}, world).tasks
        assert world.tasks.get(task.id).claimable

    @pytest.mark.parametrize(
        "limit",
        [
            "0",
            "101",
            "-1",
            "1.5",
            "",
            "ten",
            "٣",
            "1e2",
            " 5",
            "9" * 30,
            "0" * 8 + "5" * 3,
            "0" * 9 + "7",
            "0" * 8 + "5" * 5000,
        ],
    )
    def test_rejects_an_invalid_limit(self, limit: str, world: World) -> None:
        with pytest.raises(InvalidRequest) as caught:
            list_tasks("acme", {"limit": limit}, world)
        assert caught.value.issues[0].path == ("limit",)

    @pytest.mark.parametrize("limit", ["1", "50", str(MAX_LIMIT)])
    def test_takes_a_limit_in_bounds(self, limit: str, world: World) -> None:
        assert list_tasks("acme", {"limit": limit}, world).tasks == []

    @pytest.mark.parametrize("status", ["", "running", "WAITING", "DONE"])
    def test_rejects_an_unknown_status(self, status: str, world: World) -> None:
        with pytest.raises(InvalidRequest) as caught:
            list_tasks("acme", {"status": status}, world)
        assert caught.value.issues[0].path == ("status",)


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


BAD_CURSORS = {
    "no base64": "%%%",
    "not ASCII": "курсор",
    "half": "AAA",
    "no JSON": base64.urlsafe_b64encode(b"hello").decode(),
    "not UTF-8": base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
    "an object": cursor({"pk": "task#1", "listKey": "x"}),
    "one part": cursor(["task#1"]),
    "three parts": cursor(["task#1", "x", "y"]),
    "numbers": cursor([1, 2]),
    "another kind of row": cursor(["key#1", "2023-11-14T22:13:20.000Z#1"]),
    "no moment": cursor(["task#1", ""]),
    "no id": cursor(["task#", "2023-11-14T22:13:20.000Z#"]),
    "a lone surrogate": base64.urlsafe_b64encode(b'["task#\\ud800", "2023\\ud800"]').decode(),
    "a key too long": cursor(["task#" + "x" * 3000, "2023-11-14T22:13:20.000Z#" + "x" * 3000]),
    "depth": base64.urlsafe_b64encode(b"[" * 5000).decode(),
    "digits": base64.urlsafe_b64encode(b"9" * 5000).decode(),
}


@pytest.mark.parametrize("value", BAD_CURSORS.values(), ids=BAD_CURSORS)
def test_an_invalid_cursor_is_rejected(value: str, world: World) -> None:
    with pytest.raises(InvalidRequest) as caught:
        list_tasks("acme", {"cursor": value}, world)
    assert caught.value.issues[0].path == ("cursor",)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_cursor_returns_a_page_or_is_rejected(value: str) -> None:
    try:
        page = list_tasks("acme", {"cursor": value}, World())
    except InvalidRequest:
        return
    assert page.tasks == []


def test_a_cursor_of_another_client_shows_none_of_its_tasks(world: World) -> None:
    fill(world, 4, client="other")
    own = fill(world, 2)
    theirs = list_tasks("other", {"limit": "1"}, world).cursor
    assert theirs is not None
    found = [task.id for task in list_tasks("acme", {"cursor": theirs}, world).tasks]
    assert set(found) <= set(own)


class TestCancel:
    @pytest.mark.parametrize("state", [State.ACCEPTED, State.WAITING, State.SUBMITTING])
    def test_before_the_create_stops_it(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state)
        cancel(task, world, delete_outputs=False)
        row = world.tasks.get(task.id)
        assert row.cancel_requested_at == NOW
        assert shown_status(row) == "CANCELLED"
        assert world.runway.cancelled == []

    def test_while_running_stops_runway_too(self, world: World) -> None:
        task = submitted(world)
        cancel(task, world, delete_outputs=False)
        assert world.runway.cancelled == ["up-1"]
        assert shown_status(world.tasks.get(task.id)) == "CANCELLED"

    @pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
    def test_never_deletes_an_ended_generation(self, status: str, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", status)
        cancel(task, world, delete_outputs=True)
        assert world.runway.cancelled == []

    def test_succeeds_though_runway_is_unavailable(self, world: World) -> None:
        task = submitted(world)
        world.runway.unreadable = [UpstreamUnavailable("down")]
        cancel(task, world, delete_outputs=False)
        assert world.tasks.get(task.id).cancel_requested_at is not None
        world.runway.refuse_cancels = [UpstreamUnavailable("down")]
        task = submitted(world)
        cancel(task, world, delete_outputs=False)
        assert world.tasks.get(task.id).cancel_requested_at is not None

    def test_succeeds_if_the_generation_is_gone_at_runway(self, world: World) -> None:
        task = submitted(world)
        world.runway.tasks.clear()
        cancel(task, world, delete_outputs=False)
        assert world.tasks.get(task.id).cancel_requested_at is not None

    def test_a_second_time_is_not_found(self, world: World) -> None:
        task = submitted(world)
        cancel(task, world, delete_outputs=False)
        with pytest.raises(NoSuchTask):
            cancel(world.tasks.get(task.id), world, delete_outputs=False)

    def test_of_two_concurrent_calls_one_is_not_found(self, world: World) -> None:
        task = submitted(world)
        cancel(task, world, delete_outputs=False)
        with pytest.raises(NoSuchTask):
            cancel(task, world, delete_outputs=False)
        assert world.runway.cancelled == ["up-1"]

    def test_of_a_task_that_ends_meanwhile_hides_it(self, world: World) -> None:
        seen = succeeded(world)
        finish(seen.id, world, 10**6)
        cancel(seen, world, delete_outputs=False)
        row = world.tasks.get(seen.id)
        assert (row.state, row.cancel_requested_at) == (State.SUCCEEDED, None)
        assert row.hidden_at is not None


class TestHide:
    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.AMBIGUOUS_FAILED])
    def test_an_ended_task_is_hidden_and_then_not_found(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state)
        cancel(task, world, delete_outputs=False)
        with pytest.raises(NoSuchTask):
            read_task(task.id, "acme", world)
        with pytest.raises(NoSuchTask):
            cancel(world.tasks.get(task.id), world, delete_outputs=False)

    @pytest.mark.parametrize("delete_outputs", [False, True])
    def test_outputs_are_deleted_only_if_the_operator_has_configured_it(
        self, delete_outputs: bool, world: World
    ) -> None:
        task = succeeded(world, outputs=2)
        finish(task.id, world, 10**6)
        cancel(world.tasks.get(task.id), world, delete_outputs)
        assert bool(world.archive.objects) is not delete_outputs

    def test_a_task_cancelled_by_its_client_stays_visible(self, world: World) -> None:
        task = submitted(world)
        cancel(task, world, delete_outputs=False)
        finish(task.id, world, 10**6)
        assert shown_status(read_task(task.id, "acme", world)) == "CANCELLED"
        with pytest.raises(NoSuchTask):
            cancel(world.tasks.get(task.id), world, delete_outputs=False)

    def test_the_notice_of_a_hidden_task_is_published(self, world: World) -> None:
        task = standing(world, accepted(world), State.FAILED, notice_state="PENDING", ended_at=NOW)
        cancel(world.tasks.get(task.id), world, delete_outputs=False)
        finish(task.id, world, 10**6)
        assert len(world.topic.published) == 1


def test_a_cancelled_task_is_never_claimed(world: World) -> None:
    task = accepted(world)
    cancel(task, world, delete_outputs=False)
    with pytest.raises(Exception, match="never created"):
        world.tasks.move(task.id, Moves.claim, "t")
