"""Notices as subscribers of the topic get them. Each process has a queue of its own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from local.aws.template import topic_may_send
from tests.e2e.deployment import Deployment
from tests.e2e.waiting import eventually


@dataclass(frozen=True)
class Notice:
    """One delivery: the message and the attributes that subscribers filter by."""

    body: dict[str, Any]
    attributes: dict[str, str]
    raw: str


@dataclass(frozen=True)
class Notices:
    deployment: Deployment
    queue_url: str
    _received: list[Notice] = field(default_factory=list)

    @classmethod
    @contextmanager
    def subscribed(cls, deployment: Deployment, filter_policy: dict[str, Any] | None = None) -> Iterator[Notices]:
        """From now on. filter_policy: as SNS takes it, for message attributes."""
        sqs, sns = deployment.clients.sqs, deployment.client("sns")
        url = sqs.create_queue(QueueName=f"notices-{uuid.uuid4().hex}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps(topic_may_send(arn, deployment.info.topic_arn))
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        attributes = {} if filter_policy is None else {"FilterPolicy": json.dumps(filter_policy)}
        sns.subscribe(TopicArn=deployment.info.topic_arn, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        try:
            yield cls(deployment, url)
        finally:
            sns.close()

    def received(self) -> list[Notice]:
        """Return all notices so far, duplicates included."""
        while messages := self._receive():
            for message in messages:
                envelope = json.loads(message["Body"])
                attributes = {name: each["Value"] for name, each in envelope.get("MessageAttributes", {}).items()}
                text = envelope["Message"]
                self._received.append(Notice(json.loads(text), attributes, text))
        return self._received

    def of(self, task_id: str, at_least: int = 1) -> list[Notice]:
        """The notices of a task, once there are so many."""
        return self.matching(lambda notice: notice.body["taskId"] == task_id, f"task {task_id}", at_least)

    def matching(self, wanted: Callable[[Notice], bool], subject: str, at_least: int = 1) -> list[Notice]:
        def read() -> list[Notice]:
            return [notice for notice in self.received() if wanted(notice)]

        return eventually(read, lambda found: len(found) >= at_least, f"{at_least} notice(s) of {subject}")

    def _receive(self) -> list[Any]:
        sqs = self.deployment.clients.sqs
        messages = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        found = messages.get("Messages", [])
        if found:
            entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(found)]
            sqs.delete_message_batch(QueueUrl=self.queue_url, Entries=entries)  # type: ignore[arg-type]
        return list(found)
