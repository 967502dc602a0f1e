"""The lean client against botocore's models: the same hosts, and the same requests for the same parameters.

Each method of a service has cases below, from the real adapters. A method without one fails
`test_every_method_has_a_case`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl

import httpx
import pytest
from botocore import xform_name
from botocore.endpoint_provider import EndpointProvider
from botocore.model import Shape
from botocore.serialize import create_serializer
from botocore.session import Session
from botocore.validate import ParamValidator

from tarmac.aws import services
from tarmac.aws.dynamodb import DynamoTable
from tarmac.aws.messaging import SnsTopic, SqsQueue, StateMachineExecutions
from tarmac.aws.secrets import SecretKey
from tarmac.aws.services import Credentials, DynamoDb, SecretsManager, Service, Sns, Sqs, StepFunctions
from tarmac.clock import Clock
from tarmac.ports import Add, Put
from tarmac.tasks.task import to_row
from tests.fakes.samples import a_task

SESSION = Session()
KINDS = (DynamoDb, SecretsManager, StepFunctions, Sqs, Sns)
UNUSED_HEADERS = {("x-amzn-query-mode", "true")}
"""This header asks SQS for the codes of its former protocol, which the client does not read."""

TEXT = 'Häfen & 港 = 🎬\n\t"quoted" \u2028 +%2B'
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:generation"
ANSWER = {"Items": [], "status": "RUNNING", "SecretString": "key_x"}


def name_of(kind: type[Service]) -> str:
    """The service's name in botocore."""
    return "stepfunctions" if kind is StepFunctions else kind.dialect.host


class Wire:
    """Services without a network. Each request is recorded, as parameters and as an HTTP request."""

    def __init__(self) -> None:
        self.sent: list[tuple[type[Service], str, dict[str, Any], httpx.Request]] = []

    def service(self, kind: type[Service]) -> Any:
        wire = self

        class Recording(kind):  # type: ignore[misc, valid-type]
            def _call(self, operation: str, request: Any, retry_throttled: bool = True) -> dict[str, Any]:
                before = len(requests)
                answer: dict[str, Any] = super()._call(operation, request, retry_throttled)
                wire.sent += [(kind, operation, dict(request), sent) for sent in requests[before:]]
                return answer

        requests: list[httpx.Request] = []

        def respond(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(200, json=ANSWER)

        http = httpx.Client(transport=httpx.MockTransport(respond))
        return Recording("https://aws.example", "eu-central-1", lambda: Credentials("a", "b"), http)


def use_table(wire: Wire) -> None:
    table = DynamoTable("tasks", wire.service(DynamoDb))
    table.get(TEXT, "task")
    table.write(Put(to_row(a_task())))
    values = {"n": 1.5, "tiny": 1e-9, "big": 10**15, "text": TEXT, "list": [1, None, True, {"x": ["y", -0.25]}], "": ""}
    table.write(Put({"pk": "a", "sk": "b", "version": 2, **values}, over=1))
    table.write(Add("a", "c", "seconds", 5))
    table.write(Add("a", "c", "seconds", -5, 10, {"ttl": 1_700_000_000, "who": TEXT}))
    table.write(Put({"pk": "a", "sk": "b", "version": 1}), Put({"pk": "a", "sk": "c", "version": 9, **values}, over=8))
    table.write(Put({"pk": "a", "sk": "b", "version": 1}), Add("a", "c", "seconds", 5, 10))
    table.delete("a", TEXT)
    table.query("primary", "batch#1")
    table.query("due", "due#0", up_to=1_700_000_000.125)
    start = {"pk": "a", "sk": "b", "client": "acme", "listKey": TEXT}
    table.query("byClient", "acme", up_to="2026", descending=True, limit=5, start=start)


def use_messages(wire: Wire) -> None:
    SnsTopic("arn:aws:sns:eu-central-1:1:t", wire.service(Sns)).publish(TEXT, {"type": TEXT, "a&b": "x", "empty": ""})
    SnsTopic("arn:aws:sns:eu-central-1:1:t", wire.service(Sns)).publish("{}", {})
    queue = SqsQueue("https://sqs.eu-central-1.amazonaws.com/1/q", wire.service(Sqs))
    queue.send(TEXT)
    queue.send_all([TEXT, "b"])
    queue.postpone("receipt+/=", 43_200)
    executions = StateMachineExecutions(MACHINE, wire.service(StepFunctions))
    executions.start("task-1", json.dumps({"taskId": TEXT}, ensure_ascii=False))
    executions.is_running("task-1")
    SecretKey("arn:aws:secretsmanager:eu-central-1:1:secret:key", Clock(), wire.service(SecretsManager))()


@pytest.fixture(scope="module")
def wire() -> Wire:
    wire = Wire()
    use_table(wire)
    use_messages(wire)
    return wire


def test_every_method_has_a_case(wire: Wire) -> None:
    methods = {
        (kind, method)
        for kind in vars(services).values()
        if isinstance(kind, type) and issubclass(kind, Service) and kind is not Service
        for method in vars(kind)
        if not method.startswith("_") and method != "dialect"
    }
    assert methods == {(kind, xform_name(operation)) for kind, operation, _, _ in wire.sent}
    assert {kind for kind, _ in methods} == set(KINDS)


def test_every_request_is_valid_and_the_same_as_botocores(wire: Wire) -> None:
    for kind, operation, parameters, sent in wire.sent:
        model = SESSION.get_service_model(name_of(kind))
        shape = model.operation_model(operation)
        report = ParamValidator().validate(parameters, cast(Shape, shape.input_shape))
        assert not report.has_errors(), (operation, report.generate_report())
        wanted = create_serializer(model.resolved_protocol, False).serialize_to_request(parameters, shape)
        assert sent.method == wanted["method"]
        assert sent.url.path == wanted["url_path"]
        for name, value in wanted["headers"].items() - UNUSED_HEADERS:
            assert sent.headers[name] == value, operation
        assert read(sent.content) == read(wanted["body"]), operation


def read(body: Any) -> Any:
    """A body as the service reads it: JSON, or the fields of a form."""
    if isinstance(body, dict):
        return {name: str(value) for name, value in body.items()}
    text = body.decode()
    if text.startswith("{"):
        return json.loads(text)
    fields = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
    assert len(dict(fields)) == len(fields)
    return dict(fields)


def test_floats_and_texts_survive_the_wire(wire: Wire) -> None:
    [item] = [
        parameters["Item"]
        for _, operation, parameters, _ in wire.sent
        if operation == "PutItem" and "text" in parameters["Item"]
    ]
    assert item["n"] == {"N": "1.5"}
    assert item["tiny"] == {"N": "1e-09"}
    assert item["text"] == {"S": TEXT}


def endpoints(kind: type[Service]) -> Iterator[tuple[str, str]]:
    """Each region of each partition, and botocore's address of the service there."""
    loader = SESSION.get_component("data_loader")
    partitions = loader.load_data("partitions")
    rules = EndpointProvider(loader.load_service_model(name_of(kind), "endpoint-rule-set-1"), partitions)
    for partition in partitions["partitions"]:
        for region in partition["regions"]:
            # `aws-global` and its like are not regions that a function runs in.
            if re.match(partition["regionRegex"], region):
                yield region, rules.resolve_endpoint(Region=region, UseDualStack=False, UseFIPS=False).url


@pytest.mark.parametrize("kind", KINDS)
def test_hosts_are_those_of_botocore_in_every_region(kind: type[Service], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    regions = dict(endpoints(kind))
    assert len(regions) > 40
    found = {}
    for region in regions:
        monkeypatch.setenv("AWS_REGION", region)
        found[region] = kind.from_environment().url.rstrip("/")
    assert found == regions


def test_the_oracle_finds_a_wrong_request() -> None:
    shape = SESSION.get_service_model("dynamodb").operation_model("Query").input_shape
    for wrong in ({"Limit": 5}, {"TableName": 7}, {"TableName": "tasks", "Limit": "5"}):
        assert ParamValidator().validate(wrong, cast(Shape, shape)).has_errors()
