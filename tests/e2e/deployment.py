"""The stack from inside: what an operator finds in the consoles of DynamoDB, Step Functions, S3 and Lambda."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.aws.clients import Clients
from local.stack import NAME, StackInfo
from tarmac.aws.dynamodb import DynamoTable
from tarmac.clock import Clock
from tarmac.ports import ConditionFailed, Put
from tarmac.rows import NoticeState
from tarmac.tasks.store import TaskStore
from tarmac.tasks.task import State, Task, bump, to_row
from tests.e2e.waiting import eventually


@dataclass(frozen=True)
class Deployment:
    info: StackInfo
    clients: Clients
    table: DynamoTable
    tasks: TaskStore

    @classmethod
    @contextmanager
    def of(cls, info: StackInfo) -> Iterator[Deployment]:
        with Clients(info.aws_endpoint_url, info.region) as clients:
            table = DynamoTable(info.tasks_table, clients.dynamodb)
            yield cls(info, clients, table, TaskStore(table, Clock()))

    def client(self, service: str) -> Any:
        """A boto3 client of a service for which Clients has none; the caller closes it."""
        return client_of(self.clients, service)

    # Rows

    def row(self, task_id: str) -> Task:
        return self.tasks.get(task_id)

    def announced(self, task_id: str) -> Task:
        """The row once the task has ended and SNS has its notice."""
        return eventually(
            lambda: self.row(task_id),
            lambda row: row.state.is_terminal and row.notice_state is NoticeState.SENT,
            f"task {task_id} to end and be announced",
        )

    def in_state(self, task_id: str, *states: State) -> Task:
        """The row when it first stands there."""
        what = f"the row of {task_id} to be {' or '.join(states)}"
        return eventually(lambda: self.row(task_id), lambda row: row.state in states, what)

    def rows_of(self, client: str) -> list[Task]:
        """The newest 100 tasks of a client, hidden ones included."""
        return self.tasks.of_client(client, 100, None).tasks

    def rewrite(self, task_id: str, **changes: Any) -> Task:
        """Put a row into a state that only a fault or time produces: without the rules, never over a newer version."""
        while True:
            before = self.row(task_id)
            after = bump(before, before.updated_at, **changes)
            try:
                self.table.write(Put(to_row(after), over=before.version))
            except ConditionFailed:
                continue
            return after

    # Executions

    def execution_arn(self, name: str, machine: str | None = None) -> str:
        """machine: another one than the generation's, by its ARN."""
        return (machine or self.info.generation_state_machine_arn).replace(":stateMachine:", ":execution:") + f":{name}"

    def start(self, name: str, execution_input: Any, machine: str | None = None) -> None:
        """Redrive the execution, as a person does in the console."""
        self.clients.states.start_execution(
            stateMachineArn=machine or self.info.generation_state_machine_arn,
            name=name,
            input=json.dumps(execution_input),
        )

    def execution(self, name: str, machine: str | None = None) -> dict[str, Any]:
        """The execution once it has ended."""
        arn = self.execution_arn(name, machine)
        return eventually(
            lambda: dict(self.clients.states.describe_execution(executionArn=arn)),
            lambda found: found["status"] != "RUNNING",
            f"the execution {name} to end",
        )

    def has_execution(self, name: str) -> bool:
        try:
            self.clients.states.describe_execution(executionArn=self.execution_arn(name))
        except self.clients.states.exceptions.ExecutionDoesNotExist:
            return False
        return True

    def execution_names(self) -> set[str]:
        """Return the names of all executions, ended ones included."""
        pages = self.clients.states.get_paginator("list_executions").paginate(
            stateMachineArn=self.info.generation_state_machine_arn
        )
        return {each["name"] for page in pages for each in page["executions"]}

    def history(self, name: str) -> list[dict[str, Any]]:
        """All events of an execution that has ended, in order."""
        self.execution(name)
        pages = self.clients.states.get_paginator("get_execution_history").paginate(
            executionArn=self.execution_arn(name)
        )
        return [dict(event) for page in pages for event in page["events"]]

    def visited(self, name: str) -> list[str]:
        """The states that an execution has entered, in order."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history(name)
            if "stateEnteredEventDetails" in event
        ]

    # Buckets

    def archived(self, task_id: str) -> list[str]:
        """Keys of the archive that belong to a task."""
        pages = self.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self.info.archive_bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", []) if f"/{task_id}/" in found["Key"]]

    def archived_bytes(self, key: str) -> bytes:
        return self.clients.s3.get_object(Bucket=self.info.archive_bucket, Key=key)["Body"].read()

    def drop(self, key: str, content: bytes, content_type: str = "image/jpeg", **metadata: str) -> None:
        """Put an object into the upload bucket. `prompt_text="…"` becomes the metadata tarmac-prompt-text."""
        about = {f"tarmac-{name.replace('_', '-')}": value for name, value in metadata.items()}
        self.clients.s3.put_object(
            Bucket=self.info.upload_bucket, Key=key, Body=content, ContentType=content_type, Metadata=about
        )

    def task_of_object(self, key: str) -> Task:
        """The task that an object has become."""

        def read() -> list[Task]:
            return [row for row in self.rows_of("s3") if row.source.get("key") == key]

        return eventually(read, bool, f"a task of the object {key}")[0]

    # Functions

    def physical(self, logical_id: str) -> str:
        """The name that CloudFormation has given to a resource of template.yaml."""
        answer = self.clients.cloudformation.describe_stack_resource(StackName=NAME, LogicalResourceId=logical_id)
        return answer["StackResourceDetail"]["PhysicalResourceId"]

    def invoke(self, logical_id: str, event: Any) -> Any:
        """Return the response of a function. Fails if the function raised."""
        functions = self.client("lambda")
        try:
            answer = functions.invoke(FunctionName=self.physical(logical_id), Payload=json.dumps(event).encode())
            payload = json.loads(answer["Payload"].read())
        finally:
            functions.close()
        assert "FunctionError" not in answer, payload
        return payload

    def sweep(self) -> dict[str, int]:
        """One run of the sweeper; its schedule runs it as well, once a minute."""
        report: dict[str, int] = self.invoke("Sweep", {})
        return report


def client_of(clients: Clients, service: str) -> Any:
    """A boto3 client of any service, to be closed by the caller."""
    return clients.session.client(service, endpoint_url=clients.endpoint_url, config=clients.config)  # type: ignore[call-overload]


def log_lines(clients: Clients) -> list[str]:
    """What all functions have logged, by log group and time."""
    logs = client_of(clients, "logs")
    try:
        groups = [
            group["logGroupName"]
            for page in logs.get_paginator("describe_log_groups").paginate()
            for group in page["logGroups"]
        ]
        return [
            f"{group} {event['message'].rstrip()}"
            for group in sorted(groups)
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        ]
    finally:
        logs.close()
