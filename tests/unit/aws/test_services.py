"""AWS over httpx: signed as botocore signs, retried where boto3 retries, read as boto3 reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.handlers import add_recursion_detection_header
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from tarmac.aws import request_types
from tarmac.aws.dynamodb import DynamoTable, from_item, to_item
from tarmac.aws.messaging import SnsTopic, SqsQueue, StateMachineExecutions
from tarmac.aws.services import (
    TRIES,
    Credentials,
    DynamoDb,
    SecretsManager,
    Service,
    ServiceError,
    Sns,
    Sqs,
    StepFunctions,
    code_of,
    signed,
    trace_header,
)
from tarmac.ports import ConditionFailed, ExecutionNameTaken, Put, Throttled
from tests.fakes.servers import Behaviour, TinyServer, answer, hang_up, reset, tiny_server

Aws = Callable[[type[Service]], Any]
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session")


@pytest.fixture
def server() -> Iterator[TinyServer]:
    with tiny_server() as started:
        yield started


@pytest.fixture
def pauses() -> list[float]:
    """Seconds of the pauses that a service would have made."""
    return []


@pytest.fixture
def aws(server: TinyServer, pauses: list[float]) -> Iterator[Aws]:
    """Any service, on that server."""
    with httpx.Client(timeout=2.0) as http:
        yield lambda kind: kind(server.url, "eu-central-1", lambda: CREDENTIALS, http, pauses.append)


def rejection(code: str, status: int = 400, **more: Any) -> Behaviour:
    return answer(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"} | more)


class TestSigned:
    @given(
        body=st.binary(max_size=200),
        target=st.from_regex(r"[A-Za-z0-9_]{1,20}\.[A-Za-z]{1,20}", fullmatch=True),
        path=st.sampled_from(["/", "/below/it/"]),
        token=st.none() | st.from_regex(r"[A-Za-z0-9+/=]{1,60}", fullmatch=True),
        moment=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - naive bounds,
    )
    def test_as_botocore_signs(self, body: bytes, target: str, path: str, token: str | None, moment: datetime) -> None:
        url = f"https://states.eu-central-1.amazonaws.com{path}"
        credentials = Credentials("AKIDEXAMPLE", "secret/of+it", token)
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": target}
        found = signed(url, headers, body, ("eu-central-1", "states"), credentials, moment)

        oracle = SigV4Auth(SimpleNamespace(**vars_of(credentials)), "states", "eu-central-1")  # type: ignore[arg-type]
        request = AWSRequest("POST", url, headers, body)
        request.context["timestamp"] = found["x-amz-date"]
        request.headers["X-Amz-Date"] = found["x-amz-date"]
        if token:
            request.headers["X-Amz-Security-Token"] = token
        to_sign = oracle.string_to_sign(request, oracle.canonical_request(request))
        assert found["authorization"].endswith(f"Signature={oracle.signature(to_sign, request)}")
        assert f"Credential=AKIDEXAMPLE/{moment:%Y%m%d}/eu-central-1/states/aws4_request," in found["authorization"]


def vars_of(credentials: Credentials) -> dict[str, Any]:
    return {
        "access_key": credentials.access_key,
        "secret_key": credentials.secret_key,
        "token": credentials.session_token,
    }


class TestCalls:
    def test_name_their_operation_and_are_signed(self, aws: Aws, server: TinyServer) -> None:
        server.answers(answer(200, {"Item": {}}))
        dynamodb = aws(DynamoDb)
        assert dynamodb.get_item(TableName="tasks", Key={"pk": {"S": "ä"}}) == {"Item": {}}
        [request] = server.requests
        assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
        assert request.headers["content-type"] == "application/x-amz-json-1.0"
        assert request.headers["x-amz-security-token"] == "a-session"
        assert request.json() == {"TableName": "tasks", "Key": {"pk": {"S": "ä"}}}

    @pytest.mark.parametrize(
        "behaviour",
        [
            answer(500, {}),
            answer(503, b"busy"),
            answer(429, {}),
            rejection("ProvisionedThroughputExceededException"),
            rejection("ThrottlingException"),
            reset,
            hang_up,
        ],
    )
    def test_are_retried_after_a_transient_error(
        self, behaviour: Behaviour, aws: Aws, server: TinyServer, pauses: list[float]
    ) -> None:
        server.answers(behaviour, behaviour, answer(200, {"Item": {}}))
        dynamodb = aws(DynamoDb)
        assert dynamodb.get_item(TableName="tasks") == {"Item": {}}
        assert len(server.requests) == 3
        assert len(pauses) == 2

    @pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException"])
    def test_of_a_description_are_not_retried_while_throttled(self, code: str, aws: Aws, server: TinyServer) -> None:
        server.answers(rejection(code), answer(200, {"status": "RUNNING"}))
        states = aws(StepFunctions)
        executions = StateMachineExecutions("arn:aws:states:eu-central-1:1:stateMachine:m", states)
        with pytest.raises(Throttled):
            executions.is_running("t")
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "code",
        [
            "ExpiredTokenException",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "RequestExpired",
            "AccessDeniedException",
        ],
    )
    def test_with_rejected_credentials_or_clock_fail_at_once(self, code: str, aws: Aws, server: TinyServer) -> None:
        """New credentials come with a new environment, so the caller's retry must run in another one."""
        server.answers(rejection(code), answer(200, {}))
        with pytest.raises(ServiceError) as caught:
            DynamoTable("tasks", aws(DynamoDb)).write(Put({"pk": "a", "sk": "a"}))
        assert code_of(caught.value) == code
        assert len(server.requests) == 1

    def test_are_not_retried_after_a_rejection(self, aws: Aws, server: TinyServer) -> None:
        server.answers(rejection("ConditionalCheckFailedException"), answer(200, {}))
        dynamodb = aws(DynamoDb)
        with pytest.raises(ServiceError) as caught:
            dynamodb.put_item(TableName="tasks")
        assert code_of(caught.value) == "ConditionalCheckFailedException"
        assert len(server.requests) == 1

    def test_fail_after_the_last_try(self, aws: Aws, server: TinyServer) -> None:
        server.answers(*[answer(500, {})] * (TRIES + 1))
        dynamodb = aws(DynamoDb)
        with pytest.raises(ServiceError, match="HTTP 500"):
            dynamodb.get_item(TableName="tasks")
        assert len(server.requests) == TRIES

    def test_without_a_response_raise_a_transport_error(self, aws: Aws, server: TinyServer) -> None:
        server.answers(*[hang_up] * TRIES)
        dynamodb = aws(DynamoDb)
        with pytest.raises(httpx.TransportError):
            dynamodb.get_item(TableName="tasks")

    def test_of_transactions_are_retried_with_the_same_token(self, aws: Aws, server: TinyServer) -> None:
        server.answers(reset, answer(200, {}), answer(200, {}))
        table = DynamoTable("tasks", aws(DynamoDb))
        for _ in range(2):
            table.write(Put({"pk": "a", "sk": "a"}), Put({"pk": "b", "sk": "b"}))
        first, again, other = [request.json()["ClientRequestToken"] for request in server.requests]
        assert first == again != other

    @pytest.mark.parametrize("kind", [DynamoDb, SecretsManager, StepFunctions, Sqs, Sns])
    def test_exist_at_the_service_with_these_parameters(self, kind: type[Service]) -> None:
        """botocore's models are the source of truth for the names of operations and parameters."""
        name = {"states": "stepfunctions"}.get(kind.dialect.host, kind.dialect.host)
        model = Session().get_service_model(name)
        assert kind.dialect.target == model.metadata.get("targetPrefix")
        assert model.metadata["protocol"] in ("json", "query")
        operations = {xform_name(operation): model.operation_model(operation) for operation in model.operation_names}
        methods = [method for method in vars(kind) if not method.startswith("_") and method != "dialect"]
        assert methods
        for method in methods:
            shape = operations[method].input_shape
            typed = getattr(request_types, operations[method].name)
            assert typed.__annotations__.keys() <= shape.members.keys()
            assert set(shape.required_members) <= typed.__annotations__.keys()


class TestTrace:
    TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:1|68fd508a:5"

    @pytest.mark.parametrize(
        "environment",
        [
            {"AWS_LAMBDA_FUNCTION_NAME": "poll", "_X_AMZN_TRACE_ID": TRACE},
            {"AWS_LAMBDA_FUNCTION_NAME": "poll", "_X_AMZN_TRACE_ID": "first\nsecond ä"},
            {"AWS_LAMBDA_FUNCTION_NAME": "poll", "_X_AMZN_TRACE_ID": ""},
            {"AWS_LAMBDA_FUNCTION_NAME": "poll"},
            {"_X_AMZN_TRACE_ID": TRACE},
        ],
    )
    def test_is_continued_as_botocore_does_it(
        self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_LAMBDA_FUNCTION_NAME", "_X_AMZN_TRACE_ID"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        request: dict[str, dict[str, str]] = {"headers": {}}
        add_recursion_detection_header(request)
        assert trace_header() == {name.lower(): value for name, value in request["headers"].items()}

    def test_is_a_header_of_each_request_and_not_signed(
        self, aws: Aws, server: TinyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not signed, as by botocore, because proxies and X-Ray may change it."""
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "poll")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", self.TRACE)
        server.answers(answer(200, {}), answer(200, b"<PublishResponse/>"))
        aws(DynamoDb).get_item(TableName="tasks")
        aws(Sns).publish(TopicArn="arn", Message="m")
        assert len(server.requests) == 2
        for request in server.requests:
            assert request.headers["x-amzn-trace-id"] == quote(self.TRACE, safe="=;:-")
            assert "x-amzn-trace-id" not in request.headers["authorization"]


class TestAdapters:
    """The adapters over the services, where they read more than the response's body."""

    def test_a_condition_that_failed_in_a_transaction(self, aws: Aws, server: TinyServer) -> None:
        reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]
        server.answers(rejection("TransactionCanceledException", CancellationReasons=reasons))
        dynamodb = aws(DynamoDb)
        with pytest.raises(ConditionFailed):
            DynamoTable("tasks", dynamodb).write(Put({"pk": "a", "sk": "a"}), Put({"pk": "b", "sk": "b"}))

    def test_another_reason_is_not_a_failed_condition(self, aws: Aws, server: TinyServer) -> None:
        reasons = [{"Code": "ValidationError"}]
        server.answers(rejection("TransactionCanceledException", CancellationReasons=reasons))
        dynamodb = aws(DynamoDb)
        with pytest.raises(ServiceError):
            DynamoTable("tasks", dynamodb).write(Put({"pk": "a", "sk": "a"}), Put({"pk": "b", "sk": "b"}))

    def test_a_name_that_is_taken(self, aws: Aws, server: TinyServer) -> None:
        server.answers(rejection("ExecutionAlreadyExists"), rejection("ExecutionDoesNotExist"))
        states = aws(StepFunctions)
        executions = StateMachineExecutions("arn:aws:states:eu-central-1:1:stateMachine:m", states)
        with pytest.raises(ExecutionNameTaken):
            executions.start("t", "{}")
        assert not executions.is_running("t")
        assert [request.headers["x-amz-target"].partition(".")[2] for request in server.requests] == [
            "StartExecution",
            "DescribeExecution",
        ]

    def test_an_error_of_a_start_or_a_description_is_raised(self, aws: Aws, server: TinyServer) -> None:
        server.answers(rejection("StateMachineDoesNotExist"), rejection("InvalidArn"))
        states = aws(StepFunctions)
        executions = StateMachineExecutions("arn:aws:states:eu-central-1:1:stateMachine:m", states)
        with pytest.raises(ServiceError):
            executions.start("t", "{}")
        with pytest.raises(ServiceError):
            executions.is_running("t")

    def test_a_notice_is_a_form(self, aws: Aws, server: TinyServer) -> None:
        server.answers(answer(200, b"<PublishResponse/>"))
        sns = aws(Sns)
        SnsTopic("arn:topic", sns).publish('{"a":"&="}', {"type": "task.failed", "client": "ä b", "model": ""})
        [request] = server.requests
        assert dict(httpx.QueryParams(request.body.decode())) == {
            "Action": "Publish",
            "Version": "2010-03-31",
            "TopicArn": "arn:topic",
            "Message": '{"a":"&="}',
            "MessageAttributes.entry.1.Name": "type",
            "MessageAttributes.entry.1.Value.DataType": "String",
            "MessageAttributes.entry.1.Value.StringValue": "task.failed",
            "MessageAttributes.entry.2.Name": "client",
            "MessageAttributes.entry.2.Value.DataType": "String",
            "MessageAttributes.entry.2.Value.StringValue": "ä b",
        }

    def test_a_missing_topic_is_an_error_with_its_code(self, aws: Aws, server: TinyServer) -> None:
        xml = b"<ErrorResponse><Error><Code>NotFound</Code><Message>no topic</Message></Error></ErrorResponse>"
        server.answers(answer(404, xml))
        sns = aws(Sns)
        with pytest.raises(ServiceError, match="NotFound: no topic"):
            SnsTopic("arn:topic", sns).publish("{}", {})
        assert len(server.requests) == 1

    def test_a_batch_with_a_rejected_message_fails(self, aws: Aws, server: TinyServer) -> None:
        server.answers(answer(200, {"Failed": [{"Code": "InternalError"}]}))
        sqs = aws(Sqs)
        with pytest.raises(RuntimeError, match="InternalError"):
            SqsQueue("https://sqs/q", sqs).send_all(["a", "b"])
        [request] = server.requests
        assert request.headers["x-amz-target"] == "AmazonSQS.SendMessageBatch"
        assert [entry["MessageBody"] for entry in request.json()["Entries"]] == ["a", "b"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.integers(-(10**15), 10**15)
    | st.floats(-1e15, 1e15, allow_subnormal=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(row=st.dictionaries(st.text(min_size=1), VALUES, max_size=4))
def test_a_row_comes_back_as_it_was_written(row: dict[str, Any]) -> None:
    written = json.loads(json.dumps(to_item(row)))
    assert from_item(written) == row


@pytest.mark.parametrize(("text", "number"), [("25", 25), ("25.0", 25), ("1E+2", 100), ("0.5", 0.5), ("-3", -3)])
def test_a_whole_number_is_read_as_an_integer(text: str, number: float) -> None:
    found = from_item({"n": {"N": text}})["n"]
    assert found == number
    assert isinstance(found, type(number))


def test_a_row_holds_plain_values_only() -> None:
    with pytest.raises(TypeError, match="bytes"):
        to_item({"content": b"x"})
    with pytest.raises(TypeError, match="SS"):
        from_item({"names": {"SS": ["a"]}})


class TestService:
    @pytest.fixture(autouse=True)
    def no_region(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_REGION", "")

    @pytest.mark.parametrize(
        ("kind", "region", "url"),
        [
            (DynamoDb, "eu-central-1", "https://dynamodb.eu-central-1.amazonaws.com/"),
            (StepFunctions, "us-gov-west-1", "https://states.us-gov-west-1.amazonaws.com/"),
            (Sns, "cn-north-1", "https://sns.cn-north-1.amazonaws.com.cn/"),
        ],
    )
    def test_is_where_its_region_is(
        self, kind: type[Service], region: str, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        assert kind.from_environment().url == url

    def test_is_the_local_one_where_that_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        assert Sqs.from_environment().url == "http://127.0.0.1:4566/"

    def test_has_the_credentials_of_the_environment(self) -> None:
        found = Credentials.from_environment({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
        assert found == Credentials("a", "b")
        with pytest.raises(KeyError):
            Credentials.from_environment({})


def test_an_error_without_a_response_has_no_code() -> None:
    assert code_of(RuntimeError("x")) == ""
