"""Accept: writes the row, then starts the execution. An invalid request leaves nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from tarmac.catalogue import UnknownOperation
from tarmac.idempotency import KEY_LIFETIME_SECONDS, RETRY_WINDOW_SECONDS, KeyReused, RequestIdentity
from tarmac.ports import ConditionFailed, Put
from tarmac.requests.validation import InvalidRequest
from tarmac.rows import DUE, SWEEP_GRACE_SECONDS, Contended, NoticeState
from tarmac.tasks.accept import Accepted, Order, accept, start_execution
from tarmac.tasks.read import read_task
from tarmac.tasks.store import NoSuchTask
from tarmac.tasks.task import State
from tests.fakes import MemoryExecutions, MemoryTable, World
from tests.fakes.composed import finish
from tests.fakes.samples import NOW, OFFERED, PNG, data_uri, good_body
from tests.fakes.stories import DEADLINE_SECONDS, accepted, an_order, succeeded

FIRST = RequestIdentity("acme", "/v1/image_to_video", "ab" * 32)
KEYED = replace(FIRST, key="order-17")
RETRY = replace(FIRST, retry=1)
SECOND_RETRY = replace(FIRST, retry=2)


def create(world: World, request_identity: RequestIdentity | None = None, **changes: Any) -> Accepted:
    return accept(replace(an_order(**changes), request_identity=request_identity), world, DEADLINE_SECONDS)


@pytest.mark.parametrize(("operation", "model"), OFFERED)
def test_a_create_becomes_a_row_and_an_execution(operation: str, model: str, world: World) -> None:
    task = accepted(world, operation, model)
    row = world.tasks.get(task.id)
    assert row == task
    assert (row.state, row.client, row.operation, row.model) == (State.ACCEPTED, "acme", operation, model)
    assert (row.version, row.run, row.attempt, row.notice_state) == (1, 1, 0, NoticeState.NONE)
    assert (row.created_at, row.deadline_at) == (NOW, NOW + DEADLINE_SECONDS)
    assert row.next_check_at == NOW + SWEEP_GRACE_SECONDS
    assert row.reserved_credits == row.estimated_credits
    assert world.executions.started == {task.id: f'{{"taskId":"{task.id}"}}'}


def test_accepting_a_create_makes_no_attempt_and_publishes_no_notice(world: World) -> None:
    accepted(world)
    assert world.runway.tasks == {}
    assert world.topic.published == []


class TestDraft:
    """A request may name the task of a draft. Runway needs its own id of that task."""

    def create(self, world: World, draft: str, client: str = "acme") -> Any:
        body = {"model": "seedance2_5", "draftTaskId": draft}
        task = accept(Order("text_to_video", client, body, {"kind": "api"}), world, DEADLINE_SECONDS).task
        return world.tasks.request(task.id)["body"]["draftTaskId"]

    def test_of_the_client_is_replaced_by_runways_id(self, world: World) -> None:
        draft = succeeded(world)
        finish(draft.id, world, 10**6)
        assert self.create(world, draft.id) == draft.upstream_id

    def test_that_has_not_succeeded_is_rejected(self, world: World) -> None:
        with pytest.raises(InvalidRequest, match=r"draftTaskId: Task .* has not succeeded"):
            self.create(world, succeeded(world).id)

    @pytest.mark.parametrize("draft", ["f1d5c1de-7a3f-4a51-9d63-0c5a8b1f2e47", "x" * 5000, "a b", "task#x"])
    def test_with_an_unknown_id_is_passed_to_runway(self, draft: str, world: World) -> None:
        assert self.create(world, draft) == draft

    def test_of_another_client_is_passed_to_runway(self, world: World) -> None:
        draft = succeeded(world)
        finish(draft.id, world, 10**6)
        assert self.create(world, draft.id, client="other") == draft.id


def test_metadata_and_source_are_stored_in_the_row_and_not_in_the_request(world: World) -> None:
    order = replace(an_order(), metadata={"order": "A-17"}, source={"kind": "console"})
    task = accept(order, world, DEADLINE_SECONDS).task
    row = world.tasks.get(task.id)
    assert (row.metadata, row.source) == ({"order": "A-17"}, {"kind": "console"})
    assert "A-17" not in str(world.tasks.request(task.id))


def test_the_row_comes_first(world: World) -> None:
    """When the execution starts, the row of its task exists."""

    class Checking(MemoryExecutions):
        def start(self, name: str, execution_input: str) -> None:
            assert world.tasks.get(name).state is State.ACCEPTED
            super().start(name, execution_input)

    world.executions = Checking()
    accepted(world)
    assert world.executions.started


def test_a_start_that_fails_leaves_a_row_for_the_sweeper(world: World) -> None:
    class Down(MemoryExecutions):
        def start(self, name: str, execution_input: str) -> None:
            raise ConnectionError("Step Functions is down")

    world.executions = Down()
    with pytest.raises(ConnectionError):
        accepted(world)
    [key] = DUE.keys(world.table, NOW + SWEEP_GRACE_SECONDS)
    assert world.tasks.get(key.removeprefix("task#")).state is State.ACCEPTED


def test_an_existing_execution_is_not_started_again(world: World) -> None:
    task = accepted(world)
    start_execution(task, world)
    assert len(world.executions.started) == 1


def test_no_execution_is_started_if_the_caller_is_one(world: World) -> None:
    accept(an_order(), world, DEADLINE_SECONDS, start=False)
    assert world.executions.started == {}


class TestRejections:
    BAD: ClassVar[list[tuple[Order, tuple[str | int, ...]]]] = [
        (an_order(promptImage=None), ("promptImage",)),
        (an_order("video_to_video", "gen4_aleph", videoUri=None), ("videoUri",)),
        (an_order(ratio="4:3"), ("ratio",)),
        (an_order(duration=99), ("duration",)),
        (Order("image_to_video", "acme", {}, {}), ("model",)),
        (Order("image_to_video", "acme", {"model": ""}, {}), ("model",)),
        (Order("image_to_video", "acme", {"model": 7}, {}), ("model",)),
        (Order("text_to_video", "acme", good_body("image_to_video", "gen4_turbo"), {}), ("model",)),
        (an_order(promptImage="s3://uploads/inputs/other/01.png"), ("promptImage",)),
        (an_order(promptImage="data:image/png;base64,@@@"), ("promptImage",)),
        (an_order(promptImage="data:image/png;base64,"), ("promptImage",)),
        (Order("image_to_video", "acme", {"model": "gen9", "image": "data:image/png;base64,@@@"}, {}), ("image",)),
    ]

    @pytest.mark.parametrize(("order", "path"), BAD)
    def test_name_the_field_and_store_nothing(self, order: Order, path: tuple[str | int, ...], world: World) -> None:
        with pytest.raises(InvalidRequest) as caught:
            accept(order, world, DEADLINE_SECONDS)
        assert [issue.path for issue in caught.value.issues] == [path]
        assert str(caught.value).startswith(str(path[0]))
        assert (world.table.rows, world.uploads.objects, world.executions.started) == ({}, {}, {})

    def test_of_a_model_of_another_operation_name_that_operation(self, world: World) -> None:
        with pytest.raises(InvalidRequest, match="/v1/image_to_video"):
            accept(Order("text_to_video", "acme", {"model": "gen4_turbo"}, {}), world, DEADLINE_SECONDS)

    @pytest.mark.parametrize("operation", ["", "video_to_smell", "../catalogue", "tasks"])
    def test_of_an_unknown_operation(self, operation: str, world: World) -> None:
        with pytest.raises(UnknownOperation):
            accept(Order(operation, "acme", {"model": "gen4.5"}, {}), world, DEADLINE_SECONDS)
        assert world.table.rows == {}


def test_an_unknown_model_passes_without_a_price(world: World) -> None:
    body = {"model": "gen9", "promptImage": "https://media.example.com/a.png", "dimension": 4}
    found = accept(Order("image_to_video", "acme", body, {}), world, DEADLINE_SECONDS)
    assert (found.task.model, found.task.estimated_credits, found.task.reserved_credits) == ("gen9", None, 0.0)
    assert world.tasks.request(found.task.id)["body"] == body


def test_unknown_parameters_pass_and_are_reported(world: World) -> None:
    found = create(world, zoom=2)
    assert found.unknown_parameters == ["zoom"]
    assert world.tasks.request(found.task.id)["body"]["zoom"] == 2


def test_older_spellings_and_names_are_stored_in_the_current_ones(world: World) -> None:
    body = {
        "model": "runwayml-character-performance",
        "promptImage": "https://media.example.com/a.png",
        "promptPerformance": "https://media.example.com/a.mp4",
        "ratio": "1280:720",
    }
    task = accept(Order("character_performance", "acme", body, {}), world, DEADLINE_SECONDS).task
    assert task.model == "act_two"
    assert world.tasks.request(task.id)["body"] == {
        "model": "act_two",
        "character": {"type": "image", "uri": "https://media.example.com/a.png"},
        "reference": {"type": "video", "uri": "https://media.example.com/a.mp4"},
        "ratio": "1280:720",
    }


class TestInlineMedia:
    def test_moves_to_the_bucket_before_the_row_is_written(self, world: World) -> None:
        task = accepted(world, promptImage=data_uri())
        key = f"inputs/{task.id}/01.png"
        content, stored = world.uploads.objects[key]
        assert (content, stored.content_type) == (PNG, "image/png")
        held = world.tasks.request(task.id)
        [source] = held["inputs"]
        assert source | {"path": ["promptImage"], "bucket": "uploads", "key": key} == source
        assert held["body"]["promptImage"] == f"s3://uploads/{key}"

    def test_moves_from_every_field(self, world: World) -> None:
        frames = [
            {"uri": data_uri(content_type="image/webp"), "position": "first"},
            {"uri": data_uri(content_type="image/jpg"), "position": "last"},
        ]
        task = accepted(world, "image_to_video", "veo3.1", promptImage=frames)
        held = world.tasks.request(task.id)
        assert [source["path"] for source in held["inputs"]] == [["promptImage", 0, "uri"], ["promptImage", 1, "uri"]]
        assert sorted(world.uploads.objects) == [f"inputs/{task.id}/01.webp", f"inputs/{task.id}/02.jpg"]
        assert frames[0]["uri"].startswith("data:")

    @pytest.mark.parametrize(
        "prefix", ["DATA:IMAGE/PNG;BASE64,", "data:image/png;name=" + "a" * 300 + ";base64,", "Data:image/png;Base64,"]
    )
    def test_moves_in_every_accepted_spelling(self, prefix: str, world: World) -> None:
        """A row holds 400 KB, and a transaction 4 MB."""
        task = accepted(world, promptImage=prefix + "AAAA" * 1_200_000)
        assert len(world.uploads.objects) == 1
        assert len(str(world.tasks.request(task.id))) < 2000

    def test_leaves_links_alone(self, world: World) -> None:
        task = accepted(world)
        assert world.uploads.objects == {}
        assert world.tasks.request(task.id)["inputs"] == []

    @pytest.mark.parametrize(
        "prompt",
        [
            "data: the android walks",
            "data:image/png;base64,AAAA is how it begins",
            "data:image/png;base64,AAAA",
            "s3://uploads/inbox/a.png",
            "runway://abc",
        ],
    )
    def test_is_not_searched_in_a_prompt(self, prompt: str, world: World) -> None:
        order = replace(an_order(promptText=prompt), s3_allowed={"uploads"})
        task = accept(order, world, DEADLINE_SECONDS).task
        held = world.tasks.request(task.id)
        assert (held["body"]["promptText"], held["inputs"]) == (prompt, [])

    def test_is_limited_in_number(self, world: World) -> None:
        """Each is a write to S3. A body of many small ones must not occupy a function for minutes."""
        with pytest.raises(InvalidRequest):
            accepted(world, more=[data_uri(b"x")] * 5000)
        assert world.uploads.objects == {}


class TestObjects:
    def test_are_held_by_bucket_key_and_version(self, world: World) -> None:
        link = "s3://uploads/inbox/Caf%C3%A9%20%2B%20%3F%231.jpg?versionId=abc"
        task = accept(replace(an_order(promptImage=link), s3_allowed={"uploads"}), world, DEADLINE_SECONDS).task
        held = world.tasks.request(task.id)
        [source] = held["inputs"]
        assert (source["path"], source["bucket"]) == (["promptImage"], "uploads")
        assert (source["key"], source["versionId"]) == ("inbox/Café + ?#1.jpg", "abc")
        assert held["body"]["promptImage"] == "s3://uploads/inbox/Caf%C3%A9%20%2B%20%3F%231.jpg"


def test_a_request_with_a_task_id_is_accepted_once(world: World) -> None:
    order = replace(an_order(), task_id="derived")
    first, second = (accept(order, world, DEADLINE_SECONDS) for _ in range(2))
    assert (first.is_new, second.is_new) == (True, False)
    assert first.task == second.task
    assert list(world.executions.started) == ["derived"]


class TestIdempotencyKey:
    def test_returns_the_first_task(self, world: World) -> None:
        first, second = create(world, KEYED), create(world, KEYED)
        assert (first.is_new, second.is_new) == (True, False)
        assert first.task.id == second.task.id
        assert list(world.executions.started) == [first.task.id]

    def test_is_rejected_with_another_body(self, world: World) -> None:
        create(world, KEYED)
        with pytest.raises(KeyReused):
            create(world, replace(KEYED, body_sha256="cd" * 32), duration=5)
        assert len(world.executions.started) == 1

    def test_starts_the_execution_that_the_first_request_could_not_start(self, world: World) -> None:
        task = create(world, KEYED).task
        world.executions.started.clear()
        create(world, KEYED)
        assert list(world.executions.started) == [task.id]

    def test_does_not_start_an_ended_task(self, world: World) -> None:
        task = create(world, KEYED).task
        world.tasks.move(task.id, lambda _, row: replace(row, state=State.CANCELLED, version=row.version + 1))
        world.executions.started.clear()
        assert create(world, KEYED).task.state is State.CANCELLED
        assert world.executions.started == {}

    def test_expires_after_thirty_days(self, world: World) -> None:
        first = create(world, KEYED).task
        world.clock.advance(KEY_LIFETIME_SECONDS + 1)
        second = create(world, KEYED)
        assert second.is_new
        assert second.task.id != first.id
        assert create(world, KEYED).task.id == second.task.id

    def test_of_two_concurrent_requests_makes_one_task(self, world: World) -> None:
        class Raced(MemoryTable):
            raced = False

            def write(self, *puts: Put) -> None:
                if not self.raced:
                    self.raced = True
                    self.winner = create(world, KEYED)
                super().write(*puts)

        table = world.table = Raced()
        loser = create(world, KEYED)
        assert loser.task.id == table.winner.task.id
        assert (table.winner.is_new, loser.is_new) == (True, False)
        assert list(world.executions.started) == [loser.task.id]

    def test_of_two_concurrent_requests_with_different_bodies_is_rejected(self, world: World) -> None:
        class Raced(MemoryTable):
            raced = False

            def write(self, *puts: Put) -> None:
                if not self.raced:
                    self.raced = True
                    create(world, replace(KEYED, body_sha256="cd" * 32))
                super().write(*puts)

        world.table = Raced()
        with pytest.raises(KeyReused):
            create(world, KEYED)
        assert len(world.executions.started) == 1

    def test_in_a_conflict_that_wrote_nothing_may_be_retried(self, world: World) -> None:
        """DynamoDB cancels concurrent transactions, sometimes all of them."""

        class Conflicting(MemoryTable):
            conflicts = 1

            def write(self, *puts: Put) -> None:
                if self.conflicts:
                    self.conflicts -= 1
                    raise ConditionFailed
                super().write(*puts)

        world.table = Conflicting()
        try:
            found = create(world, KEYED)
        except NoSuchTask:
            pytest.fail("a create never fails with a task that is not found")
        except Contended:
            found = create(world, KEYED)
        assert world.tasks.get(found.task.id).state is State.ACCEPTED


class TestSdkRetry:
    def test_returns_the_task_of_the_first_request(self, world: World) -> None:
        first = create(world, FIRST)
        assert first.task.claimable
        again = create(world, RETRY)
        assert (again.task.id, again.is_new) == (first.task.id, False)

    def test_returns_it_after_each_lost_response(self, world: World) -> None:
        first = create(world, FIRST).task.id
        found = [create(world, replace(FIRST, retry=number)) for number in (1, 2, 3)]
        assert {(each.task.id, each.is_new) for each in found} == {(first, False)}
        assert len(world.executions.started) == 1

    def test_returns_the_task_that_its_first_retry_has_created(self, world: World) -> None:
        """The first request never arrived."""
        made = create(world, RETRY)
        again = create(world, SECOND_RETRY)
        assert (made.is_new, again.task.id, again.is_new) == (True, made.task.id, False)

    def test_does_not_claim_a_task_of_another_creates_retry(self, world: World) -> None:
        assert create(world, RETRY).task.id != create(world, RETRY).task.id

    def test_does_not_claim_a_task_that_was_read_after_the_first_retry(self, world: World) -> None:
        first = create(world, FIRST).task.id
        create(world, RETRY)
        read_task(first, "acme", world)
        assert create(world, SECOND_RETRY).is_new

    def test_claims_no_task_a_second_time_after_ten_minutes(self, world: World) -> None:
        create(world, FIRST)
        create(world, RETRY)
        world.clock.advance(RETRY_WINDOW_SECONDS + 1)
        assert create(world, SECOND_RETRY).is_new

    def test_creates_a_task_if_the_first_request_never_arrived(self, world: World) -> None:
        assert create(world, RETRY).is_new

    @pytest.mark.parametrize("later", [RETRY, SECOND_RETRY])
    def test_with_the_same_or_a_lower_number_is_another_create(self, later: RequestIdentity, world: World) -> None:
        first = create(world, FIRST)
        assert create(world, later).task.id == first.task.id
        assert create(world, RETRY).is_new

    def test_claims_the_newest_task_first(self, world: World) -> None:
        older, newer = create(world, FIRST), self._later(world)
        assert create(world, RETRY).task.id == newer.task.id
        assert create(world, RETRY).task.id == older.task.id

    @staticmethod
    def _later(world: World) -> Accepted:
        world.clock.advance(1)
        return create(world, FIRST)

    def test_claims_no_task_older_than_ten_minutes(self, world: World) -> None:
        create(world, FIRST)
        world.clock.advance(RETRY_WINDOW_SECONDS + 1)
        assert create(world, RETRY).is_new

    def test_claims_no_task_created_with_a_key(self, world: World) -> None:
        first = create(world, KEYED)
        assert not first.task.claimable
        assert create(world, RETRY).is_new

    def test_that_is_not_a_retry_claims_nothing(self, world: World) -> None:
        ids = {create(world, FIRST).task.id for _ in range(4)}
        assert len(ids) == 4

    def test_of_four_identical_creates_leaves_four_tasks(self, world: World) -> None:
        """One response is lost and one request never arrives. Both are retried, and four tasks exist in the end."""
        lost = create(world, FIRST).task.id
        assert create(world, RETRY).task.id == lost
        ids = {lost, create(world, RETRY).task.id}
        for _ in range(2):
            world.clock.advance(1)
            ids.add(create(world, FIRST).task.id)
        assert len(ids) == len(world.executions.started) == 4
