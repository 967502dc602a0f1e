"""A separate local stack: what a test does to it, and what it reads from it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from local.aws.clients import Clients
from local.process import free_port
from local.stack import NAME, Stack, StackInfo
from tarmac.tasks.task import Task, from_row

PATIENCE_SECONDS = 300.0
"""For anything that must happen: generous, since a slow machine must not fail a test."""


class Unanswered(Exception):
    """An invocation returned no response: the local AWS is down, or the worker was killed."""


@dataclass
class Rig:
    """One running stack. Close it, or use `rig()`."""

    stack: Stack
    info: StackInfo
    _clients: Clients = field(init=False)
    _http: httpx.Client = field(init=False)
    _others: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clients = Clients(self.info.aws_endpoint_url, self.info.region)
        # httpx of its own: no proxy of the developer's shell, no reuse of a connection that a restart has cut.
        self._http = httpx.Client(trust_env=False, timeout=30)

    def close(self) -> None:
        self._http.close()
        for client in self._others.values():
            client.close()
        with self._clients:
            pass

    # What is done to it.

    def restart_aws(self) -> None:
        """Stop the local AWS with SIGTERM and start it; the simulator continues.

        Running executions become FAILED and do not resume.
        """
        self.stack.aws.stop()
        self.stack.up()

    def restart_all(self) -> None:
        """`down`, then `up`."""
        self.stack.down()
        self.stack.up()

    def stop_simulator(self) -> None:
        assert self.stack.simulator.stop(), "the simulator did not run"

    def start_simulator(self) -> None:
        """Restart the simulator, which reads its state folder."""
        self.stack.up()

    def kill_worker(self, choose: Callable[[list[int]], int]) -> bool:
        """SIGKILL for one Lambda worker of this stack. False if there is none."""
        workers = self.workers()
        if not workers:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(choose(workers), signal.SIGKILL)
        return True

    def workers(self) -> list[int]:
        """Process ids of the Lambda workers: children of this stack's own local AWS, and of no other."""
        parent = self.stack.aws.service.pid()
        listing = subprocess.run(
            ["ps", "-axwwo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(None, 2) for line in listing.splitlines()]
        return [int(row[0]) for row in rows if len(row) == 3 and int(row[1]) == parent and "_worker.py" in row[2]]

    def invoke(self, logical_id: str, event: Any) -> Any:
        """Invoke a function with an event and return its response. Raises Unanswered."""
        client = self.client("lambda")
        try:
            answer = client.invoke(FunctionName=self.functions[logical_id], Payload=json.dumps(event).encode())
            payload = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError, ValueError) as error:
            raise Unanswered(f"{logical_id}: {type(error).__name__}") from error
        if "FunctionError" in answer:
            raise Unanswered(f"{logical_id}: {payload}")
        return payload

    def sweep(self) -> Mapping[str, int]:
        """Run the sweeper, as the schedule does once a minute, and return its report. Raises Unanswered."""
        report: Mapping[str, int] = self.invoke("Sweep", {})
        return report

    def put_upload(self, key: str, content: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        """An object in the upload bucket; metadata is percent-encoded on the way."""
        encoded = {name: quote(value) for name, value in metadata.items()}
        self._clients.s3.put_object(
            Bucket=self.info.upload_bucket, Key=key, Body=content, ContentType=content_type, Metadata=encoded
        )

    def delete_upload(self, key: str) -> None:
        self._clients.s3.delete_object(Bucket=self.info.upload_bucket, Key=key)

    def store_runway_key(self, key: str) -> None:
        """Put a key into the secret; a worker caches the old one for some minutes."""
        self._clients.secrets.put_secret_value(SecretId=self.info.runway_secret_arn, SecretString=key)

    def write_row(self, row: Mapping[str, Any]) -> None:
        """Put any row into the table, without any rules."""
        write = TypeSerializer().serialize
        item = {name: write(_decimal(value)) for name, value in row.items()}
        self._clients.dynamodb.put_item(TableName=self.info.tasks_table, Item=item)

    def delete_row(self, pk: str, sk: str) -> None:
        self._clients.dynamodb.delete_item(TableName=self.info.tasks_table, Key={"pk": {"S": pk}, "sk": {"S": sk}})

    def publish(self, message: str) -> None:
        """On the notice topic."""
        self.client("sns").publish(TopicArn=self.info.topic_arn, Message=message)

    def catch_uploads(self) -> str:
        """A queue that gets a copy of every event of the upload bucket's inbox; its address."""
        sqs, events = self._clients.sqs, self.client("events")
        url = sqs.create_queue(QueueName="caught-uploads")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [self.info.upload_bucket]}, "object": {"key": [{"prefix": "inbox/"}]}},
        }
        events.put_rule(Name="catch-uploads", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="catch-uploads", Targets=[{"Id": "queue", "Arn": arn}])
        return url

    # What is read from it.

    @cached_property
    def functions(self) -> Mapping[str, str]:
        """Logical id → name."""
        found = self._clients.cloudformation.describe_stack_resources(StackName=NAME)["StackResources"]
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in found
            if each["ResourceType"] == "AWS::Lambda::Function"
        }

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the table, of every kind."""
        read = TypeDeserializer().deserialize
        pages = self._clients.dynamodb.get_paginator("scan").paginate(
            TableName=self.info.tasks_table, ConsistentRead=True
        )
        return [{name: _plain(read(value)) for name, value in item.items()} for page in pages for item in page["Items"]]

    def tasks(self) -> dict[str, Task]:
        """Every task row, by id."""
        return {row["taskId"]: from_row(row) for row in self.rows() if row["sk"] == "task"}

    def simulator(self, path: str) -> Any:
        """JSON of the simulator's own `/_simulator/…`."""
        answer = self._http.get(f"{self.info.runway_base_url}/_simulator/{path}")
        answer.raise_for_status()
        return answer.json()

    def creates(self) -> list[dict[str, Any]]:
        """The ledger: every create that the simulator has billed, with the body it came with."""
        entries: list[dict[str, Any]] = self.simulator("ledger")["creates"]
        return [entry | {"body": self.simulator(f"tasks/{entry['id']}/body")} for entry in entries]

    def messages(self, queue_url: str) -> list[str]:
        """The bodies of all messages, which are taken off the queue."""
        bodies: list[str] = []
        while True:
            found = self._clients.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
            messages = found.get("Messages", [])
            if not messages:
                return bodies
            bodies += [message["Body"] for message in messages]
            handles: Any = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            self._clients.sqs.delete_message_batch(QueueUrl=queue_url, Entries=handles)

    def notices(self) -> list[dict[str, Any]]:
        """All notices since the last call, in no order."""
        return [json.loads(body) for body in self.messages(self.info.notice_queue_url)]

    def waiting_notices(self) -> int:
        """How many are on the queue."""
        about = self._clients.sqs.get_queue_attributes(
            QueueUrl=self.info.notice_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(about["Attributes"]["ApproximateNumberOfMessages"])

    def archived(self, key: str) -> bytes:
        """Return an object of the archive. Raises ClientError if it does not exist."""
        content: bytes = self._clients.s3.get_object(Bucket=self.info.archive_bucket, Key=key)["Body"].read()
        return content

    def archive_keys(self) -> list[str]:
        pages = self._clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self.info.archive_bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def execution_error(self, task: Task) -> str:
        """Return the status of the task's last execution, for a failure message."""
        arn = self.info.generation_state_machine_arn.replace(":stateMachine:", ":execution:")
        try:
            answer = self._clients.states.describe_execution(executionArn=f"{arn}:{task.execution_name}")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return f"{answer['status']} {answer.get('error', '')} {answer.get('cause', '')[:300]}".strip()

    # Waiting.

    def settle(
        self,
        observe: Callable[[dict[str, Task]], object] = lambda tasks: None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> int:
        """Sweep until every task has ended and is announced. Returns the number of sweeps that ended.

        observe: called with the tasks after every sweep.
        """
        answered = 0
        deadline = time.monotonic() + patience_seconds
        while True:
            with contextlib.suppress(Unanswered):
                self.sweep()
                answered += 1
            tasks = self.tasks()
            observe(tasks)
            under_way = [task for task in tasks.values() if task.needs_attention]
            if not under_way:
                return answered
            if time.monotonic() > deadline:
                pytest.fail(self._stuck(under_way, patience_seconds))
            time.sleep(0.3)

    def _stuck(self, tasks: list[Task], patience_seconds: float) -> str:
        lines = [
            f"  {task.id} {task.state} notice {task.notice_state} run {task.run} attempt {task.attempt}"
            f" polls {task.polls} next check in {(task.next_check_at or 0) - time.time():.1f} s;"
            f" execution {self.execution_error(task)}"
            for task in tasks[:20]
        ]
        return "\n".join(
            [
                f"{len(tasks)} tasks have not ended after {patience_seconds:.0f} s:",
                *lines,
                "last log lines of the local AWS:",
                self.stack.aws.service.log_tail(),
            ]
        )

    def client(self, service: str) -> Any:
        """A boto3 client that only tests need."""
        if service not in self._others:
            clients = self._clients
            self._others[service] = clients.session.client(  # type: ignore[call-overload]
                service, endpoint_url=clients.endpoint_url, config=clients.config
            )
        return self._others[service]


@contextlib.contextmanager
def rig(home: Path, *, workers: int, **settings: Any) -> Iterator[Rig]:
    """A stack on free ports for as long as the block lasts; `workers` bounds those of each function."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOCAL_WORKERS_PER_FUNCTION", str(workers))
        stack = Stack(home, free_port(), free_port(), **settings)
        try:
            running = Rig(stack, stack.up())
            try:
                yield running
            finally:
                running.close()
        finally:
            stack.down()


def _plain(value: Any) -> Any:
    """Numbers as Python's own."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _decimal(value: Any) -> Any:
    """Numbers as the serializer takes them."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: _decimal(part) for name, part in value.items()}
    return [_decimal(part) for part in value] if isinstance(value, list) else value
