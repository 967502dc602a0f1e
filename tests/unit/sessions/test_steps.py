"""The steps of a session over the fakes: create, consume, read, watch, finish and sweep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tarmac.characters.kinds import Kind
from tarmac.characters.ownership import may_use
from tarmac.idempotency import RequestIdentity
from tarmac.media.downloads import DownloadCut, HostRefused, LinkExpired
from tarmac.outcome import NotEnded
from tarmac.ports import Put, WriteConflict
from tarmac.rows import CONFIRMATIONS_OF_GONE
from tarmac.runway.errors import CreateAmbiguous, CreateRefused, CreateRejected, UpstreamGone, UpstreamUnavailable
from tarmac.sessions.consume import consume_session
from tarmac.sessions.create import SessionOrder, create_session
from tarmac.sessions.errors import CredentialsLost, CredentialsSpent, MinutesUsedUp, NoSuchSession
from tarmac.sessions.finish import CONVERSATION_SECONDS, RECORDING_EXPIRY_SECONDS, finish_session
from tarmac.sessions.moves import CLAIM_LEASE_SECONDS, LONGEST_QUEUE_SECONDS, SessionMoves
from tarmac.sessions.read import cancel_session, read_session
from tarmac.sessions.session import SessionState, to_row
from tarmac.sessions.watch import watch_session
from tarmac.sweeping import SweepReport
from tests.fakes import World
from tests.fakes.composed import sweep_sessions
from tests.fakes.runway import MP4
from tests.unit.sessions.samples import MOST_SECONDS, UNCLAIMED_SECONDS, a_request, created, minutes

S = SessionState
MAX_BYTES = 10_000_000


def watch(world: World) -> str:
    return watch_session("live-1", world, UNCLAIMED_SECONDS).word


def key(world: World) -> str:
    return world.runway_sessions.sessions["live-1"].key


def ready(world: World) -> None:
    created(world)
    world.clock.advance(3)


def running(world: World) -> None:
    ready(world)
    consume_session("live-1", key(world), world)


def ended(world: World) -> None:
    """End a call after twenty seconds. A poll has seen the end; the conversation is not archived yet."""
    world.runway_sessions.run_seconds = 20
    running(world)
    watch(world)
    world.clock.advance(20)
    assert watch(world) == "ended"
    world.downloads.contents["https://cdn.example/secret-recording-of-live-1.mp4"] = MP4


def state(world: World) -> SessionState:
    return world.sessions.get("live-1").state


def notice(world: World) -> dict[str, Any]:
    [(message, _)] = world.topic.published
    found: dict[str, Any] = json.loads(message)
    return found


def sweep(world: World) -> SweepReport:
    return sweep_sessions(world)


class TestCreate:
    def test_a_session_has_runways_id_an_owner_and_an_execution(self, world: World) -> None:
        session = created(world, personality="Kind", metadata={"page": "7"})
        assert (session.id, session.state, session.metadata) == ("live-1", S.NOT_READY, {"page": "7"})
        assert world.runway_sessions.sessions["live-1"].body == {
            "model": "gwm1_avatars",
            "avatar": {"type": "runway-preset", "presetId": "cat-character"},
            "personality": "Kind",
            "maxDuration": 300,
        }
        assert world.session_executions.started == {"live-1": '{"sessionId":"live-1"}'}
        assert not may_use("other", Kind.CONVERSATION, "live-1", world)
        assert minutes(world) == 300

    def test_minutes_are_reserved_before_the_attempt(self, world: World) -> None:
        for _ in range(2):
            create_session(SessionOrder("acme", a_request(maxDuration=60)), world, 125)
        with pytest.raises(MinutesUsedUp, match=r"2 minutes .* a day; 2 are used or reserved"):
            create_session(SessionOrder("acme", a_request(maxDuration=60)), world, 125)
        assert len(world.runway_sessions.sessions) == 2
        assert create_session(SessionOrder("other", a_request(maxDuration=60)), world, 125)
        world.clock.advance(24 * 3600)
        assert create_session(SessionOrder("acme", a_request(maxDuration=60)), world, 125)

    @pytest.mark.parametrize("rejection", [CreateRefused("busy", status=429), CreateRejected("no", status=400)])
    def test_a_rejected_create_releases_its_minutes(self, rejection: Exception, world: World) -> None:
        world.runway_sessions.refuse_creates.append(rejection)
        with pytest.raises(type(rejection)):
            created(world)
        assert minutes(world) == 0
        assert not world.session_executions.started

    def test_a_create_with_a_lost_response_is_not_retried_and_stays_counted(self, world: World) -> None:
        world.runway_sessions.lose_creates.append(CreateAmbiguous("lost"))
        with pytest.raises(CreateAmbiguous):
            created(world)
        assert minutes(world) == 300
        assert len(world.runway_sessions.sessions) == 1
        world.clock.advance(3600)
        assert sweep(world) == SweepReport()

    def test_an_idempotency_key_creates_one_session(self, world: World) -> None:
        def order(body: str = "a") -> SessionOrder:
            return SessionOrder(
                "acme", a_request(), request_identity=RequestIdentity("acme", "/v1/realtime_sessions", body, "k")
            )

        first = create_session(order(), world, MOST_SECONDS)
        assert create_session(order(), world, MOST_SECONDS).id == first.id
        assert len(world.runway_sessions.sessions) == 1
        assert minutes(world) == 300

    def test_a_rejected_create_can_be_retried_with_its_key(self, world: World) -> None:
        order = SessionOrder(
            "acme", a_request(), request_identity=RequestIdentity("acme", "/v1/realtime_sessions", "a", "k")
        )
        world.runway_sessions.refuse_creates.append(CreateRefused("busy", status=503))
        with pytest.raises(CreateRefused):
            create_session(order, world, MOST_SECONDS)
        assert create_session(order, world, MOST_SECONDS).id == "live-1"

    def test_a_session_is_cancelled_if_its_row_cannot_be_written(self, world: World) -> None:
        """The sweeper marks the attempt as lost while the call is suspended."""
        create = world.runway_sessions.create

        def slow(body: Any) -> str:
            session_id = create(body)
            world.clock.advance(100)
            sweep(world)
            return session_id

        world.runway_sessions.create = slow
        with pytest.raises(Exception, match="live-1"):
            created(world)
        assert world.runway_sessions.cancelled == ["live-1"]
        with pytest.raises(NoSuchSession):
            world.sessions.get("live-1")


class TestConsume:
    def test_credentials_are_returned_once(self, world: World) -> None:
        ready(world)
        assert consume_session("live-1", key(world), world).token == "secret-token-of-live-1"
        for _ in range(2):
            with pytest.raises(CredentialsSpent):
                consume_session("live-1", key(world), world)
        assert world.runway_sessions.sessions["live-1"].consumed == 1

    def test_a_second_consume_is_rejected_while_the_first_is_in_progress(self, world: World) -> None:
        ready(world)
        consume = world.runway_sessions.consume

        def meanwhile(*arguments: Any) -> Any:
            with pytest.raises(CredentialsSpent):
                consume_session("live-1", key(world), world)
            return consume(*arguments)

        world.runway_sessions.consume = meanwhile  # type: ignore[assignment]
        assert consume_session("live-1", key(world), world).token
        assert world.runway_sessions.sessions["live-1"].consumed == 1

    @pytest.mark.parametrize("status", [401, 403, 404, 409, 429])
    def test_a_rejected_consume_does_not_cost_the_session(self, status: int, world: World) -> None:
        ready(world)
        rejection = CreateRefused("busy", status=429) if status == 429 else CreateRejected("no", status=status)
        world.runway_sessions.refuse_consumes.append(rejection)
        with pytest.raises(type(rejection)):
            consume_session("live-1", "wrong", world)
        assert consume_session("live-1", key(world), world).token

    def test_a_claim_that_could_not_be_released_is_logged_and_runways_error_is_raised(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        ready(world)
        write = world.table.write

        def reject(*_: Any) -> None:
            def conflict(*_: Any) -> None:
                raise WriteConflict

            world.table.write = conflict
            raise CreateRefused("busy", status=429)

        world.runway_sessions.consume = reject  # type: ignore[assignment]
        with pytest.raises(CreateRefused):
            consume_session("live-1", key(world), world)
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        world.table.write = write
        world.clock.advance(CLAIM_LEASE_SECONDS)
        assert watch(world) == "ended"
        assert state(world) is S.CANCELLED

    def test_a_lost_response_burns_the_session(self, world: World) -> None:
        ready(world)
        world.runway_sessions.lose_consumes.append(CreateAmbiguous("lost"))
        with pytest.raises(CredentialsLost, match="create a new session"):
            consume_session("live-1", key(world), world)
        assert world.runway_sessions.status("live-1") == "CANCELLED"
        with pytest.raises(CredentialsSpent):
            consume_session("live-1", key(world), world)

    def test_a_burned_session_is_cancelled_by_watch_after_a_failed_cancel(self, world: World) -> None:
        ready(world)
        world.runway_sessions.lose_consumes.append(CreateAmbiguous("lost"))
        world.runway_sessions.refuse_cancels.append(UpstreamUnavailable("down"))
        with pytest.raises(CredentialsLost):
            consume_session("live-1", key(world), world)
        assert world.runway_sessions.status("live-1") == "RUNNING"
        assert watch(world) == "ended"
        assert (state(world), world.runway_sessions.status("live-1")) == (S.CANCELLED, "CANCELLED")

    def test_an_expired_claim_burns_the_session(self, world: World) -> None:
        ready(world)
        world.sessions.move("live-1", SessionMoves.claim, "dead")
        assert watch(world) == "running"
        world.clock.advance(CLAIM_LEASE_SECONDS)
        assert watch(world) == "ended"
        assert world.sessions.get("live-1").cancel_reason == "lost"
        assert world.runway_sessions.status("live-1") == "CANCELLED"

    def test_credentials_that_cannot_be_recorded_are_not_returned(self, world: World) -> None:
        ready(world)
        consume = world.runway_sessions.consume

        def cancelled_meanwhile(*arguments: Any) -> Any:
            cancel_session("live-1", "acme", world)
            world.runway_sessions.now("live-1", "READY")
            return consume(*arguments)

        world.runway_sessions.consume = cancelled_meanwhile  # type: ignore[assignment]
        with pytest.raises(CredentialsLost):
            consume_session("live-1", key(world), world)
        assert world.runway_sessions.status("live-1") == "CANCELLED"


class TestRead:
    def test_an_open_session_has_runways_fields_and_the_key(self, world: World) -> None:
        created(world, metadata={"page": "7"})
        assert read_session("live-1", "acme", world)["status"] == "NOT_READY"
        world.clock.advance(3)
        seen = read_session("live-1", "acme", world)
        assert (seen["status"], seen["sessionKey"], seen["metadata"]) == ("READY", key(world), {"page": "7"})
        assert world.sessions.get("live-1").ready_at == world.clock.now()

    @pytest.mark.parametrize("session_id", ["live-1", "live-2", "", "a/b", "x" * 5000, "live-1#x"])
    def test_another_clients_or_an_invalid_id_is_not_found(self, session_id: str, world: World) -> None:
        created(world)
        with pytest.raises(NoSuchSession):
            read_session(session_id, "other", world)

    def test_a_cancelled_session_shows_as_cancelled_at_once(self, world: World) -> None:
        ready(world)
        world.runway_sessions.refuse_cancels.append(UpstreamUnavailable("down"))
        cancel_session("live-1", "acme", world)
        shown = read_session("live-1", "acme", world)
        assert (shown["status"], set(shown)) == ("CANCELLED", {"id", "createdAt", "status"})
        assert watch(world) == "ended"
        assert world.runway_sessions.status("live-1") == "CANCELLED"
        cancel_session("live-1", "acme", world)
        assert read_session("live-1", "acme", world) == shown

    def test_an_ended_session_is_read_from_its_row(self, world: World) -> None:
        ended(world)
        world.runway_sessions.sessions.clear()
        shown = read_session("live-1", "acme", world)
        assert (shown["status"], shown["duration"]) == ("COMPLETED", 20)

    def test_a_failed_session_has_its_failure(self, world: World) -> None:
        created(world)
        world.runway_sessions.now("live-1", "FAILED", failure="Moderated", failureCode="SAFETY.INPUT.TEXT")
        watch(world)
        shown = read_session("live-1", "acme", world)
        assert (shown["status"], shown["failure"], shown["failureCode"]) == ("FAILED", "Moderated", "SAFETY.INPUT.TEXT")


class TestWatch:
    """Every edge of Runway's state diagram, and the sessions that Tarmac cancels itself."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("NOT_READY", "READY"),
            ("NOT_READY", "CANCELLED"),
            ("NOT_READY", "FAILED"),
            ("READY", "RUNNING"),
            ("READY", "FAILED"),
            ("RUNNING", "COMPLETED"),
            ("RUNNING", "CANCELLED"),
        ],
    )
    def test_an_edge_of_the_diagram_is_followed(self, before: str, after: str, world: World) -> None:
        created(world)
        for status in (before, after):
            outcome = watch(world) if status == "NOT_READY" else self.seen(world, status)
            assert outcome == ("ended" if SessionState(status).is_terminal else "running")
            assert state(world) == status
        session = world.sessions.get("live-1")
        assert (session.failure, session.failure_code) == (
            ("It failed", "INTERNAL") if after == "FAILED" else (None, None)
        )
        assert world.runway_sessions.cancelled == []

    def seen(self, world: World, status: str) -> str:
        more: dict[str, Any] = {"duration": 42} if status == "COMPLETED" else {}
        more |= {"failure": "It failed", "failureCode": "INTERNAL"} if status == "FAILED" else {}
        world.runway_sessions.now("live-1", status, **more)
        return watch(world)

    def test_an_unclaimed_session_is_cancelled(self, world: World) -> None:
        ready(world)
        assert watch(world) == "running"
        world.clock.advance(UNCLAIMED_SECONDS - 1)
        assert watch(world) == "running"
        world.clock.advance(1)
        assert watch(world) == "ended"
        assert world.runway_sessions.cancelled == ["live-1"]
        session = world.sessions.get("live-1")
        assert (session.state, session.cancel_reason) == (S.CANCELLED, "unclaimed")
        assert minutes(world) == 0

    def test_a_consumed_session_without_a_viewer_is_cancelled(self, world: World) -> None:
        """The client has disconnected before the response with the credentials arrived."""
        world.runway_sessions.joins = False
        running(world)
        watch(world)
        world.clock.advance(UNCLAIMED_SECONDS)
        assert watch(world) == "ended"
        assert world.runway_sessions.cancelled == ["live-1"]

    def test_a_session_that_never_gets_ready_is_cancelled(self, world: World) -> None:
        world.runway_sessions.ready_seconds = 1e6
        created(world)
        world.clock.advance(LONGEST_QUEUE_SECONDS)
        assert watch(world) == "ended"
        assert world.runway_sessions.cancelled == ["live-1"]

    def test_an_overdue_session_is_cancelled(self, world: World) -> None:
        running(world)
        world.runway_sessions.now("live-1", "RUNNING")
        world.runway_sessions.sessions["live-1"].entered_at = None
        watch(world)
        world.clock.advance(361)
        assert watch(world) == "ended"
        assert world.sessions.get("live-1").cancel_reason == "overdue"
        assert minutes(world) == 300

    def test_a_viewer_who_joins_at_the_last_moment_is_not_cut_off(self, world: World) -> None:
        ready(world)
        watch(world)
        world.clock.advance(UNCLAIMED_SECONDS)
        poll = world.runway_sessions.session

        def then_consumed(*arguments: Any) -> Any:
            seen = poll(*arguments)
            if not world.runway_sessions.sessions["live-1"].consumed:
                consume_session("live-1", key(world), world)
            return seen

        world.runway_sessions.session = then_consumed  # type: ignore[assignment]
        assert watch(world) == "running"
        assert world.runway_sessions.cancelled == []
        assert watch(world) == "running"
        assert state(world) is S.RUNNING

    def test_failed_polls_do_not_end_a_call(self, world: World) -> None:
        running(world)
        world.runway_sessions.unreadable += [UpstreamUnavailable("HTTP 502")] * 5
        waits = [watch_session("live-1", world, UNCLAIMED_SECONDS) for _ in range(5)]
        assert {each.word for each in waits} == {"running"}
        assert [each.wait_seconds for each in waits] == sorted(each.wait_seconds for each in waits)
        assert state(world) is S.NOT_READY
        assert watch(world) == "running"
        assert state(world) is S.RUNNING

    def test_a_long_retry_after_is_capped(self, world: World) -> None:
        created(world)
        world.runway_sessions.unreadable.append(UpstreamUnavailable("busy", status=429, retry_after_seconds=1e9))
        assert watch_session("live-1", world, UNCLAIMED_SECONDS).wait_seconds == 60

    def test_a_404_ends_the_session_only_when_confirmed(self, world: World) -> None:
        running(world)
        for _ in range(CONFIRMATIONS_OF_GONE - 1):
            world.runway_sessions.unreadable.append(UpstreamGone("404"))
            assert watch(world) == "running"
        assert watch(world) == "running"
        world.runway_sessions.unreadable += [UpstreamGone("404")] * CONFIRMATIONS_OF_GONE
        assert [watch(world) for _ in range(CONFIRMATIONS_OF_GONE)][-1] == "ended"
        assert world.sessions.get("live-1").failure_code == "TARMAC.GONE"

    def test_an_outage_that_outlasts_the_session_ends_it(self, world: World) -> None:
        running(world)
        world.clock.advance(2000)
        world.runway_sessions.unreadable.append(UpstreamUnavailable("down"))
        assert watch(world) == "ended"
        assert world.sessions.get("live-1").failure_code == "TARMAC.UNREACHABLE"

    def test_an_ended_session_is_not_polled(self, world: World) -> None:
        ended(world)
        before = world.runway_sessions.polls
        assert watch(world) == "ended"
        assert world.runway_sessions.polls == before


class TestFinish:
    def test_the_conversation_is_archived_and_announced(self, world: World) -> None:
        ended(world)
        summary = finish_session("live-1", world, MAX_BYTES).as_state()
        folder = "acme/2023/11/14/live-1"
        assert sorted(world.archive.objects) == [f"{folder}/conversation.json", f"{folder}/recording.mp4"]
        document = json.loads(world.archive.objects[f"{folder}/conversation.json"][0])
        assert document["transcript"][0]["content"] == "Hello"
        assert "recordingUrl" not in document
        published = notice(world)
        assert (
            published["type"],
            published["sessionId"],
            published["taskId"],
            published["status"],
            published["durationSeconds"],
        ) == (*("session.ended", "live-1", None, "COMPLETED", 20),)
        assert [each["key"] for each in published["outputs"]] == [
            f"{folder}/conversation.json",
            f"{folder}/recording.mp4",
        ]
        assert summary == {
            "sessionId": "live-1",
            "ending": "completed",
            "status": "COMPLETED",
            "outputs": [{"bucket": "archive", "key": each["key"]} for each in published["outputs"]],
            "seconds": 20,
            "polls": 1,
        }
        assert minutes(world) == 20

    def test_a_second_finish_changes_nothing(self, world: World) -> None:
        ended(world)
        first = finish_session("live-1", world, MAX_BYTES).as_state()
        assert finish_session("live-1", world, MAX_BYTES).as_state() == first
        assert len(world.topic.published) == 1

    def test_a_finish_after_a_crash_reuses_the_archived_files(self, world: World) -> None:
        ended(world)
        finish_session("live-1", world, MAX_BYTES)
        archived = dict(world.archive.objects)
        first = world.topic.published[0]
        row = to_row(world.sessions.get("live-1"))
        again = {name: value for name, value in row.items() if name != "outputs"} | {"noticeState": "NONE"}
        world.table.write(Put(again | {"version": row["version"] + 1}, over=row["version"]))
        world.runway_sessions.conversations["live-1"] = world.runway_sessions.conversation("live-1") | {"name": "New"}
        finish_session("live-1", world, MAX_BYTES)
        assert world.archive.objects == archived
        assert world.topic.published[1] == first

    def test_finish_waits_for_the_recording(self, world: World) -> None:
        ended(world)
        conversation = world.runway_sessions.conversation("live-1")
        world.runway_sessions.conversations["live-1"] = conversation | {"recordingUrl": None}
        waiting = finish_session("live-1", world, MAX_BYTES).as_state()
        assert waiting == {"sessionId": "live-1", "ending": "waiting", "waitSeconds": 15}
        assert not world.topic.published
        world.clock.advance(CONVERSATION_SECONDS)
        assert finish_session("live-1", world, MAX_BYTES).as_state()["ending"] == "completed"
        assert [each["contentType"] for each in notice(world)["outputs"]] == ["application/json"]

    def test_a_session_without_a_viewer_is_announced_without_files(self, world: World) -> None:
        ready(world)
        cancel_session("live-1", "acme", world)
        watch(world)
        assert finish_session("live-1", world, MAX_BYTES).as_state()["ending"] == "cancelled"
        assert not world.archive.objects
        assert (notice(world)["status"], notice(world)["reason"], notice(world)["outputs"]) == (
            "CANCELLED",
            "client",
            [],
        )

    def test_a_failed_session_fails_the_execution_with_runways_failure(self, world: World) -> None:
        created(world)
        world.runway_sessions.now("live-1", "FAILED", failure="Moderated", failureCode="SAFETY.INPUT.TEXT")
        watch(world)
        summary = finish_session("live-1", world, MAX_BYTES).as_state()
        assert (summary["ending"], summary["error"], summary["cause"]) == ("failed", "SAFETY.INPUT.TEXT", "Moderated")

    @pytest.mark.parametrize("problem", [HostRefused("elsewhere"), DownloadCut("cut"), WriteConflict("key")])
    def test_a_session_stays_open_while_its_recording_may_be_available(self, problem: Exception, world: World) -> None:
        ended(world)
        world.downloads.problems += [problem] * 3
        with pytest.raises(type(problem)):
            finish_session("live-1", world, MAX_BYTES)
        assert not world.topic.published
        world.downloads.problems.clear()
        assert finish_session("live-1", world, MAX_BYTES).as_state()["ending"] == "completed"

    def test_an_expired_recording_is_left_out_of_the_notice(self, world: World) -> None:
        ended(world)
        world.downloads.problems.append(LinkExpired("HTTP 403"))
        finish_session("live-1", world, MAX_BYTES)
        assert len(notice(world)["outputs"]) == 1

    def test_a_recording_that_cannot_be_archived_is_given_up_after_a_day(self, world: World) -> None:
        ended(world)
        world.downloads.problems += [HostRefused("elsewhere")] * 3
        world.clock.advance(RECORDING_EXPIRY_SECONDS)
        assert finish_session("live-1", world, MAX_BYTES).as_state()["ending"] == "completed"

    def test_an_open_session_cannot_be_finished(self, world: World) -> None:
        running(world)
        with pytest.raises(NotEnded):
            finish_session("live-1", world, MAX_BYTES)


class TestSweep:
    def test_a_new_session_is_not_due(self, world: World) -> None:
        created(world)
        assert sweep(world) == SweepReport()

    def test_a_lost_execution_is_replaced_under_a_new_name(self, world: World) -> None:
        created(world)
        world.session_executions.running.clear()
        world.clock.advance(200)
        assert sweep(world).restarted == 1
        assert world.session_executions.started.keys() == {"live-1", "live-1-2"}

    def test_a_running_execution_is_not_replaced(self, world: World) -> None:
        created(world)
        world.clock.advance(200)
        assert sweep(world).watched == 1
        assert sweep(world) == SweepReport()

    def test_an_execution_that_failed_to_start_is_started_by_the_sweeper(self, world: World) -> None:
        start = world.session_executions.start

        def broken(*_: Any) -> None:
            raise ConnectionError

        world.session_executions.start = broken  # type: ignore[assignment]
        created(world)
        world.session_executions.start = start
        world.clock.advance(200)
        assert sweep(world).restarted == 1
        assert world.session_executions.started.keys() == {"live-1-2"}

    def test_a_pending_notice_is_published_with_the_same_event_id(self, world: World) -> None:
        ended(world)
        publish = world.topic.publish

        def broken(*_: Any) -> None:
            raise ConnectionError

        world.topic.publish = broken  # type: ignore[assignment]
        with pytest.raises(ConnectionError):
            finish_session("live-1", world, MAX_BYTES)
        world.topic.publish = publish
        world.clock.advance(2000)
        assert sweep(world).announced == 1
        assert notice(world)["eventId"] == "live-1-ended"
        assert sweep(world) == SweepReport()

    def test_one_broken_row_does_not_stop_the_rest(self, world: World) -> None:
        created(world)
        created(world)
        world.table.rows["session#live-1", "session"].pop("state")
        world.session_executions.running.clear()
        world.clock.advance(200)
        report = sweep(world)
        assert (report.failed, report.restarted) == (1, 1)
