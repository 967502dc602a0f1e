"""Submit: one attempt per claim, also after failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, BinaryIO

import pytest

from tarmac.outcome import ENDED, Outcome
from tarmac.rows import NoticeState
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamUnavailable
from tarmac.runway.ports import Created
from tarmac.tasks.accept import accept
from tarmac.tasks.moves import CLAIM_LEASE_SECONDS, Moves
from tarmac.tasks.submit import AMBIGUOUS_RETRY_SECONDS, PREPARATION_SECONDS, submit
from tarmac.tasks.task import State
from tests.fakes import FakeRunway, World
from tests.fakes.samples import NOW, PIXEL, PNG, data_uri
from tests.fakes.stories import DEADLINE_SECONDS, accepted, an_order, standing, submitted


class TestBought:
    def test_a_create_binds_runways_task_to_the_row(self, world: World) -> None:
        task = accepted(world)
        assert submit(task.id, world, 0) == Outcome("running", 12)
        row = world.tasks.get(task.id)
        assert (row.state, row.upstream_id, row.attempt, row.claim) == (State.SUBMITTED, "up-1", 1, None)
        assert (row.quoted_credits, row.submitted_at) == (25.0, NOW)
        assert world.runway.bodies["up-1"] == world.tasks.request(task.id)["body"]

    def test_a_retried_submit_buys_nothing(self, world: World) -> None:
        task = accepted(world)
        outcomes = [submit(task.id, world, 0) for _ in range(5)]
        assert outcomes == [Outcome("running", 12)] * 5
        assert len(world.runway.tasks) == 1

    def test_a_later_retry_polls_sooner(self, world: World) -> None:
        task = accepted(world)
        submit(task.id, world, 0)
        world.clock.advance(8)
        assert submit(task.id, world, 0) == Outcome("running", 4)

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.AMBIGUOUS_FAILED])
    def test_an_ended_task_is_not_bought(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state)
        assert submit(task.id, world, 3) == ENDED
        assert world.runway.tasks == {}

    @pytest.mark.parametrize("state", [State.ACCEPTED, State.WAITING])
    def test_a_cancelled_task_is_not_bought(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state, cancel_requested_at=NOW)
        assert submit(task.id, world, 0) == ENDED
        assert world.runway.tasks == {}

    @pytest.mark.parametrize("state", [State.ACCEPTED, State.WAITING])
    def test_a_task_past_its_deadline_is_not_bought(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state)
        world.clock.advance(DEADLINE_SECONDS)
        assert submit(task.id, world, 0) == ENDED
        assert world.runway.tasks == {}


class TestRefused:
    def test_a_refusal_waits_longer_each_time(self, world: World) -> None:
        task = accepted(world)
        world.runway.refuse = [CreateRefused("down", status=503) for _ in range(4)]
        waits = [submit(task.id, world, 0) for _ in range(4)]
        assert waits == [Outcome("waiting", seconds) for seconds in (5, 10, 20, 40)]
        row = world.tasks.get(task.id)
        assert (row.state, row.refusals, row.attempt) == (State.WAITING, 4, 0)
        assert world.runway.tasks == {}

    @pytest.mark.parametrize("status", [401, 429])
    def test_a_quota_or_a_wrong_key_waits_in_minutes(self, status: int, world: World) -> None:
        task = accepted(world)
        world.runway.refuse = [CreateRefused("no", status=status)]
        assert submit(task.id, world, 0) == Outcome("waiting", 60)

    def test_retry_after_is_respected(self, world: World) -> None:
        task = accepted(world)
        world.runway.refuse = [CreateRefused("no", status=503, retry_after_seconds=77.3)]
        assert submit(task.id, world, 0) == Outcome("waiting", 78)

    def test_the_next_try_buys_once(self, world: World) -> None:
        task = accepted(world)
        world.runway.refuse = [CreateRefused("down")]
        submit(task.id, world, 0)
        assert submit(task.id, world, 0).word == "running"
        assert len(world.runway.tasks) == 1
        assert world.tasks.get(task.id).refusals == 0

    def test_refusals_end_at_the_deadline(self, world: World) -> None:
        task = accepted(world)
        for _ in range(200):
            world.runway.refuse = [CreateRefused("down")]
            outcome = submit(task.id, world, 0)
            if outcome == ENDED:
                break
            world.clock.advance(outcome.wait_seconds)
        assert outcome == ENDED
        assert world.clock.now() >= task.deadline_at


class TestRejected:
    @pytest.mark.parametrize("status", [400, 404, 422])
    def test_a_rejection_is_final_and_costs_nothing(self, status: int, world: World) -> None:
        task = accepted(world)
        world.runway.refuse = [CreateRejected("ratio: not supported", status=status)]
        assert submit(task.id, world, 3) == ENDED
        row = world.tasks.get(task.id)
        assert (row.state, row.failure_code) == (State.FAILED, f"TARMAC.REJECTED.{status}")
        assert row.failure is not None
        assert "ratio: not supported" in row.failure
        assert (row.cost_credits, row.reserved_credits, row.notice_state) == (0.0, 0.0, NoticeState.PENDING)


class TestLostResponse:
    def test_a_lost_response_ends_the_task_without_a_retry(self, world: World) -> None:
        task = accepted(world)
        world.runway.lose = [CreateAmbiguous("reset")]
        assert submit(task.id, world, 0) == ENDED
        row = world.tasks.get(task.id)
        assert (row.state, row.failure_code, row.ambiguous) == (State.AMBIGUOUS_FAILED, "TARMAC.AMBIGUOUS", 1)
        assert row.reserved_credits == task.reserved_credits
        assert [submit(task.id, world, 0) for _ in range(3)] == [ENDED] * 3
        assert len(world.runway.tasks) == 1

    @pytest.mark.parametrize("budget", [1, 2, 3])
    def test_the_budget_limits_the_attempts(self, budget: int, world: World) -> None:
        task = accepted(world)
        world.runway.lose = [CreateAmbiguous("reset") for _ in range(9)]
        outcomes = [submit(task.id, world, budget) for _ in range(9)]
        assert outcomes[:budget] == [Outcome("waiting", AMBIGUOUS_RETRY_SECONDS)] * budget
        assert outcomes[budget:] == [ENDED] * (9 - budget)
        assert len(world.runway.tasks) == 1 + budget

    def test_the_claim_of_a_stopped_process_expires(self, world: World) -> None:
        task = accepted(world)
        world.tasks.move(task.id, Moves.claim, "dead")
        world.clock.advance(50)
        outcome = submit(task.id, world, 0)
        assert outcome == Outcome("waiting", 101)
        world.clock.advance(outcome.wait_seconds)
        assert submit(task.id, world, 0) == ENDED
        assert world.tasks.get(task.id).state is State.AMBIGUOUS_FAILED
        assert world.runway.tasks == {}

    def test_a_crash_between_create_and_bind_is_a_lost_response(self, world: World) -> None:
        task = accepted(world)
        world.runway.lose = [RuntimeError("the function crashed")]
        with pytest.raises(RuntimeError):
            submit(task.id, world, 0)
        assert world.tasks.get(task.id).state is State.SUBMITTING
        assert submit(task.id, world, 0).word == "waiting"
        world.clock.advance(CLAIM_LEASE_SECONDS)
        assert submit(task.id, world, 0) == ENDED
        assert len(world.runway.tasks) == 1

    @pytest.mark.parametrize("seconds", [0, 0.4, 75, 149.2, 149.999])
    def test_the_wait_for_another_claim_is_whole_and_reaches_the_end_of_its_lease(
        self, seconds: float, world: World
    ) -> None:
        task = accepted(world)
        world.tasks.move(task.id, Moves.claim, "dead")
        world.clock.advance(seconds)
        outcome = submit(task.id, world, 0)
        assert type(outcome.wait_seconds) is int
        assert seconds + outcome.wait_seconds >= CLAIM_LEASE_SECONDS
        assert seconds + outcome.wait_seconds <= CLAIM_LEASE_SECONDS + 2


class Meanwhile(FakeRunway):
    """Something happens while Runway is being called."""

    def __init__(self, world: World, happens: Any, at: str = "create") -> None:
        super().__init__()
        self.world, self.happens, self.at = world, happens, at

    def create(self, operation: str, body: Mapping[str, Any]) -> Created:
        created = super().create(operation, body)
        if self.at == "create":
            self._happen()
        return created

    def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
        if self.at == "upload":
            self._happen()
        return super().upload(filename, content_type, content)

    def _happen(self) -> None:
        happens, self.happens = self.happens, None
        if happens:
            happens()


class TestConcurrentSubmits:
    def test_two_submits_buy_one_generation(self, world: World) -> None:
        task = accepted(world)
        seen: list[Outcome] = []
        world.runway = Meanwhile(world, lambda: seen.append(submit(task.id, world, 0)))
        assert submit(task.id, world, 0).word == "running"
        assert seen[0].word == "waiting"
        assert len(world.runway.bodies) == 1

    def test_the_slower_uploader_leaves_the_create_to_the_faster(self, world: World) -> None:
        task = accepted(world, promptImage=data_uri())
        world.runway = Meanwhile(world, lambda: submit(task.id, world, 0), at="upload")
        assert submit(task.id, world, 0) == Outcome("waiting", 1)
        assert len(world.runway.bodies) == 1
        assert world.tasks.get(task.id).state is State.SUBMITTED

    @pytest.mark.parametrize(
        "problem", [CreateRejected("bad file", status=400), CreateRefused("down", status=503)], ids=["bad", "down"]
    )
    def test_a_failure_of_the_slower_upload_does_not_end_the_task(self, problem: Exception, world: World) -> None:
        task = accepted(world, promptImage=data_uri())

        def buy() -> None:
            submit(task.id, world, 0)
            world.runway.refuse_uploads.append(problem)

        world.runway = Meanwhile(world, buy, at="upload")
        assert submit(task.id, world, 0) == Outcome("waiting", 1)
        row = world.tasks.get(task.id)
        assert (row.state, row.upstream_id) == (State.SUBMITTED, "up-1")

    def test_a_task_bound_too_late_is_cancelled_at_runway(self, world: World) -> None:
        """The lease has expired and another step has recorded a lost response: no task owns this generation."""
        task = accepted(world)

        def lose() -> None:
            world.clock.advance(CLAIM_LEASE_SECONDS)
            submit(task.id, world, 0)

        world.runway = Meanwhile(world, lose)
        assert submit(task.id, world, 0) == Outcome("waiting", 1)
        assert world.runway.cancelled == ["up-1"]
        assert world.tasks.get(task.id).state is State.AMBIGUOUS_FAILED

    def test_a_generation_that_cannot_be_cancelled_is_logged_by_its_id(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        task = accepted(world)

        def lose() -> None:
            world.clock.advance(CLAIM_LEASE_SECONDS)
            submit(task.id, world, 0)

        world.runway = Meanwhile(world, lose)
        world.runway.refuse_cancels = [UpstreamUnavailable("down")]
        assert submit(task.id, world, 0) == Outcome("waiting", 1)
        assert any(vars(record).get("upstream_id") == "up-1" for record in caplog.records)

    def test_a_cancel_during_the_create_leaves_a_bound_task_to_be_cancelled(self, world: World) -> None:
        task = accepted(world)
        world.runway = Meanwhile(world, lambda: world.tasks.move(task.id, Moves.request_cancel))
        assert submit(task.id, world, 0).word == "running"
        row = world.tasks.get(task.id)
        assert (row.state, row.upstream_id) == (State.SUBMITTED, "up-1")
        assert row.cancel_requested_at is not None

    def test_a_lost_response_that_is_recorded_already_changes_nothing(self, world: World) -> None:
        task = accepted(world)

        def lose() -> None:
            world.clock.advance(CLAIM_LEASE_SECONDS)
            submit(task.id, world, 0)
            world.runway.lose = []
            raise CreateAmbiguous("reset")

        world.runway = Meanwhile(world, lose)
        assert submit(task.id, world, 0) == Outcome("waiting", 1)
        assert world.tasks.get(task.id).ambiguous == 1


class TestInputs:
    def test_inline_media_reaches_runway_as_an_upload(self, world: World) -> None:
        task = accepted(world, promptImage=data_uri())
        submit(task.id, world, 0)
        assert world.runway.uploads == {"runway://upload-1": PNG}
        assert world.runway.bodies["up-1"]["promptImage"] == "runway://upload-1"

    @pytest.mark.parametrize(("size_bytes", "as_upload"), [(511, False), (512, True)])
    def test_a_file_too_small_for_an_upload_stays_inline(self, size_bytes: int, as_upload: bool, world: World) -> None:
        """Runway's uploads require at least 512 bytes."""
        small = data_uri(PIXEL.ljust(size_bytes, b"\0"))
        task = accepted(world, promptImage=small)
        assert [source["path"] for source in world.tasks.request(task.id)["inputs"]] == [["promptImage"]]
        submit(task.id, world, 0)
        assert world.runway.bodies["up-1"]["promptImage"] == ("runway://upload-1" if as_upload else small)

    def test_an_object_used_twice_is_uploaded_once(self, world: World) -> None:
        world.uploads.put("inbox/a.png", PNG, "image/png")
        link = "s3://uploads/inbox/a.png"
        frames = [{"uri": link, "position": "first"}, {"uri": link, "position": "last"}]
        order = replace(an_order("image_to_video", "veo3.1", promptImage=frames), s3_allowed={"uploads"})
        task = accept(order, world, DEADLINE_SECONDS).task
        submit(task.id, world, 0)
        sent = world.runway.bodies["up-1"]["promptImage"]
        assert [frame["uri"] for frame in sent] == ["runway://upload-1"] * 2
        assert [frame["position"] for frame in sent] == ["first", "last"]

    def test_an_upload_that_fails_waits_before_anything_is_claimed(self, world: World) -> None:
        task = accepted(world, promptImage=data_uri())
        world.runway.refuse_uploads = [CreateRefused("down", status=503)]
        assert submit(task.id, world, 0) == Outcome("waiting", 5)
        row = world.tasks.get(task.id)
        assert (row.state, row.refusals, row.attempt, row.claim) == (State.WAITING, 1, 0, None)
        assert submit(task.id, world, 0).word == "running"

    def test_slow_uploads_postpone_the_attempt(self, world: World) -> None:
        """SubmitTask would time out during its create, which loses the response and the credits."""

        class Slow(FakeRunway):
            seconds = PREPARATION_SECONDS + 1

            def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
                world.clock.advance(self.seconds)
                return super().upload(filename, content_type, content)

        world.runway = runway = Slow()
        task = accepted(world, promptImage=data_uri())
        assert submit(task.id, world, 0).word == "waiting"
        row = world.tasks.get(task.id)
        assert (row.state, row.attempt, row.claim, runway.bodies) == (State.WAITING, 0, None, {})
        runway.seconds = PREPARATION_SECONDS - 1
        assert submit(task.id, world, 0).word == "running"

    def test_a_file_that_runway_rejects_ends_the_task_at_no_cost(self, world: World) -> None:
        task = accepted(world, promptImage=data_uri())
        world.runway.refuse_uploads = [CreateRejected("too small", status=400)]
        assert submit(task.id, world, 0) == ENDED
        row = world.tasks.get(task.id)
        assert (row.state, row.failure_code, row.cost_credits) == (State.FAILED, "ASSET.INVALID", 0.0)
        assert row.notice_state is NoticeState.PENDING

    def test_a_missing_object_ends_the_task_and_is_named(self, world: World) -> None:
        task = accepted(world, promptImage=data_uri())
        world.uploads.objects.clear()
        assert submit(task.id, world, 0) == ENDED
        row = world.tasks.get(task.id)
        assert (row.state, row.failure_code) == (State.FAILED, "TARMAC.INPUT_MISSING")
        assert row.failure is not None
        assert f"s3://uploads/inputs/{task.id}/01.png" in row.failure

    def test_an_object_of_another_bucket_is_not_read(self, world: World) -> None:
        order = replace(
            an_order(promptImage="s3://another-bucket/inbox/a.png"), s3_allowed={"uploads", "another-bucket"}
        )
        task = accept(order, world, DEADLINE_SECONDS).task
        assert submit(task.id, world, 0) == ENDED
        row = world.tasks.get(task.id)
        assert row.failure_code == "TARMAC.INPUT_MISSING"
        assert world.runway.uploads == {}

    @pytest.mark.parametrize(
        ("key", "stored_as", "filename", "sent_as"),
        [
            ("inbox/a.png", "image/png", "input.png", "image/png"),
            ("inbox/a.jpeg", "binary/octet-stream", "input.jpg", "image/jpeg"),
            ("inbox/a.JPG", "application/octet-stream", "input.jpg", "image/jpeg"),
            ("inbox/a", "IMAGE/JPG; x=y", "input.jpg", "image/jpeg"),
        ],
    )
    def test_a_file_is_uploaded_under_a_name_and_type_that_runway_accepts(
        self, key: str, stored_as: str, filename: str, sent_as: str, world: World
    ) -> None:
        seen: list[tuple[str, str]] = []

        class Noting(FakeRunway):
            def upload(self, filename: str, content_type: str, content: BinaryIO) -> str:
                seen.append((filename, content_type))
                return super().upload(filename, content_type, content)

        world.runway = Noting()
        content = PNG if sent_as == "image/png" else b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(600)
        world.uploads.put(key, content, stored_as)
        order = replace(an_order(promptImage=f"s3://uploads/{key}"), s3_allowed={"uploads"})
        submit(accept(order, world, DEADLINE_SECONDS).task.id, world, 0)
        assert seen == [(filename, sent_as)]


def test_a_second_attempt_after_a_failure_is_a_new_create(world: World) -> None:
    task = submitted(world)
    world.tasks.move(task.id, Moves.retry, "up-1", None, 30)
    assert submit(task.id, world, 0).word == "running"
    row = world.tasks.get(task.id)
    assert (row.upstream_id, row.attempt, row.failure_retries) == ("up-2", 2, 1)
