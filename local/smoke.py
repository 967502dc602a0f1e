"""Proves a deployed stack from outside, for at most two credits: the steps of `tarmac smoke`.

Two of its three tasks can cost a credit each: one that succeeds, and one that is cancelled while it may already run.
The third has a model that does not exist, so Runway rejects it at no cost after the whole way from the S3 inbox.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from local.aws.template import topic_may_send
from local.errors import LocalError

if TYPE_CHECKING:
    from local.commands.api import Api
    from local.commands.target import Target
    from tarmac.tasks.store import TaskStore
    from tarmac.tasks.task import Task

Found = TypeVar("Found")

OPERATION = "text_to_speech"
MODEL = "eleven_multilingual_v2"
UNKNOWN_MODEL = "tarmac-smoke-no-such-model"
VOICE = {"type": "runway-preset", "presetId": "Maya"}
MOST_CREDITS = 2
OK, FAILED, SKIPPED = "ok", "failed", "skipped"
# A task that runs long enough to be cancelled, at Tarmac's simulator. Runway reads it as text.
_LONG_AT_SIMULATOR = "[[sim: seconds=9000]]"


class Skip(Exception):
    """A check does not apply to this stack; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """The result of one check. detail: what was proven, or what is wrong."""

    check: str
    state: str
    detail: str
    seconds: float


def request(text: str, model: str = MODEL) -> dict[str, Any]:
    """Return the cheapest request: speech of at most 50 characters costs one credit."""
    return {"model": model, "promptText": text, "voice": VOICE}


def estimated_credits() -> int:
    """Return what a run may cost, from the catalogue. Raise LocalError if that is more than MOST_CREDITS."""
    from tarmac.catalogue import operation
    from tarmac.requests.prices import estimate_credits

    price = operation(OPERATION).models[MODEL].credits
    total = sum(estimate_credits(request(text), price) or MOST_CREDITS + 1 for text in (_SPOKEN, _CANCELLED))
    if total > MOST_CREDITS:
        raise LocalError(f"the smoke test would cost {total} credits: choose a cheaper model in local/smoke.py")
    return total


_SPOKEN = "Tarmac works."
_CANCELLED = "Cancel this."


@dataclass
class Smoke:
    """One run against a stack. patience_seconds: the longest wait of one check."""

    target: Target
    webhook_url: str | None
    patience_seconds: float
    name: str = field(default_factory=lambda: f"smoke-{uuid.uuid4().hex[:12]}")
    _cleanup: ExitStack = field(default_factory=ExitStack)
    _tasks: dict[str, str] = field(default_factory=dict)
    _notices: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self) -> Iterator[Outcome]:
        """Yield the outcome of every check, then remove everything temporary."""
        with self._cleanup:
            for check, step in self._steps().items():
                began = time.monotonic()
                try:
                    state, detail = OK, step()
                except Skip as reason:
                    state, detail = SKIPPED, str(reason)
                except LocalError as problem:
                    state, detail = FAILED, str(problem)
                except Exception as error:
                    state, detail = FAILED, f"{type(error).__name__}: {error}"
                yield Outcome(check, state, detail, time.monotonic() - began)

    def _steps(self) -> dict[str, Callable[[], str]]:
        return {
            "notices can be received": self.subscribe,
            "HTTP API accepts a task": self.create_over_http,
            "S3 inbox starts a task": self.put_into_inbox,
            "execution by hand is accepted": self.start_by_hand,
            "a task is cancelled": self.cancel,
            "the task succeeds": self.wait_for_success,
            "the output is archived": self.compare_output,
            "the task from S3 reaches Runway": self.wait_for_rejection,
            "notices arrive": self.wait_for_notices,
            "the webhook is delivered": self.wait_for_webhook,
            "a revoked key is rejected": self.revoke_key,
        }

    # Entry points

    def subscribe(self) -> str:
        """Subscribe a temporary queue to the notice topic."""
        sqs, sns, topic = self.target.client("sqs"), self.target.client("sns"), self.target.outputs["NoticeTopicArn"]
        self._queue_url = sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self._cleanup.callback(sqs.delete_queue, QueueUrl=self._queue_url)
        answer = sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])
        arn = answer["Attributes"]["QueueArn"]
        policy = json.dumps(topic_may_send(arn, topic))
        sqs.set_queue_attributes(QueueUrl=self._queue_url, Attributes={"Policy": policy})
        subscription = sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        self._cleanup.callback(sns.unsubscribe, SubscriptionArn=subscription)
        return f"temporary queue {self.name}"

    def create_over_http(self) -> str:
        self._http_api, self._key = self._open_api(self.name)
        body: dict[str, Any] = request(_SPOKEN)
        if self.webhook_url:
            body["webhookUrl"] = self.webhook_url
        self._tasks["http"] = task_id = str(self._http_api.create(OPERATION, body)["id"])
        return f"task {task_id}"

    def put_into_inbox(self) -> str:
        s3, bucket, key = self.target.client("s3"), self.target.outputs["UploadBucket"], f"inbox/{self.name}.json"
        content = json.dumps({"operation": OPERATION, "request": request(_SPOKEN, UNKNOWN_MODEL)}).encode()
        s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/json")
        self._cleanup.callback(s3.delete_object, Bucket=bucket, Key=key)
        client = self.target.parameters["S3Client"]

        def find() -> Task | None:
            newest = self._store.of_client(client, 50, None).tasks
            return next((task for task in newest if task.source.get("key") == key), None)

        self._tasks["s3"] = self._eventually(find, f"no task of {key} was created: see the log of AcceptUpload").id
        return f"{key}, task {self._tasks['s3']}"

    def start_by_hand(self) -> str:
        from tarmac.tasks.store import NoSuchTask

        text = f"{_CANCELLED} {_LONG_AT_SIMULATOR}" if self.target.is_simulated else _CANCELLED
        self.target.client("stepfunctions").start_execution(
            stateMachineArn=self.target.outputs["GenerationStateMachineArn"],
            name=self.name,
            input=json.dumps({"operation": OPERATION, "request": request(text)}),
        )

        def find() -> Task | None:
            try:
                return self._store.get(self.name)
            except NoSuchTask:
                return None

        self._eventually(find, f"the execution {self.name} created no task: see its history")
        self._tasks["hand"] = self.name
        return f"execution {self.name}"

    def cancel(self) -> str:
        task_id = self._task("hand")
        api, _ = self._open_api(self.target.parameters["ConsoleClient"])
        api.cancel(task_id)
        self._ended(task_id, "CANCELLED")
        return f"task {task_id}"

    # Results

    def wait_for_success(self) -> str:
        task = self._ended(self._task("http"), "SUCCEEDED")
        return f"cost in credits: {task.cost_credits or 0:g}"

    def compare_output(self) -> str:
        """Compare the archived output, through the link that the API returns, with the hash in the row."""
        task_id = self._task("http")
        task = self._ended(task_id, "SUCCEEDED")
        links = self._http_api.task(task_id).get("output") or []
        if not links or len(links) != len(task.outputs):
            raise LocalError(f"the task has {len(links)} links to {len(task.outputs)} outputs")
        for link, output in zip(links, task.outputs, strict=True):
            if hashlib.sha256(self._content(link)).hexdigest() != output.sha256:
                raise LocalError(f"{output.key} does not match the SHA-256 of the task")
            s3 = self.target.client("s3")
            self._cleanup.callback(s3.delete_object, Bucket=output.bucket, Key=output.key)
        return f"{sum(output.size_bytes for output in task.outputs):,} bytes in {task.outputs[0].key}"

    def wait_for_rejection(self) -> str:
        task = self._ended(self._task("s3"), "FAILED")
        if task.failure_code is None or not task.failure_code.startswith("TARMAC.REJECTED"):
            raise LocalError(f"task {task.id} failed with {task.failure_code}: {task.failure}")
        return f"Runway rejected the model {UNKNOWN_MODEL}, as expected"

    def wait_for_notices(self) -> str:
        wanted = set(self._tasks.values())
        if len(wanted) < len(("http", "s3", "hand")):
            raise LocalError("not every entry point created a task")

        def receive() -> bool:
            answer = self.target.client("sqs").receive_message(
                QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for message in answer.get("Messages", ()):
                notice = json.loads(message["Body"])
                self._notices[str(notice.get("taskId"))] = notice
            return wanted <= self._notices.keys()

        try:
            self._eventually(receive, "")
        except LocalError:
            missing = ", ".join(sorted(wanted - self._notices.keys()))
            raise LocalError(f"no notice of {missing}: see the execution of each task") from None
        return ", ".join(sorted(self._notices[task_id]["type"] for task_id in wanted))

    def wait_for_webhook(self) -> str:
        if not self.webhook_url:
            raise Skip("no --webhook-url")
        task_id = self._task("http")

        def find() -> dict[str, Any] | None:
            webhook: dict[str, Any] = self._http_api.task(task_id).get("webhook") or {}
            return webhook if webhook.get("state") == "DELIVERED" else None

        where = urlsplit(self.webhook_url).hostname
        webhook = self._eventually(find, f"{where} accepted no webhook: see the log of DeliverWebhook")
        return f"{where} answered {webhook['lastStatus']}"

    def revoke_key(self) -> str:
        """Revoke the key that has been used; the authorizer may accept it until its cache expires."""
        from tarmac.http.clients import ClientStore

        self._task("http")
        ClientStore(self.target.table).revoke(self._key)
        cache_seconds = float(self.target.parameters["AuthorizerCacheSeconds"])
        self._eventually(
            lambda: self._http_api.http.get("/v1/tasks").status_code == HTTPStatus.UNAUTHORIZED,
            "the API accepts a revoked key",
            cache_seconds + self.patience_seconds,
        )
        return "401"

    # Parts

    @property
    def _store(self) -> TaskStore:
        from tarmac.clock import Clock
        from tarmac.tasks.store import TaskStore

        return TaskStore(self.target.table, Clock())

    def _open_api(self, client: str) -> tuple[Api, str]:
        """Return the API with a temporary key of a client, and the key."""
        from local.commands.api import connected
        from tarmac.http.clients import ClientStore

        store = ClientStore(self.target.table)
        key = store.create_key(client, ["tasks"], time.time())
        self._cleanup.callback(store.revoke, key)
        return self._cleanup.enter_context(connected(self.target.outputs["ApiUrl"], key)), key

    def _content(self, link: str) -> bytes:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "output"
            self._http_api.download(link, file)
            return file.read_bytes()

    def _task(self, entry_point: str) -> str:
        if entry_point not in self._tasks:
            raise LocalError("not started")
        return self._tasks[entry_point]

    def _ended(self, task_id: str, status: str) -> Task:
        """Wait until a task has ended, and return it. Raise LocalError if its status is another one."""
        from tarmac.tasks.responses import shown_status

        def find() -> Task | None:
            task = self._store.get(task_id)
            return task if task.state.is_terminal else None

        task = self._eventually(find, f"task {task_id} has not ended: see its execution")
        if shown_status(task) != status:
            raise LocalError(f"task {task_id} is {shown_status(task)}, not {status}: {task.failure}")
        return task

    def _eventually(self, find: Callable[[], Found | None], problem: str, seconds: float | None = None) -> Found:
        """Return what find() returns first that is true. Raise LocalError with the problem when time is up."""
        deadline = time.monotonic() + (self.patience_seconds if seconds is None else seconds)
        while True:
            found = find()
            if found:
                return found
            if time.monotonic() > deadline:
                raise LocalError(problem)
            time.sleep(0.2 if self.target.is_local else 1.0)


@contextmanager
def webhook_receiver(target: Target, webhook_url: str | None) -> Iterator[str | None]:
    """Give the URL for the webhook: the given one, or a receiver at the loopback origin that the local stack allows."""
    origins = target.parameters.get("WebhookOrigins", "") if target.is_local else ""
    at = urlsplit(origins.split(",")[0])
    if webhook_url or at.hostname != "127.0.0.1" or not at.port:
        yield webhook_url
        return
    with HTTPServer((at.hostname, at.port), _Accept) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"{at.scheme}://{at.netloc}/smoke"
        finally:
            server.shutdown()


class _Accept(BaseHTTPRequestHandler):
    """Answers 204 to every webhook."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""
