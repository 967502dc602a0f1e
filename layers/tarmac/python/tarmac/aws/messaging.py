"""Notices on SNS, messages to be worked on later on SQS, executions on Step Functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tarmac.aws.services import code_of, service
from tarmac.ports import ExecutionNameTaken

_MOST_MESSAGES = 10
"""Of one SendMessageBatch."""


class SnsTopic:
    def __init__(self, arn: str, sns: Any = None) -> None:
        self._arn = arn
        self._sns = sns or service("sns")

    def publish(self, message: str, attributes: Mapping[str, str]) -> None:
        self._sns.publish(
            TopicArn=self._arn,
            Message=message,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        )


class SqsQueue:
    def __init__(self, url: str, sqs: Any = None) -> None:
        self._url = url
        self._sqs = sqs or service("sqs")

    def send(self, message: str) -> None:
        self._sqs.send_message(QueueUrl=self._url, MessageBody=message)

    def send_all(self, messages: Sequence[str]) -> None:
        """Raises RuntimeError where SQS has refused some."""
        for start in range(0, len(messages), _MOST_MESSAGES):
            part = messages[start : start + _MOST_MESSAGES]
            entries = [{"Id": str(number), "MessageBody": message} for number, message in enumerate(part)]
            failed = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed")
            if failed:
                raise RuntimeError(f"SQS has refused {len(failed)} message(s): {failed[0].get('Code')}")

    def postpone(self, receipt: str, seconds: int) -> None:
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)


class StateMachineExecutions:
    """Executions of one state machine, by name."""

    def __init__(self, state_machine_arn: str, stepfunctions: Any = None) -> None:
        self._arn = state_machine_arn
        self._stepfunctions = stepfunctions or service("stepfunctions")

    def start(self, name: str, execution_input: str) -> None:
        try:
            self._stepfunctions.start_execution(stateMachineArn=self._arn, name=name, input=execution_input)
        except Exception as error:
            if code_of(error) == "ExecutionAlreadyExists":
                raise ExecutionNameTaken(name) from error
            raise

    def is_running(self, name: str) -> bool:
        execution_arn = self._arn.replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            answer = self._stepfunctions.describe_execution(executionArn=execution_arn)
        except Exception as error:
            if code_of(error) == "ExecutionDoesNotExist":
                return False
            raise
        return bool(answer["status"] == "RUNNING")
