"""Writes that meet other transactions or throttling: retried, never taken for failed conditions. On moto."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tarmac.aws import dynamodb as adapter
from tarmac.aws.dynamodb import LONGEST_PAUSE_SECONDS, WRITE_TRIES, DynamoTable
from tarmac.http.errors import as_api_error
from tarmac.ports import Add, ConditionFailed, Put, Row, WriteConflict
from tarmac.runway.errors import CreateRefused
from tarmac.sessions.client_tokens import ClientToken
from tarmac.sessions.create import SessionOrder, create_session
from tarmac.sessions.store import AttemptState
from tests.fakes import World
from tests.fakes.composed import sweep_sessions
from tests.fakes.samples import NOW
from tests.unit.sessions.samples import MOST_SECONDS, a_request, minutes

TRANSACT = "transact_write_items"
TRANSIENT = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
TOKEN = ClientToken("token-1", "acme", "https://app.example.com", 1, int(NOW) + 300)


def client_error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}, **more}, "AnyOperation")  # type: ignore[typeddict-item]


def cancelled(*reasons: str) -> ClientError:
    return client_error("TransactionCanceledException", CancellationReasons=[{"Code": reason} for reason in reasons])


class Meeting:
    """A DynamoDB client. Its calls raise the listed errors, in turn, before they reach the table."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.errors: list[Exception] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if name not in ("get_item", "query"):
                self.calls.append((name, request))
                if self.errors:
                    raise self.errors.pop(0)
            return getattr(self._dynamodb, name)(**request)

        return call


@pytest.fixture
def meeting(dynamodb: Any) -> Meeting:
    return Meeting(dynamodb)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def table(dynamo_table: DynamoTable, meeting: Meeting, pauses: list[float]) -> DynamoTable:
    return DynamoTable(dynamo_table._name, meeting, pauses.append)


def row(pk: str, version: int = 1) -> Row:
    return {"pk": pk, "sk": "row", "version": version}


class TestTransactions:
    @pytest.mark.parametrize("reason", TRANSIENT)
    def test_are_retried_with_the_same_token(
        self, reason: str, table: DynamoTable, meeting: Meeting, pauses: list[float]
    ) -> None:
        meeting.errors = [cancelled("None", reason)] * 3
        table.write(Put(row("a")), Put(row("b")))
        assert table.get("b", "row") == row("b")
        assert len({request["ClientRequestToken"] for _, request in meeting.calls}) == 1
        assert len(meeting.calls) == 4
        assert len(pauses) == 3
        assert max(pauses) <= LONGEST_PAUSE_SECONDS

    def test_in_progress_are_retried_with_the_same_token(self, table: DynamoTable, meeting: Meeting) -> None:
        meeting.errors = [client_error("TransactionInProgressException")]
        table.write(Put(row("a")), Put(row("b")))
        assert len({request["ClientRequestToken"] for _, request in meeting.calls}) == 1

    @pytest.mark.parametrize("reason", TRANSIENT)
    def test_with_a_failed_condition_as_well_are_not(self, reason: str, table: DynamoTable, meeting: Meeting) -> None:
        meeting.errors = [cancelled(reason, "None", "ConditionalCheckFailed")]
        with pytest.raises(ConditionFailed):
            table.write(Put(row("a")), Put(row("b")))
        assert len(meeting.calls) == 1

    @pytest.mark.parametrize("reason", TRANSIENT)
    def test_that_never_succeed_are_no_failed_condition(
        self, reason: str, table: DynamoTable, meeting: Meeting, pauses: list[float]
    ) -> None:
        meeting.errors = [cancelled("None", reason)] * (WRITE_TRIES + 1)
        with pytest.raises(WriteConflict, match=reason):
            table.write(Put(row("a")), Put(row("b")))
        assert len(meeting.calls) == WRITE_TRIES == len(pauses) + 1
        assert table.get("a", "row") is None

    @pytest.mark.parametrize("reasons", [["ValidationError"], ["TransactionConflict", "ValidationError"], []])
    def test_with_another_reason_fail_as_they_are(
        self, reasons: list[str], table: DynamoTable, meeting: Meeting
    ) -> None:
        meeting.errors = [cancelled(*reasons)]
        with pytest.raises(ClientError):
            table.write(Put(row("a")), Put(row("b")))
        assert len(meeting.calls) == 1


WRITES: dict[str, Callable[[DynamoTable], None]] = {
    "put": lambda table: table.write(Put(row("a"))),
    "add": lambda table: table.write(Add("a", "row", "count", 1)),
    "delete": lambda table: table.delete("a", "row"),
}


@pytest.mark.parametrize("write", WRITES)
class TestSingleWrites:
    def test_are_retried_after_a_conflict(self, write: str, table: DynamoTable, meeting: Meeting) -> None:
        meeting.errors = [client_error("TransactionConflictException")] * 3
        WRITES[write](table)
        assert len(meeting.calls) == 4

    def test_that_were_throttled_are_not_sent_again(self, write: str, table: DynamoTable, meeting: Meeting) -> None:
        """The client has retried them, and more retries would use up the time of a function."""
        meeting.errors = [client_error("ThrottlingException")]
        with pytest.raises(WriteConflict):
            WRITES[write](table)
        assert len(meeting.calls) == 1

    def test_that_never_succeed_are_no_failed_condition(self, write: str, table: DynamoTable, meeting: Meeting) -> None:
        meeting.errors = [client_error("TransactionConflictException")] * WRITE_TRIES
        with pytest.raises(WriteConflict):
            WRITES[write](table)


def test_the_api_asks_the_caller_to_retry() -> None:
    answer = as_api_error(WriteConflict("TransactionConflict"))
    assert answer is not None
    assert (answer.status, answer.should_retry) == (503, True)


class TestRejectedSessions:
    """Runway rejects a session while another transaction holds the client's row of minutes."""

    @pytest.fixture
    def world(self, table: DynamoTable) -> World:
        world = World()
        world.table = table  # type: ignore[assignment]
        return world

    def reject_a_session(self, world: World, meeting: Meeting, *errors: Exception) -> None:
        def reject(_: Any) -> str:
            meeting.errors = list(errors)
            raise CreateRefused("HTTP 429", status=429)

        world.runway_sessions.create = reject  # type: ignore[assignment]
        with pytest.raises(CreateRefused):
            create_session(SessionOrder("acme", a_request(), token=TOKEN), world, MOST_SECONDS)

    def is_given_back(self, world: World) -> bool:
        return minutes(world) == 0 and not world.client_tokens.is_spent(TOKEN)

    @pytest.mark.parametrize("reason", TRANSIENT)
    def test_give_back_minutes_and_token(self, reason: str, world: World, meeting: Meeting) -> None:
        self.reject_a_session(world, meeting, *[cancelled("None", reason, "None")] * (WRITE_TRIES - 1))
        assert self.is_given_back(world)

    def test_are_left_to_the_sweeper_while_conflicts_last(
        self, world: World, meeting: Meeting, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.reject_a_session(world, meeting, *[cancelled("TransactionConflict")] * WRITE_TRIES)
        assert not self.is_given_back(world)
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        [attempt_id] = [request["Item"]["attemptId"]["S"] for name, request in meeting.calls if name == "put_item"]
        attempt = world.sessions.get_attempt(attempt_id)
        assert attempt is not None
        assert attempt.state is AttemptState.REFUSING
        world.clock.advance(61)
        meeting.errors = [cancelled("TransactionConflict")] * WRITE_TRIES
        assert sweep_sessions(world).postponed == 1
        assert sweep_sessions(world).postponed == 0
        assert self.is_given_back(world)
        assert sweep_sessions(world).postponed == 0
        assert minutes(world) == 0

    def test_are_reported_where_nothing_can_be_written(
        self, world: World, meeting: Meeting, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.reject_a_session(world, meeting, *[cancelled("TransactionConflict")] * WRITE_TRIES, OSError("unreachable"))
        assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]

    def test_leave_minutes_reserved_where_a_conflict_counts_as_a_failed_condition(
        self, world: World, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without the guard, the first conflict leaves minutes reserved and a token spent."""
        monkeypatch.setattr(adapter, "judged", lambda _: ConditionFailed())
        self.reject_a_session(world, meeting, cancelled("None", "TransactionConflict", "None"))
        world.clock.advance(61)
        sweep_sessions(world)
        assert not self.is_given_back(world)
