"""Adapters for SNS topics, SQS queues and Step Functions executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tarmac.aws.services import THROTTLED, Sns, Sqs, StepFunctions, code_of
from tarmac.ports import ExecutionNameTaken, Throttled

_MOST_MESSAGES = 10
"""The limit of one SendMessageBatch."""


class SnsTopic:
    def __init__(self, arn: str, sns: Sns | None = None) -> None:
        self._arn = arn
        self._sns = sns or Sns.from_environment()

    def publish(self, message: str, attributes: Mapping[str, str]) -> None:
        self._sns.publish(
            TopicArn=self._arn,
            Message=message,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        )


class SqsQueue:
    def __init__(self, url: str, sqs: Sqs | None = None) -> None:
        self._url = url
        self._sqs = sqs or Sqs.from_environment()

    def send(self, message: str) -> None:
        self._sqs.send_message(QueueUrl=self._url, MessageBody=message)

    def send_all(self, messages: Sequence[str]) -> None:
        """Raises RuntimeError if SQS rejected some of the messages."""
        for start in range(0, len(messages), _MOST_MESSAGES):
            part = messages[start : start + _MOST_MESSAGES]
            entries = [{"Id": str(number), "MessageBody": message} for number, message in enumerate(part)]
            failed = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed")
            if failed:
                raise RuntimeError(f"SQS rejected {len(failed)} message(s): {failed[0].get('Code')}")

    def postpone(self, receipt: str, seconds: int) -> None:
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)


class StateMachineExecutions:
    """Executions of one state machine, by name."""

    def __init__(self, state_machine_arn: str, stepfunctions: StepFunctions | None = None) -> None:
        self._arn = state_machine_arn
        self._stepfunctions = stepfunctions or StepFunctions.from_environment()

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
            if code_of(error) in THROTTLED:
                raise Throttled from error
            raise
        return bool(answer["status"] == "RUNNING")
