"""Finish: archives, writes the terminal state and publishes the notice, in this order. Each part can be retried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tarmac.media.downloads import ArchiveConflict, DownloadCut, HostRefused, LinkExpired, OutputUnusable
from tarmac.outcome import NotEnded
from tarmac.ports import ReadStream, WriteConflict
from tarmac.rows import CONFIRMATIONS_OF_GONE, NoticeState
from tarmac.runway.errors import UpstreamUnavailable
from tarmac.runway.ports import UpstreamTask
from tarmac.tasks.finish import Ending
from tarmac.tasks.moves import OUTPUTS_LIVE_SECONDS, Moves
from tarmac.tasks.poll import poll
from tarmac.tasks.task import State, Task
from tests.fakes import FakeRunway, MemoryTopic, World
from tests.fakes.composed import announce, finish
from tests.fakes.runway import MP4, FakeDownloads
from tests.fakes.stories import DEADLINE_SECONDS, accepted, standing, submitted, succeeded

LARGEST = 10**6


def end(world: World, task: Task) -> Ending:
    return finish(task.id, world, LARGEST)


def notices(world: World) -> list[dict[str, Any]]:
    return [json.loads(message) for message, _ in world.topic.published]


class TestSuccess:
    def test_every_output_is_archived_and_the_notice_published(self, world: World) -> None:
        task = succeeded(world, outputs=2)
        ending = end(world, task)
        row = world.tasks.get(task.id)
        keys = [f"acme/2023/11/14/{task.id}/{n:02d}.mp4" for n in (1, 2)]
        assert sorted(world.archive.objects) == keys
        assert [output.key for output in row.outputs] == keys
        assert (row.state, row.cost_credits, row.notice_state) == (State.SUCCEEDED, 50.0, NoticeState.SENT)
        state = ending.as_state()
        state.pop("polls")
        assert state == {
            "taskId": task.id,
            "ending": "succeeded",
            "status": "SUCCEEDED",
            "outputs": [{"bucket": "archive", "key": key} for key in keys],
            "credits": 50.0,
            "seconds": 0.0,
        }
        [notice] = notices(world)
        assert (notice["type"], [output["key"] for output in notice["outputs"]]) == ("task.succeeded", keys)

    def test_outputs_are_archived_before_the_row_is_written_and_the_row_before_the_notice(self, world: World) -> None:
        task = succeeded(world)

        class Checking(MemoryTopic):
            def publish(self, message: str, attributes: Mapping[str, str]) -> None:
                row = world.tasks.get(task.id)
                assert (row.state, row.notice_state) == (State.SUCCEEDED, NoticeState.PENDING)
                assert set(world.archive.objects) == {output.key for output in row.outputs}
                super().publish(message, attributes)

        world.topic = Checking()
        end(world, task)
        assert world.topic.published

    def test_no_link_to_runway_is_stored(self, world: World) -> None:
        task = succeeded(world)
        end(world, task)
        assert "cdn.example" not in str(world.table.rows) + str(world.topic.published)

    def test_a_success_without_an_output_is_not_final(self, world: World) -> None:
        """The generation is paid for, so a response without an output is read again."""
        task = submitted(world)
        world.runway.now("up-1", "SUCCEEDED", output=())
        with pytest.raises(Exception, match=r".+"):
            end(world, task)
        assert not world.tasks.get(task.id).state.is_terminal


class TestOtherEndings:
    @pytest.mark.parametrize(("failure", "code"), [("It broke.", "INTERNAL"), (None, None)])
    def test_a_failure_has_runways_code_and_message(self, failure: str | None, code: str | None, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", "FAILED", failure=failure, failure_code=code, cost_credits=3.0)
        state = end(world, task).as_state()
        row = world.tasks.get(task.id)
        assert (row.state, row.failure_code, row.cost_credits) == (State.FAILED, code, 3.0)
        assert (state["ending"], state["error"]) == ("failed", code or "TARMAC.FAILED")
        assert state["cause"] == (failure or "Runway gave no reason.")
        assert notices(world)[0]["type"] == "task.failed"

    def test_a_cancel_at_runway_is_a_cancel(self, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", "CANCELLED", cost_credits=1.0)
        assert end(world, task).as_state()["ending"] == "cancelled"
        assert world.tasks.get(task.id).cost_credits == 1.0
        assert notices(world)[0]["type"] == "task.cancelled"

    @pytest.mark.parametrize("state", [State.ACCEPTED, State.WAITING])
    def test_a_cancel_before_the_create_costs_nothing(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state, cancel_requested_at=world.clock.now())
        assert end(world, task).as_state()["ending"] == "cancelled"
        assert world.tasks.get(task.id).cost_credits == 0.0

    def test_a_cancelled_generation_costs_what_was_expected(self, world: World) -> None:
        task = submitted(world)
        world.tasks.move(task.id, Moves.request_cancel)
        assert poll(task.id, world, 1).word == "ended"
        assert end(world, task).as_state()["ending"] == "cancelled"
        assert world.tasks.get(task.id).cost_credits == 25.0

    def test_a_task_that_succeeded_before_it_could_be_cancelled_is_archived(self, world: World) -> None:
        task = succeeded(world)
        world.tasks.move(task.id, Moves.request_cancel)
        assert end(world, task).as_state()["ending"] == "succeeded"
        assert world.archive.objects

    @pytest.mark.parametrize("state", [State.ACCEPTED, State.WAITING])
    def test_a_deadline_before_the_create_fails_at_no_cost(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state)
        world.clock.advance(DEADLINE_SECONDS)
        assert end(world, task).as_state()["error"] == "TARMAC.DEADLINE"
        assert world.tasks.get(task.id).cost_credits == 0.0

    def test_a_deadline_while_running_fails(self, world: World) -> None:
        task = submitted(world)
        world.clock.advance(DEADLINE_SECONDS)
        poll(task.id, world, 1)
        assert end(world, task).as_state()["error"] == "TARMAC.DEADLINE"

    def test_a_deadline_is_a_failure_though_runway_reports_a_cancel(self, world: World) -> None:
        """The client has not requested a cancel: Tarmac has cancelled it at the deadline."""
        task = submitted(world)
        world.clock.advance(DEADLINE_SECONDS)
        world.runway.now("up-1", "CANCELLED", cost_credits=25.0)
        assert end(world, task).as_state()["error"] == "TARMAC.DEADLINE"

    def test_a_task_fails_after_three_404(self, world: World) -> None:
        task = submitted(world)
        world.runway.tasks.clear()
        for _ in range(CONFIRMATIONS_OF_GONE):
            poll(task.id, world, 1)
        assert end(world, task).as_state()["error"] == "TARMAC.GONE"

    def test_a_task_does_not_fail_after_one_404(self, world: World) -> None:
        task = submitted(world)
        world.runway.tasks.clear()
        with pytest.raises(NotEnded):
            end(world, task)

    def test_a_task_that_could_not_be_polled_until_its_output_expired_fails(self, world: World) -> None:
        task = submitted(world)
        world.runway.unreadable = [UpstreamUnavailable("503") for _ in range(2)]
        world.clock.advance(DEADLINE_SECONDS + OUTPUTS_LIVE_SECONDS - 1)
        with pytest.raises(UpstreamUnavailable):
            end(world, task)
        world.clock.advance(1)
        assert end(world, task).as_state()["error"] == "TARMAC.UNREACHABLE"

    @pytest.mark.parametrize("state", [State.ACCEPTED, State.WAITING, State.SUBMITTING])
    def test_a_task_under_way_is_not_ended(self, state: State, world: World) -> None:
        task = standing(world, accepted(world), state)
        with pytest.raises(NotEnded):
            end(world, task)
        assert world.topic.published == []

    def test_a_running_generation_is_not_ended(self, world: World) -> None:
        task = submitted(world)
        with pytest.raises(NotEnded):
            end(world, task)

    def test_a_cause_is_short_enough_for_step_functions(self, world: World) -> None:
        task = submitted(world)
        world.runway.now("up-1", "FAILED", failure="x" * 100_000, failure_code="INTERNAL")
        assert len(json.dumps(end(world, task).as_state())) < 3000


class TestRetries:
    def test_the_notice_is_published_once(self, world: World) -> None:
        task = succeeded(world)
        first, second = end(world, task), end(world, task)
        assert first.as_state() == second.as_state()
        assert len(world.topic.published) == 1

    def test_after_a_crash_between_archive_and_row_the_output_is_not_downloaded_again(self, world: World) -> None:
        task = succeeded(world)
        end(world, task)
        row = world.tasks.get(task.id)
        # The state before the crash: the output is archived but not listed in the row.
        world.table.rows.clear()
        world.tasks.create(replace(row, state=State.SUBMITTED, outputs=(), notice_state=NoticeState.NONE), {})
        assert end(world, task).as_state()["ending"] == "succeeded"
        assert world.tasks.get(task.id).outputs == row.outputs

    def test_after_a_crash_between_two_files_only_the_second_is_fetched(self, world: World) -> None:
        task = succeeded(world, outputs=2)
        link = "https://cdn.example/up-1/2.mp4"
        second = world.downloads.contents.pop(link)
        world.downloads.problems = []

        class Crashing(FakeDownloads):
            def open(self, url: str) -> Any:
                if url == link:
                    raise RuntimeError("the function crashed")
                return super().open(url)

        whole = world.downloads
        world.downloads = Crashing(dict(whole.contents))
        with pytest.raises(RuntimeError):
            end(world, task)
        assert len(world.tasks.get(task.id).outputs) == 1
        world.downloads = FakeDownloads({link: second})
        assert len(end(world, task).as_state()["outputs"]) == 2

    def test_after_a_crash_between_row_and_notice_the_notice_is_published(self, world: World) -> None:
        task = succeeded(world)

        class Down(MemoryTopic):
            def publish(self, message: str, attributes: Mapping[str, str]) -> None:
                raise ConnectionError("SNS is down")

        world.topic = Down()
        with pytest.raises(ConnectionError):
            end(world, task)
        row = world.tasks.get(task.id)
        assert (row.state, row.notice_state) == (State.SUCCEEDED, NoticeState.PENDING)
        world.topic = MemoryTopic()
        end(world, task)
        assert world.tasks.get(task.id).notice_state is NoticeState.SENT

    def test_a_notice_that_is_published_twice_is_identical(self, world: World) -> None:
        task = succeeded(world)
        end(world, task)
        pending = replace(world.tasks.get(task.id), notice_state=NoticeState.PENDING)
        world.clock.advance(100)
        world.table.rows.clear()
        world.tasks.create(pending, {})
        announce(world.tasks.get(task.id), world)
        assert world.topic.published[0] == world.topic.published[1]

    def test_two_concurrent_calls_record_each_output_once(self, world: World) -> None:
        task = succeeded(world)

        class Racing(FakeDownloads):
            raced = False

            def open(self, url: str) -> Any:
                if not self.raced:
                    self.raced = True
                    from tarmac.tasks.finish import _record, archive_output

                    output = archive_output(task, 1, url, world.downloads, world.archive, LARGEST)
                    _record(task, "up-1", output, world)
                return super().open(url)

        world.downloads = Racing(dict(world.downloads.contents))
        end(world, task)
        assert [output.key[-6:] for output in world.tasks.get(task.id).outputs] == ["01.mp4"]

    def test_a_notice_may_be_marked_as_published_by_another_process(self, world: World) -> None:
        task = succeeded(world)

        class Racing(MemoryTopic):
            def publish(self, message: str, attributes: Mapping[str, str]) -> None:
                super().publish(message, attributes)
                if len(self.published) == 1:
                    announce(world.tasks.get(task.id), world)

        world.topic = Racing()
        assert end(world, task).task.notice_state is NoticeState.SENT
        assert len(world.topic.published) == 2


class TestDownloads:
    def test_an_expired_link_is_renewed_once(self, world: World) -> None:
        task = succeeded(world)

        class Renewing(FakeRunway):
            reads = 0

            def task(self, upstream_id: str) -> UpstreamTask:
                self.reads += 1
                link = "https://cdn.example/dead" if self.reads == 1 else "https://cdn.example/fresh"
                return UpstreamTask(upstream_id, "SUCCEEDED", output=(link,), cost_credits=50.0)

        world.runway = Renewing()
        world.downloads.contents = {"https://cdn.example/fresh": MP4}
        assert end(world, task).as_state()["ending"] == "succeeded"

    def test_a_link_that_stays_expired_fails_the_task(self, world: World) -> None:
        task = succeeded(world)
        world.downloads.contents.clear()
        assert end(world, task).as_state()["error"] == "TARMAC.OUTPUT_EXPIRED"
        assert world.tasks.get(task.id).cost_credits == 50.0
        assert world.archive.objects == {}

    @pytest.mark.parametrize("problem", [DownloadCut("cut"), WriteConflict("key")])
    @pytest.mark.parametrize("times", [1, 2])
    def test_an_output_that_was_cut_or_met_another_write_is_fetched_again(
        self, problem: Exception, times: int, world: World
    ) -> None:
        task = succeeded(world)
        world.downloads.problems = [problem] * times
        assert end(world, task).as_state()["ending"] == "succeeded"

    def test_an_output_that_is_always_incomplete_leaves_the_task_open(self, world: World) -> None:
        """It is paid for and the link is valid: the execution fails and the sweeper starts another one."""
        task = succeeded(world)
        world.downloads.problems = [DownloadCut("cut") for _ in range(3)]
        with pytest.raises(DownloadCut):
            end(world, task)
        assert world.tasks.get(task.id).state is State.SUBMITTED
        assert end(world, task).as_state()["ending"] == "succeeded"

    def test_a_new_link_is_used_also_after_incomplete_downloads(self, world: World) -> None:
        task = succeeded(world)
        world.downloads.problems = [DownloadCut("cut"), DownloadCut("cut"), LinkExpired("dead")]
        assert end(world, task).as_state()["ending"] == "succeeded"

    def test_an_output_that_is_not_media_fails_the_task(self, world: World) -> None:
        task = succeeded(world)
        world.downloads.contents = dict.fromkeys(world.downloads.contents, b"<html>")
        assert end(world, task).as_state()["error"] == "TARMAC.OUTPUT_UNUSABLE"

    def test_an_invalid_download_is_retried(self, world: World) -> None:
        task = succeeded(world)
        world.downloads.problems = [OutputUnusable("an error page")]
        assert end(world, task).as_state()["ending"] == "succeeded"

    @pytest.mark.parametrize("problem", [HostRefused("x"), ArchiveConflict("x")])
    def test_an_error_that_an_operator_must_fix_leaves_the_task_open(self, problem: Exception, world: World) -> None:
        task = succeeded(world)
        world.downloads.problems = [problem]
        with pytest.raises(type(problem)):
            end(world, task)
        assert world.tasks.get(task.id).state is State.SUBMITTED
        assert world.topic.published == []

    def test_an_archived_output_with_other_bytes_is_never_overwritten(self, world: World) -> None:
        task = succeeded(world)
        key = f"acme/2023/11/14/{task.id}/01.mp4"
        world.archive.put(key, b"something else", "video/mp4")
        with pytest.raises(ArchiveConflict):
            end(world, task)
        assert world.archive.objects[key][0] == b"something else"

    def test_a_bucket_that_is_down_leaves_the_task_open(self, world: World) -> None:
        task = succeeded(world)

        class Down(type(world.archive)):  # type: ignore[misc]
            def put_new(self, key: str, content: ReadStream, *about: Any) -> None:
                raise ConnectionError("S3 is down")

        world.archive = Down("archive")
        with pytest.raises(ConnectionError):
            end(world, task)
        assert world.tasks.get(task.id).state is State.SUBMITTED


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_the_end_of_an_older_generation_does_not_end_its_successor(status: str, world: World) -> None:
    """An execution that was presumed stopped reads the first generation while another one has bought the second."""
    task = submitted(world)
    from tarmac.tasks.submit import submit

    class Slow(FakeRunway):
        raced = False

        def task(self, upstream_id: str) -> UpstreamTask:
            if not self.raced:
                self.raced = True
                world.tasks.move(task.id, Moves.retry, "up-1", 25.0, 30)
                assert submit(task.id, world, 0).word == "running"
                return UpstreamTask("up-1", status, failure_code="INTERNAL")
            return super().task(upstream_id)

    slow = Slow()
    slow.tasks = world.runway.tasks
    world.runway = slow
    with pytest.raises(Exception, match=r".+"):
        end(world, task)
    row = world.tasks.get(task.id)
    assert (row.state, row.upstream_id) == (State.SUBMITTED, "up-2")
